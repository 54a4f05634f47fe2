//! Which plugins there are: what their files say, without running any of their code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::error::LoadError;
use super::resolve::{Origin, SearchPath};
use super::{About, Plugin};

/// A plugin in a directory of the search path, or a file that is named like one.
#[derive(Debug)]
pub struct Listed {
    /// The name that finds it.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Why its directory is searched.
    pub origin: Origin,
    /// What it says about itself, or why it would be refused.
    pub about: Result<About, LoadError>,
    /// The file that is found by this name instead.
    pub shadowed_by: Option<PathBuf>,
}

/// All plugins in the directories of a search path, in the order in which they are found. Other libraries that
/// happen to be there are left out.
#[must_use]
pub fn list(search: &SearchPath) -> Vec<Listed> {
    let mut first: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut listed = Vec::new();
    for (name, path, origin) in search.libraries() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let path_text = path.to_string_lossy();
        let about = Plugin::inspect(&path_text, search, None).map(Plugin::into_about);
        if matches!(about, Err(LoadError::NotAPlugin { .. })) {
            continue;
        }
        let shadowed_by = first.get(&name).cloned();
        first.entry(name.clone()).or_insert_with(|| path.clone());
        listed.push(Listed {
            name,
            path,
            origin,
            about,
            shadowed_by,
        });
    }
    listed
}
