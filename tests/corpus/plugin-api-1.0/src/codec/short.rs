//! Decimals and bars, written and read in one go.
//!
//! They cross the boundary by the million, and the general encoder and decoder make a call for every few
//! bytes. Here a value is put together in one piece of memory, and read from one. The bytes are the same
//! (a test compares them). What does not have its usual form is left to the general decoder, which also
//! has the words for what is wrong.

use std::cell::Cell;

use minicbor::data::IanaTag;
use minicbor::{Decoder, Encoder, decode as de, encode as en};
use rust_decimal::Decimal;

use crate::market::Bar;
use crate::time::UnixNanos;

/// Major types (RFC 8949 §3.1).
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TAG: u8 = 6;
/// The bytes of -1 to -24.
const FIRST_NEGATIVE: u8 = NEGATIVE << 5;
const LAST_NEGATIVE: u8 = FIRST_NEGATIVE + 23;

/// The heads of a decimal, tag 4 and array of 2, and that of a bar, array of 7.
const DECIMAL: [u8; 2] = [TAG << 5 | 4, 4 << 5 | 2];
const BAR: u8 = 4 << 5 | 7;

/// The fewest bytes that a bar has: its head, two times, five decimals of three bytes of heads and one digit.
const BAR_LEAST: usize = 1 + 2 + 5 * 4;
/// The largest mantissa that is an integer; a larger one is a bignum.
const MOST: u64 = i64::MAX as u64;
/// How many bars' memory a thread keeps.
const SPARE_BARS: usize = 4096;
/// Room for any decimal: its heads, a scale of 28, a bignum of 96 bits.
const DECIMAL_ROOM: usize = 2 + 2 + 2 + 12;
/// Room for any bar.
const BAR_ROOM: usize = 1 + 2 * 9 + 5 * DECIMAL_ROOM;
/// Heads are written eight bytes further than they are long.
const SLACK: usize = 8;

/// Writes one decimal.
#[inline]
pub(super) fn write_decimal<W: en::Write>(
    value: &Decimal,
    e: &mut Encoder<W>,
) -> Result<(), en::Error<W::Error>> {
    let mut piece = Piece::<{ DECIMAL_ROOM + SLACK }>::new();
    piece.decimal(value);
    piece.hand_over(e)
}

/// Writes one bar.
pub(crate) fn write_bar<W: en::Write>(
    bar: &Bar,
    e: &mut Encoder<W>,
) -> Result<(), en::Error<W::Error>> {
    let mut piece = Piece::<{ BAR_ROOM + SLACK }>::new();
    piece.put(&[BAR]);
    piece.int(bar.open_time.0);
    piece.int(bar.close_time.0);
    for value in [&bar.open, &bar.high, &bar.low, &bar.close, &bar.volume] {
        piece.decimal(value);
    }
    piece.hand_over(e)
}

/// Reads one decimal of the usual form; otherwise `None`, and the decoder stays where it is.
#[inline]
pub(super) fn read_decimal(d: &mut Decoder<'_>) -> Option<Decimal> {
    let mut reader = Reader::of(d)?;
    let value = reader.decimal()?;
    reader.commit(d);
    Some(value)
}

/// Reads one bar of the usual form; otherwise `None`, and the decoder stays where it is.
#[inline]
pub(crate) fn read_bar(d: &mut Decoder<'_>) -> Option<Bar> {
    let mut reader = Reader::of(d)?;
    if reader.byte()? != BAR {
        return None;
    }
    let times = [reader.int()?, reader.int()?];
    let mut values = [Decimal::ZERO; 5];
    for value in &mut values {
        *value = reader.decimal()?;
    }
    reader.commit(d);
    let ([open_time, close_time], [open, high, low, close, volume]) = (times, values);
    Some(Bar {
        open_time: UnixNanos(open_time),
        close_time: UnixNanos(close_time),
        open,
        high,
        low,
        close,
        volume,
    })
}

thread_local! {
    static SPARE: Cell<Vec<Bar>> = const { Cell::new(Vec::new()) };
}

/// Reads an array of bars. The memory is that of bars that were given back, or asked for once.
pub(crate) fn read_bars<C>(d: &mut Decoder<'_>, cx: &mut C) -> Result<Vec<Bar>, de::Error> {
    let bytes_left = d.input().len().saturating_sub(d.position());
    let told = d.probe().array()?.unwrap_or(0);
    let mut bars = SPARE.take();
    bars.clear();
    bars.reserve((told as usize).min(bytes_left / BAR_LEAST));
    for bar in d.array_iter_with(cx)? {
        bars.push(bar?);
    }
    Ok(bars)
}

/// Keeps the memory of bars for the next ones: an allocator takes its time over pieces of this size. More
/// than [`SPARE_BARS`] are not worth keeping.
pub(crate) fn give_back(bars: Vec<Bar>) {
    if bars.capacity() <= SPARE_BARS {
        // While the thread ends, the memory is simply freed.
        let _ = SPARE.try_with(|spare| spare.set(bars));
    }
}

/// The bytes of one value, on their way to the encoder.
struct Piece<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Piece<N> {
    const fn new() -> Self {
        Self {
            bytes: [0; N],
            length: 0,
        }
    }

    fn hand_over<W: en::Write>(&self, e: &mut Encoder<W>) -> Result<(), en::Error<W::Error>> {
        let bytes = &self.bytes[..self.length];
        e.writer_mut().write_all(bytes).map_err(en::Error::write)
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    /// A major type and its argument, in as few bytes as possible.
    #[inline]
    fn head(&mut self, major: u8, argument: u64) {
        let (info, size) = match argument {
            0..=23 => return self.put(&[major << 5 | argument as u8]),
            24..=0xff => (24, 1),
            0x100..=0xffff => (25, 2),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 8),
        };
        self.put(&[major << 5 | info]);
        // Eight bytes, of which the first `size` stay.
        let aligned = argument << (64 - 8 * size);
        self.put(&aligned.to_be_bytes());
        self.length -= 8 - size;
    }

    #[inline]
    fn int(&mut self, value: i64) {
        if value < 0 {
            self.head(NEGATIVE, !value as u64);
        } else {
            self.head(UNSIGNED, value as u64);
        }
    }

    #[inline]
    fn decimal(&mut self, value: &Decimal) {
        let parts = value.unpack();
        let [tag, array] = DECIMAL;
        match parts.scale as u8 {
            0 => self.put(&[tag, array, 0]),
            scale @ 1..=24 => self.put(&[tag, array, FIRST_NEGATIVE + scale - 1]),
            scale => self.put(&[tag, array, FIRST_NEGATIVE + 24, scale - 1]),
        }
        let magnitude = u64::from(parts.mid) << 32 | u64::from(parts.lo);
        match (parts.hi, parts.negative) {
            (0, false) if magnitude <= MOST => self.head(UNSIGNED, magnitude),
            (0, true) if (1..=MOST + 1).contains(&magnitude) => self.head(NEGATIVE, magnitude - 1),
            _ => self.long_mantissa(value.mantissa()),
        }
    }

    /// RFC 8949 §3.4.3: a negative bignum n is written as -1 - n.
    #[cold]
    fn long_mantissa(&mut self, mantissa: i128) {
        if mantissa == 0 {
            return self.head(UNSIGNED, 0);
        }
        let (tag, magnitude) = if mantissa < 0 {
            (IanaTag::NegBignum, !mantissa)
        } else {
            (IanaTag::PosBignum, mantissa)
        };
        let bytes = magnitude.to_be_bytes();
        let skip = bytes.iter().take_while(|b| **b == 0).count();
        self.head(TAG, tag.tag().as_u64());
        self.head(BYTES, (bytes.len() - skip) as u64);
        self.put(&bytes[skip..]);
    }
}

/// What a decoder has before it.
struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    #[inline]
    fn of(d: &Decoder<'b>) -> Option<Self> {
        let rest = d.input().get(d.position()..)?;
        Some(Self { rest })
    }

    /// Moves the decoder past what was read.
    #[inline]
    fn commit(self, d: &mut Decoder<'b>) {
        d.set_position(d.input().len() - self.rest.len());
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// A major type and its argument.
    #[inline]
    fn head(&mut self) -> Option<(u8, u64)> {
        let first = self.byte()?;
        let size = match first & 31 {
            info @ 0..=23 => return Some((first >> 5, info.into())),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return None,
        };
        // The first `size` of eight bytes, or of what is left of them.
        let word = match self.rest.first_chunk() {
            Some(word) => u64::from_be_bytes(*word),
            None => last_word(self.rest),
        };
        self.rest = self.rest.get(size..)?;
        Some((first >> 5, word >> (64 - 8 * size)))
    }

    #[inline]
    fn int(&mut self) -> Option<i64> {
        let (major, argument) = self.head()?;
        let value = i64::try_from(argument).ok()?;
        match major {
            UNSIGNED => Some(value),
            NEGATIVE => Some(!value),
            _ => None,
        }
    }

    #[inline]
    fn decimal(&mut self) -> Option<Decimal> {
        let ([tag, array, exponent], rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        let scale = match *exponent {
            _ if [*tag, *array] != DECIMAL => return None,
            0 => 0,
            byte @ FIRST_NEGATIVE..=LAST_NEGATIVE => u32::from(byte - FIRST_NEGATIVE) + 1,
            _ => return None,
        };
        let (negative, magnitude) = match self.head()? {
            (UNSIGNED, n) => (false, n),
            (NEGATIVE, n) => (true, n.checked_add(1)?),
            _ => return None,
        };
        let (low, middle) = (magnitude as u32, (magnitude >> 32) as u32);
        Some(Decimal::from_parts(low, middle, 0, negative, scale))
    }
}

/// Fewer than eight bytes, as the first of a word.
#[cold]
fn last_word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_be_bytes(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::decimal;
    use super::*;

    /// Both signs, any scale, mantissas of every length.
    fn decimals() -> impl Strategy<Value = Decimal> {
        const MOST: i128 = (1 << 96) - 1;
        (-MOST..=MOST, 0_u32..96, 0_u32..=28)
            .prop_map(|(m, shift, scale)| Decimal::from_i128_with_scale(m >> shift, scale))
    }

    fn bars() -> impl Strategy<Value = Bar> {
        let times = (any::<i64>(), any::<i64>(), 0_u32..64);
        (times, [(); 5].map(|()| decimals())).prop_map(
            |(times, [open, high, low, close, volume])| Bar {
                open_time: UnixNanos(times.0 >> times.2),
                close_time: UnixNanos(times.1 >> times.2),
                open,
                high,
                low,
                close,
                volume,
            },
        )
    }

    /// A decimal as minicbor itself writes it.
    fn general(value: &Decimal, e: &mut Encoder<&mut Vec<u8>>) {
        let mut write = || {
            e.tag(IanaTag::Decimal)?
                .array(2)?
                .i64(-i64::from(value.scale()))?;
            let mantissa = value.mantissa();
            if let Ok(small) = i64::try_from(mantissa) {
                return e.i64(small).map(|_| ());
            }
            let (tag, magnitude) = if mantissa < 0 {
                (IanaTag::NegBignum, -1 - mantissa)
            } else {
                (IanaTag::PosBignum, mantissa)
            };
            let bytes = magnitude.to_be_bytes();
            let skip = bytes.iter().take_while(|b| **b == 0).count();
            e.tag(tag)?.bytes(&bytes[skip..]).map(|_| ())
        };
        write().expect("memory takes everything");
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_the_general_encoder(bar in bars()) {
            let mut want = Vec::new();
            let mut e = Encoder::new(&mut want);
            let times = e.array(7).and_then(|e| e.i64(bar.open_time.0)).and_then(|e| e.i64(bar.close_time.0));
            times.map(|_| ()).expect("memory takes everything");
            for value in [bar.open, bar.high, bar.low, bar.close, bar.volume] {
                general(&value, &mut e);
            }
            prop_assert_eq!(crate::codec::to_vec(&bar), want);
        }

        #[test]
        fn the_usual_form_and_the_general_decoder_agree(value in decimals(), cut in 0_usize..20) {
            let mut bytes = Vec::new();
            write_decimal(&value, &mut Encoder::new(&mut bytes)).expect("memory takes everything");
            let cut = cut.min(bytes.len());
            for bytes in [&bytes[..], &bytes[..cut]] {
                let mut d = Decoder::new(bytes);
                let short = read_decimal(&mut d);
                let short_end = d.position();
                let mut d = Decoder::new(bytes);
                let general = decimal::decode_general(&mut d).ok();
                if let Some(short) = short {
                    prop_assert_eq!(general, Some(short));
                    prop_assert_eq!(general.map(|g| g.scale()), Some(short.scale()));
                    prop_assert_eq!(d.position(), short_end);
                } else {
                    prop_assert_eq!(short_end, 0);
                    let is_unusual = i64::try_from(value.mantissa()).is_err() || value.scale() > 24;
                    prop_assert!(general.is_none() || is_unusual);
                }
            }
        }

        #[test]
        fn garbage_is_left_to_the_general_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut d = Decoder::new(&bytes);
            if let Some(short) = read_decimal(&mut d) {
                let general = decimal::decode_general(&mut Decoder::new(&bytes));
                prop_assert_eq!(general.ok(), Some(short));
            }
        }
    }
}
