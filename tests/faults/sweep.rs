//! How many of the places of a fault are tried: a few of them with every test run, more of them in CI, all of
//! them on demand.

/// How many places of each fault are tried: a number, or `all`.
const VARIABLE: &str = "FAULTS";

/// How many there are otherwise.
const FEW: usize = 8;

/// The places that are tried: all, or some that are evenly spread over all.
pub(crate) fn places<T>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let all: Vec<T> = all.into_iter().collect();
    let (count, wanted) = (all.len(), how_many());
    if count <= wanted {
        return all;
    }
    let is_tried = |at: usize| at * wanted / count != (at + 1) * wanted / count;
    let numbered = all.into_iter().enumerate();
    numbered
        .filter(|(at, _)| is_tried(*at))
        .map(|(_, place)| place)
        .collect()
}

/// How many places of each fault are tried.
pub(crate) fn how_many() -> usize {
    match std::env::var(VARIABLE).as_deref() {
        Ok("all") => u32::MAX as usize,
        Ok(number) => number
            .parse()
            .unwrap_or_else(|_| panic!("{VARIABLE} is `{number}`: it takes a number or `all`")),
        Err(_) => FEW,
    }
}
