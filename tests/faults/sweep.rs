//! How many of the places of a fault are tried: some of them with every test run, all of them on demand.

/// All places are tried if this variable says `all`.
const VARIABLE: &str = "FAULTS";

/// How many places of each fault are tried otherwise.
const SOME: usize = 8;

/// The places that are tried: all, or some that are evenly spread over all.
pub(crate) fn places<T>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let all: Vec<T> = all.into_iter().collect();
    if is_full() || all.len() <= SOME {
        return all;
    }
    let count = all.len();
    let is_tried = |at: usize| at * SOME / count != (at + 1) * SOME / count;
    let numbered = all.into_iter().enumerate();
    numbered
        .filter(|(at, _)| is_tried(*at))
        .map(|(_, place)| place)
        .collect()
}

pub(crate) fn is_full() -> bool {
    std::env::var(VARIABLE).is_ok_and(|wanted| wanted == "all")
}
