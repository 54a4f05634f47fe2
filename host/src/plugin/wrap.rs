//! Making a plugin of a program: a copy of the library that runs programs, with another manifest in the place of its own.
//!
//! Such a library marks its manifest as replaceable, and has made it long on purpose. The copy is a plugin like any
//! other, with an id, a digest and claims of its own. Nothing but the manifest is changed, so that its length stays.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use investbot_plugin_api::manifest::{ConfigKey, ConfigValue, Manifest};

use super::error::LoadError;
use super::manifest::{self, ManifestProblem};
use super::record;
use super::resolve::SearchPath;
use super::verify::host_api;
use super::{About, Plugin};

/// What a manifest has in it that may be replaced, as a comment.
const MARK: &str = "# @replaceable-manifest";

/// The key of the program's path.
const PROGRAM: &str = "program";

/// What is made of what.
#[derive(Clone, Debug)]
pub struct Wrap<'a> {
    /// The name or the path of the library that runs programs.
    pub base: &'a str,
    /// The author's `plugin.toml`.
    pub manifest: &'a Path,
    /// The program, if the manifest does not name it: a path, or a name that is looked for in `PATH`.
    pub program: Option<&'a str>,
    /// The file to write; without it one in this directory, named after the plugin.
    pub out: Option<&'a Path>,
}

/// Why no plugin was made.
#[derive(Debug, thiserror::Error)]
pub enum WrapError {
    /// The library that runs programs was refused.
    #[error(transparent)]
    Base(Box<LoadError>),
    /// The manifest of that library is its own.
    #[error(
        "{} cannot be made another plugin: it does not say that its manifest may be replaced\n  \
         hint: leave out --exec; only a library that runs programs can be wrapped around one", .0.display()
    )]
    NotReplaceable(PathBuf),
    /// The author's manifest cannot be read.
    #[error("the manifest cannot be read: {}: {error}\n  hint: check the path", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The author's manifest makes no sense.
    #[error(
        "{}\n  hint: correct the manifest; cargo doc -p investbot-plugin-api --open describes it",
        placed(path, problem)
    )]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: ManifestProblem,
    },
    /// It does not fit the library that runs the program.
    #[error("{}: {found}\n  hint: {hint}", path.display())]
    Unfit {
        /// The author's manifest.
        path: PathBuf,
        /// What does not fit.
        found: String,
        /// What to do about it.
        hint: String,
    },
    /// The program is not there.
    #[error("the program {} cannot be used: {error}\n  hint: check --program; a bare name is looked for in PATH", path.display())]
    Program {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// What is there is something else.
    #[error(
        "{} is there, and is not an earlier `{id}`: it is left as it is\n  hint: name another file with --out, or move \
         this one away", path.display()
    )]
    Taken {
        /// The file.
        path: PathBuf,
        /// The plugin's id.
        id: String,
    },
    /// The result cannot be written.
    #[error("the plugin cannot be written: {}: {error}\n  hint: check the directory's rights and its room", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// `FILE:LINE:COLUMN: what`, as far as it is known.
fn placed(path: &Path, problem: &ManifestProblem) -> String {
    match problem {
        ManifestProblem::Toml {
            line,
            column,
            message,
        } => format!("{}:{line}:{column}: {message}", path.display()),
        other => format!("{}: {other}", path.display()),
    }
}

/// Makes the plugin, and tells its file and what that says.
pub fn wrap(asked: &Wrap<'_>, search: &SearchPath) -> Result<(PathBuf, About), WrapError> {
    let mut base = Plugin::inspect(asked.base, search, None)
        .map_err(|error| WrapError::Base(Box::new(error)))?;
    let room = room(&base)?;
    let text = fs::read_to_string(asked.manifest).map_err(|error| WrapError::Unreadable {
        path: asked.manifest.to_owned(),
        error,
    })?;
    let own = read(asked.manifest, &text, &base)?;
    let completed = completed(asked, &base, &own, text)?;
    if completed.len() > room.len() {
        return Err(unfit(
            asked,
            format!(
                "the manifest is too long: {} bytes with what is added, and there is room for {}",
                completed.len(),
                room.len()
            ),
            "shorten its comments and help texts",
        ));
    }
    let id = own.plugin.id;
    let out = asked.out.map_or_else(|| default_out(&id), Path::to_owned);
    base.image.bytes[room.clone()].fill(b'\n');
    base.image.bytes[room.start..room.start + completed.len()]
        .copy_from_slice(completed.as_bytes());
    let about = write(&base, &id, &out, search)?;
    Ok((out, about))
}

/// Where the manifest is that may be replaced.
fn room(base: &Plugin) -> Result<std::ops::Range<usize>, WrapError> {
    let bytes = &base.image.bytes;
    let record = record::find(bytes).ok().flatten();
    let manifest = record.map(|record| record.manifest).filter(|manifest| {
        let lines = manifest.split(|byte| *byte == b'\n');
        lines
            .into_iter()
            .any(|line| line.starts_with(MARK.as_bytes()))
    });
    let Some(manifest) = manifest else {
        return Err(WrapError::NotReplaceable(base.image.path.clone()));
    };
    let start = manifest.as_ptr() as usize - bytes.as_ptr() as usize;
    Ok(start..start + manifest.len())
}

fn read(path: &Path, text: &str, base: &Plugin) -> Result<Manifest, WrapError> {
    manifest::read(text.as_bytes(), base.api(), host_api()).map_err(|problem| WrapError::Manifest {
        path: path.to_owned(),
        problem,
    })
}

/// The author's manifest with the keys of the library that it leaves out.
fn completed(
    asked: &Wrap<'_>,
    base: &Plugin,
    own: &Manifest,
    mut text: String,
) -> Result<String, WrapError> {
    let library = base.manifest();
    if own.plugin.id == library.plugin.id {
        return Err(unfit(
            asked,
            format!(
                "plugin.id is `{}`, which is the id of the plugin that runs the program",
                own.plugin.id
            ),
            "give it a name of its own",
        ));
    }
    let mut missing: BTreeMap<&str, ConfigKey> = BTreeMap::new();
    for (name, key) in &library.config {
        match own.config.get(name) {
            Some(said) if said.kind != key.kind => {
                let found = format!(
                    "config.{name} is of type {}, and has to be {}",
                    said.kind, key.kind
                );
                return Err(unfit(
                    asked,
                    found,
                    &format!("its meaning is not the program's own: {}", key.help),
                ));
            }
            Some(_) => {}
            None => {
                missing.insert(name, key.clone());
            }
        }
    }
    name_program(asked, own, &mut missing)?;
    if missing.is_empty() {
        return Ok(text);
    }
    let added = BTreeMap::from([("config", missing)]);
    let added = toml::to_string(&added).expect("texts, numbers and lists of them are TOML");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str("\n# Added by investbot plugin wrap.\n");
    text.push_str(&added);
    // An author may have written the tables in a way that takes no more of them.
    match read(asked.manifest, &text, base) {
        Ok(_) => Ok(text),
        Err(_) => Err(unfit(
            asked,
            "the keys of the library cannot be added to its config".to_owned(),
            "write each key as a table with a header of its own: [config.NAME]",
        )),
    }
}

/// Sees to it that the plugin knows its program.
fn name_program(
    asked: &Wrap<'_>,
    own: &Manifest,
    missing: &mut BTreeMap<&str, ConfigKey>,
) -> Result<(), WrapError> {
    let said = own.config.get(PROGRAM);
    let named = said.is_some_and(|key| key.default.is_some());
    match (asked.program, said) {
        (Some(_), Some(_)) => Err(unfit(
            asked,
            "the program is named twice: by config.program and by --program".to_owned(),
            "leave one of them out",
        )),
        (None, _) if !named => Err(unfit(
            asked,
            "nothing says which program it is".to_owned(),
            "name it with --program PATH, or as the default of [config.program]",
        )),
        (None, _) => Ok(()),
        (Some(program), None) => {
            let program = found(program)?;
            if let Some(key) = missing.get_mut(PROGRAM) {
                key.default = Some(ConfigValue::Text(program));
            }
            Ok(())
        }
    }
}

/// A path becomes one that is good in every directory; a name is left to `PATH`.
fn found(program: &str) -> Result<String, WrapError> {
    if !program.contains(std::path::is_separator) {
        return Ok(program.to_owned());
    }
    let failed = |error| WrapError::Program {
        path: PathBuf::from(program),
        error,
    };
    let path = fs::canonicalize(program).map_err(failed)?;
    if !path.is_file() {
        return Err(failed(io::Error::other("it is no file")));
    }
    let not_text = || failed(io::Error::other("its path is not UTF-8"));
    path.to_str().map(str::to_owned).ok_or_else(not_text)
}

fn unfit(asked: &Wrap<'_>, found: String, hint: &str) -> WrapError {
    WrapError::Unfit {
        path: asked.manifest.to_owned(),
        found,
        hint: hint.to_owned(),
    }
}

/// The name that finds the plugin by its id.
fn default_out(id: &str) -> PathBuf {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    PathBuf::from(format!(
        "./{DLL_PREFIX}{}{DLL_SUFFIX}",
        id.replace('-', "_")
    ))
}

/// Writes the file as a whole or not at all: only what a run would load comes into its place.
fn write(plugin: &Plugin, id: &str, out: &Path, search: &SearchPath) -> Result<About, WrapError> {
    if out.exists() && !is_earlier(id, out, search) {
        return Err(WrapError::Taken {
            path: out.to_owned(),
            id: id.to_owned(),
        });
    }
    let failed = |error| WrapError::Unwritable {
        path: out.to_owned(),
        error,
    };
    let dir = match out.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let mut new = tempfile::Builder::new()
        .permissions(loadable())
        .tempfile_in(dir)
        .map_err(failed)?;
    let written = new.write_all(&plugin.image.bytes);
    written
        .and_then(|()| new.as_file().sync_all())
        .map_err(failed)?;
    let about = Plugin::inspect(&new.path().to_string_lossy(), search, None)
        .map_err(|error| WrapError::Base(Box::new(error)))?
        .into_about();
    new.persist(out).map_err(|error| failed(error.error))?;
    Ok(about)
}

/// Whether the file is a plugin of this id already.
fn is_earlier(id: &str, file: &Path, search: &SearchPath) -> bool {
    let path = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    Plugin::inspect(&path.to_string_lossy(), search, None)
        .is_ok_and(|plugin| plugin.manifest().plugin.id == id)
}

/// For everybody to load and its owner alone to change, whatever the umask; the host refuses what others may change.
fn loadable() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o755)
}
