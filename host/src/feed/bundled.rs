//! The bars that come with the program, so that it has something real to run on at once.

/// Bars that are part of the program. Where they are from: `data/README.md`.
#[derive(Clone, Copy)]
pub struct Bundled {
    /// The name to ask for them by.
    pub name: &'static str,
    /// The instrument's symbol.
    pub symbol: &'static str,
    /// One line for a person.
    pub about: &'static str,
    /// The file.
    pub csv: &'static [u8],
}

impl std::fmt::Debug for Bundled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundled").field("name", &self.name).finish()
    }
}

impl Bundled {
    /// The bars of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        BUNDLED.iter().find(|bundled| bundled.name == name)
    }
}

/// All bars that are part of the program; the first are the ones to run on by default.
pub static BUNDLED: &[Bundled] = &[
    Bundled {
        name: "btcusd-30m",
        symbol: "BTC/USD",
        about: "Bitcoin in US dollars, 30 minutes, October 2017 to October 2019",
        csv: include_bytes!("../../../data/btcusd-30m.csv"),
    },
    Bundled {
        name: "ethusd-30m",
        symbol: "ETH/USD",
        about: "Ether in US dollars, 30 minutes, October 2017 to October 2019",
        csv: include_bytes!("../../../data/ethusd-30m.csv"),
    },
    Bundled {
        name: "aapl-1d",
        symbol: "AAPL/USD",
        about: "Apple shares, daily and unadjusted, March 2000 to March 2013",
        csv: include_bytes!("../../../data/aapl-1d.csv"),
    },
];
