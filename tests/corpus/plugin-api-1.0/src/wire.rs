//! Enumerations as they cross the boundary: a small integer in CBOR, a word in files.

/// Declares an enumeration with its wire number and its word.
///
/// A plain one refuses numbers it does not know (commands). One that ends in `, else Variant` decodes
/// them as that variant (reports), so a newer adapter can report a newer value to an older host.
macro_rules! wire_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$vmeta:meta])* $variant:ident = $number:literal $word:literal, )+
        }
        $( else $(#[$emeta:meta])* $fallback:ident )?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$vmeta])* $variant, )+
            $( $(#[$emeta])* $fallback, )?
        }

        impl $name {
            /// Every value that has a word, in wire order.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// The word used in files and messages.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )+
                    $( Self::$fallback => stringify!($fallback), )?
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $( $word => Ok(Self::$variant), )+
                    _ => {
                        let words: Vec<_> = Self::ALL.iter().map(|v| v.as_str()).collect();
                        Err(format!("`{text}` is not one of: {}", words.join(", ")))
                    }
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str>>::deserialize(d)?;
                // What was written as unrecognized is that when it is read again. Other words are none.
                $( if text == stringify!($fallback) { return Ok(Self::$fallback); } )?
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.u32(match self {
                    $( Self::$variant => $number, )+
                    $( Self::$fallback => crate::wire::fallback_number(stringify!($fallback)), )?
                })?;
                Ok(())
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                d: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                match d.u32()? {
                    $( $number => Ok(Self::$variant), )+
                    number => {
                        $( let _ = number; return Ok(Self::$fallback); )?
                        #[allow(unreachable_code)]
                        Err(minicbor::decode::Error::message(format!(
                            "unknown {} number {number}", stringify!($name)
                        )))
                    }
                }
            }
        }
    };
}
pub(crate) use wire_enum;

/// The number a fallback variant goes out as: one that no value of a real enumeration will ever have.
pub(crate) const fn fallback_number(_variant: &str) -> u32 {
    u32::MAX
}
