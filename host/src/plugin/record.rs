//! Finding the manifest in a plugin's bytes, so that it is known before any of its code runs.

use investbot_plugin_api::abi::MANIFEST_MARKER;
use memchr::memmem;

use super::manifest::ManifestProblem;

/// What `export_adapter!` wrote into the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) epoch: u32,
    pub(super) api: &'a str,
    pub(super) target: &'a str,
    pub(super) manifest: &'a [u8],
}

/// The one record in `bytes`; `None` if there is none.
pub(super) fn find(bytes: &[u8]) -> Result<Option<Record<'_>>, ManifestProblem> {
    let mut found = None;
    let mut rest = bytes;
    while let Some(at) = memmem::find(rest, MANIFEST_MARKER) {
        rest = &rest[at + MANIFEST_MARKER.len()..];
        // The marker alone is also in every program that searches for it.
        if !rest.starts_with(b"epoch=") {
            continue;
        }
        let (record, after) = parse(rest).ok_or(ManifestProblem::Damaged)?;
        rest = after;
        if found.replace(record).is_some() {
            return Err(ManifestProblem::Several);
        }
    }
    Ok(found)
}

/// The record at the start of `bytes`, and what follows it. A later version of the record may have more
/// fields before the length.
fn parse(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    const LONGEST_FIELD: usize = 100;
    let (mut epoch, mut api, mut target) = (None, None, None);
    let mut rest = bytes;
    loop {
        let end = memchr::memchr(b';', &rest[..rest.len().min(LONGEST_FIELD)])?;
        let (key, value) = std::str::from_utf8(&rest[..end]).ok()?.split_once('=')?;
        rest = &rest[end + 1..];
        match key {
            "epoch" => epoch = value.parse().ok(),
            "api" => api = Some(value),
            "target" => target = Some(value),
            "len" => {
                let (manifest, after) = rest.split_at_checked(value.parse().ok()?)?;
                let record = Record {
                    epoch: epoch?,
                    api: api?,
                    target: target?,
                    manifest,
                };
                return Some((record, after.strip_prefix(MANIFEST_MARKER.as_slice())?));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(manifest: &str) -> Vec<u8> {
        let head = format!(
            "epoch=1;api=1.0.0;target=t;new=x;len={:08};",
            manifest.len()
        );
        [
            MANIFEST_MARKER.as_slice(),
            head.as_bytes(),
            manifest.as_bytes(),
            MANIFEST_MARKER,
        ]
        .concat()
    }

    #[test]
    fn finds_the_one_record() {
        let bytes = [b"\x7fELF junk".to_vec(), record("a = 1"), vec![0; 9]].concat();
        let found = find(&bytes).expect("it is whole").expect("it is there");
        assert_eq!((found.epoch, found.api, found.target), (1, "1.0.0", "t"));
        assert_eq!(found.manifest, b"a = 1");
    }

    #[test]
    fn a_marker_alone_is_no_record() {
        let bytes = [MANIFEST_MARKER.as_slice(), b"...", MANIFEST_MARKER].concat();
        assert_eq!(find(&bytes), Ok(None));
    }

    #[test]
    fn two_records_are_refused() {
        let bytes = [record("a"), record("b")].concat();
        assert_eq!(find(&bytes), Err(ManifestProblem::Several));
    }

    #[test]
    fn a_cut_record_is_damaged() {
        let whole = record("manifest");
        for len in MANIFEST_MARKER.len() + 6..whole.len() {
            assert_eq!(find(&whole[..len]), Err(ManifestProblem::Damaged), "{len}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = find(&[MANIFEST_MARKER.as_slice(), b"epoch=", &tail].concat());
            let _ = find(&[MANIFEST_MARKER.as_slice(), b"epoch=1;len=", &tail].concat());
        }
    }
}
