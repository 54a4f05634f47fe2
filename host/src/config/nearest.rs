//! The name that somebody probably meant.

/// The candidate nearest to `name`, if one is near enough to be what was meant.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    // A third of the letters may be wrong; beyond that a suggestion confuses more than it helps.
    let allowed = (name.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// Like [`nearest`] for dotted keys: a last part that is right, in the wrong table, counts as near.
pub(super) fn nearest_key<'a>(
    key: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    nearest(key, candidates.clone()).or_else(|| {
        let leaf = last_part(key);
        let mut same = candidates.into_iter().filter(|c| last_part(c) == leaf);
        match (same.next(), same.next()) {
            (Some(only), None) => Some(only.to_owned()),
            _ => None,
        }
    })
}

fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
