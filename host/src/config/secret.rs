//! Secrets: named by the manifest, looked up in the environment, in `.env` or in a file.

use std::path::Path;
use std::sync::Arc;

use investbot_plugin_api::manifest::SecretSpec;
use secrecy::{ExposeSecret, SecretString};

use super::layers::read;
use super::origin::Origin;
use super::problem::{Problem, sentence};
use super::variables::{Variable, Variables};

/// Where secrets are looked for.
pub(super) struct Places<'a> {
    pub(super) env: &'a Variables,
    pub(super) dotenv: &'a Variables,
    pub(super) directory: &'a Path,
    /// All that the plugin's manifest names.
    pub(super) secrets: &'a [SecretSpec],
}

impl Places<'_> {
    /// The secret, `None` if it is optional and not there, or what is wrong.
    ///
    /// `NAME` in the environment, then in `.env`, then the file that `NAME_FILE` names there.
    pub(super) fn look_up(
        &self,
        plugin: &str,
        spec: &SecretSpec,
    ) -> Result<Option<SecretString>, Problem> {
        if let Some(variable) = self.variable(&spec.env) {
            return text_of(variable).map(|value| Some(value.clone()));
        }
        match self.variable(&format!("{}_FILE", spec.env)) {
            Some(variable) => self.in_file(variable).map(Some),
            None if spec.optional => Ok(None),
            None => Err(Problem::MissingSecret {
                name: spec.env.clone(),
                plugin: plugin.to_owned(),
                help: sentence(&spec.help),
                found: self.slip_of(&spec.env),
            }),
        }
    }

    /// Where the secret would come from; `None` if nobody gives it. Its value is not looked at.
    pub(super) fn origin_of(&self, spec: &SecretSpec) -> Option<&Origin> {
        let of_file = format!("{}_FILE", spec.env);
        let variable = self
            .variable(&spec.env)
            .or_else(|| self.variable(&of_file))?;
        Some(&variable.origin)
    }

    fn variable(&self, name: &str) -> Option<&Variable> {
        self.env.get(name).or_else(|| self.dotenv.get(name))
    }

    /// The text of the file without the newline that editors end it with.
    fn in_file(&self, variable: &Variable) -> Result<SecretString, Problem> {
        let file: Arc<Path> = Path::new(text_of(variable)?.expose_secret()).into();
        let problem = |reason: String| Problem::SecretFile {
            at: variable.origin.clone(),
            file: file.clone(),
            reason,
        };
        let mut text = read(&self.directory.join(&file))
            .map_err(|error| problem(format!("cannot be read: {error}")))?;
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        if text.is_empty() {
            return Err(problem("the file is empty".to_owned()));
        }
        Ok(SecretString::from(text))
    }

    /// A variable that is set, is no other secret of the plugin, and is nearly this name.
    fn slip_of(&self, name: &str) -> Option<String> {
        const SLIP: usize = 2;
        let set = self.env.names().chain(self.dotenv.names());
        set.filter(|other| self.secrets.iter().all(|spec| spec.env != *other))
            .map(|other| (strsim::damerau_levenshtein(other, name), other))
            .filter(|(distance, _)| *distance <= SLIP)
            .min()
            .map(|(_, other)| other.to_owned())
    }
}

fn text_of(variable: &Variable) -> Result<&SecretString, Problem> {
    variable.value.as_ref().ok_or_else(|| Problem::NotUtf8 {
        at: variable.origin.clone(),
    })
}
