//! From what the user typed to a file: a path is taken as it is, a name is looked for in the search
//! path. A bare name never reaches the system's loader, which would search where it likes.

use std::collections::BTreeSet;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use super::error::LoadError;
use super::text::printable;

/// What the files of investbot's own plugins start with, after the system's own prefix.
const FAMILY: &str = "investbot_";

/// Why a directory is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The user named it on the command line or in the configuration.
    PluginDir,
    /// It is in `INVESTBOT_PLUGIN_PATH`.
    PluginPath,
    /// The executable is in it.
    Executable,
    /// It is the user's own.
    UserData,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PluginDir => "--plugin-dir",
            Self::PluginPath => "INVESTBOT_PLUGIN_PATH",
            Self::Executable => "directory of the executable",
            Self::UserData => "user's data directory",
        })
    }
}

/// The directories in which plugins are looked for by name; the first that has one wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPath {
    dirs: Vec<(PathBuf, Origin)>,
}

impl SearchPath {
    /// The search path of the given places: directories the user named, the value of
    /// `INVESTBOT_PLUGIN_PATH`, the path of the executable, the user's data directory.
    #[must_use]
    pub fn new(
        plugin_dirs: &[PathBuf],
        plugin_path: Option<&OsStr>,
        executable: Option<&Path>,
        data_dir: Option<&Path>,
    ) -> Self {
        let named = plugin_dirs.iter().cloned().map(|d| (d, Origin::PluginDir));
        let listed = plugin_path
            .into_iter()
            .flat_map(std::env::split_paths)
            // An empty entry would mean the working directory, which nobody meant.
            .filter(|dir| !dir.as_os_str().is_empty())
            .map(|dir| (dir, Origin::PluginPath));
        let beside = executable
            .and_then(Path::parent)
            .map(|dir| (dir.to_owned(), Origin::Executable));
        let own = data_dir.map(|dir| (dir.join("investbot").join("plugins"), Origin::UserData));
        Self {
            dirs: named.chain(listed).chain(beside).chain(own).collect(),
        }
    }

    /// The search path of this process: the executable and the user's data directory are asked of the
    /// system, the rest is given.
    #[must_use]
    pub fn of_this_process(plugin_dirs: &[PathBuf], plugin_path: Option<&OsStr>) -> Self {
        use etcetera::BaseStrategy as _;
        let executable = std::env::current_exe().ok();
        let data_dir = etcetera::choose_base_strategy().ok().map(|s| s.data_dir());
        Self::new(
            plugin_dirs,
            plugin_path,
            executable.as_deref(),
            data_dir.as_deref(),
        )
    }

    /// The directories, in the order in which they are searched.
    #[must_use]
    pub fn dirs(&self) -> &[(PathBuf, Origin)] {
        &self.dirs
    }

    /// The libraries that are there, by the names that find them, in the order in which they are found.
    pub(super) fn libraries(&self) -> Vec<(String, PathBuf, Origin)> {
        let mut libraries = Vec::new();
        for (dir, origin) in &self.dirs {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            let mut files: Vec<_> = entries
                .filter_map(|entry| {
                    let file_name = entry.file_name();
                    let file_name = file_name.to_str()?;
                    let name = name_of(file_name, false)?;
                    // Within a directory, investbot's own naming is looked for first.
                    let is_second = name_of(file_name, true).is_none();
                    Some((name, is_second, entry.path()))
                })
                .collect();
            files.sort();
            libraries.extend(
                files
                    .into_iter()
                    .map(|(name, _, path)| (name, path, *origin)),
            );
        }
        libraries
    }

    /// The names of the libraries that are there, by the looks of their file names; `family` alone
    /// leaves out those that are not named like a plugin of investbot.
    fn names(&self, family: bool) -> BTreeSet<String> {
        self.dirs
            .iter()
            .filter_map(|(dir, _)| std::fs::read_dir(dir).ok())
            .flatten()
            .filter_map(|entry| name_of(entry.ok()?.file_name().to_str()?, family))
            .collect()
    }
}

/// The file of `name_or_path`.
pub(super) fn resolve(name_or_path: &str, search: &SearchPath) -> Result<PathBuf, LoadError> {
    if is_path(name_or_path) {
        let path = PathBuf::from(name_or_path);
        return match path.try_exists() {
            Ok(true) => Ok(path),
            Ok(false) => Err(LoadError::NoSuchFile { path }),
            Err(error) => Err(LoadError::Unreadable { path, error }),
        };
    }
    if !is_name(name_or_path) {
        return Err(LoadError::Name {
            name: printable(name_or_path, 100),
        });
    }
    let files = file_names(name_or_path);
    let found = search
        .dirs
        .iter()
        .flat_map(|(dir, _)| files.iter().map(move |file| dir.join(file)))
        .find(|path| path.is_file());
    found.ok_or_else(|| LoadError::NotFound {
        name: name_or_path.to_owned(),
        near: near(name_or_path, search.names(false)),
        there: search.names(true).into_iter().collect(),
        searched: search.dirs.clone(),
        files,
    })
}

fn is_path(text: &str) -> bool {
    text.chars().any(std::path::is_separator)
        || [".so", ".dylib", ".dll"].iter().any(|s| text.ends_with(s))
}

fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

/// The file names that the plugin `name` may have: investbot's own first.
fn file_names(name: &str) -> Vec<String> {
    let stem = name.replace('-', "_");
    vec![
        format!("{DLL_PREFIX}{FAMILY}{stem}{DLL_SUFFIX}"),
        format!("{DLL_PREFIX}{stem}{DLL_SUFFIX}"),
    ]
}

fn name_of(file_name: &str, family: bool) -> Option<String> {
    let stem = file_name
        .strip_prefix(DLL_PREFIX)?
        .strip_suffix(DLL_SUFFIX)?;
    let name = match stem.strip_prefix(FAMILY) {
        Some(name) => name,
        None if family => return None,
        None => stem,
    };
    Some(name.replace('_', "-"))
}

/// At most three of `names`, the likest first.
fn near(name: &str, names: BTreeSet<String>) -> Vec<String> {
    let mut scored: Vec<(usize, String)> = names
        .into_iter()
        .map(|other| (strsim::damerau_levenshtein(name, &other), other))
        .filter(|(distance, _)| *distance <= name.len().div_ceil(3).max(1))
        .collect();
    scored.sort();
    scored.into_iter().map(|(_, name)| name).take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_flag_environment_executable_user() {
        let listed = std::env::join_paths(["/b", "", "/c"]).expect("no colon in them");
        let search = SearchPath::new(
            &["/a".into()],
            Some(&listed),
            Some(Path::new("/bin/investbot")),
            Some(Path::new("/home/u/.local/share")),
        );
        let dirs: Vec<_> = search.dirs().iter().map(|(d, _)| d.clone()).collect();
        assert_eq!(
            dirs,
            [
                "/a",
                "/b",
                "/c",
                "/bin",
                "/home/u/.local/share/investbot/plugins"
            ]
            .map(PathBuf::from)
        );
    }

    #[test]
    fn a_name_has_no_path_in_it() {
        for bad in ["", "..", "a b", "Paper", "-x", "é", "a\0b", "1"] {
            assert!(!is_name(bad), "{bad:?}");
        }
        for good in ["paper", "venue-2", "my_venue"] {
            assert!(is_name(good), "{good:?}");
        }
        assert!(is_path("./x") && is_path("x.so") && is_path("a/b") && !is_path("x"));
    }

    #[test]
    fn names_that_are_near_come_first() {
        let names = ["paper", "papers", "stub", "realish"].map(str::to_owned);
        assert_eq!(near("papr", names.into()), ["paper", "papers"]);
    }

    #[test]
    fn a_file_name_gives_back_its_name() {
        for file in file_names("my-venue") {
            assert_eq!(name_of(&file, false).as_deref(), Some("my-venue"));
        }
        assert_eq!(name_of("notes.txt", false), None);
    }
}
