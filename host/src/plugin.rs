//! Loading and calling exchange adapters: resolve, read, verify, map, open, call.
//!
//! The first three run none of the plugin's code, so that a file that is no plugin, a plugin of another
//! API or a bad configuration is refused before anything foreign runs in this process:
//!
//! ```no_run
//! # use std::sync::Arc; use std::time::Duration;
//! # use investbot::plugin::{Plugin, SearchPath, LoadError}; use investbot::clock::SystemClock;
//! # use investbot_plugin_api::OpenParams;
//! # fn f() -> Result<(), LoadError> {
//! let search = SearchPath::of_this_process(&[], None);
//! let plugin = Plugin::inspect("paper", &search, None)?;
//! // …check the configuration against plugin.manifest()…
//! let params = OpenParams::new("{}");
//! let venue = plugin.open(&params, Arc::new(SystemClock), Arc::default(), Duration::from_secs(10))?;
//! # Ok(()) }
//! ```

pub mod belief;
pub mod catalog;
mod client;
pub mod conformance;
mod ending;
mod error;
mod exit_guard;
mod format;
mod gate;
mod guard;
mod hint;
mod image;
#[cfg(target_os = "linux")]
pub mod isolated;
mod isolation;
mod layout;
mod link;
pub mod lock;
mod locked;
mod manifest;
mod map;
mod open;
mod permissions;
mod record;
mod replace;
mod resolve;
mod services;
mod strikes;
mod text;
mod throttle;
pub mod venue;
mod verify;
mod version;
mod watch;
pub mod wrap;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use investbot_plugin_api::OpenParams;
use investbot_plugin_api::manifest::Manifest;

use crate::clock::Clock;

pub use client::PluginVenue;
pub use error::LoadError;
pub use isolation::{Isolation, this_program};
pub use manifest::ManifestProblem;
pub use resolve::{Origin, SearchPath};
pub use venue::{Answer, Venue};
pub use verify::{OLDEST_SUPPORTED_API, host_api};
pub use version::ApiVersion;
pub use watch::{Hang, OnHang};

use image::Image;
use services::Session;
use verify::Verified;

/// What the file of a plugin that fits this host says.
#[derive(Clone, Debug)]
pub struct About {
    /// What the plugin says about itself; checked to make sense.
    pub manifest: Manifest,
    /// The version of the plugin API that it was built with.
    pub api: ApiVersion,
    /// The digest of the file's bytes, in hexadecimal.
    pub sha256: String,
}

/// A plugin that fits this host. None of its code has run.
pub struct Plugin {
    image: Image,
    verified: Verified,
}

impl Plugin {
    /// Finds the plugin of a name or a path, reads it once and checks it. With a pin, its sha256 must be
    /// the pinned one.
    pub fn inspect(
        name_or_path: &str,
        search: &SearchPath,
        pin: Option<&str>,
    ) -> Result<Self, LoadError> {
        let path = resolve::resolve(name_or_path, search)?;
        let image = Image::read(path)?;
        if let Some(pin) = pin {
            image.check_pin(pin)?;
        }
        format::check(&image)?;
        let verified = verify::verify(&image)?;
        Ok(Self { image, verified })
    }

    /// What the plugin says about itself; checked to make sense.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.verified.manifest
    }

    /// The file that was read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.image.path
    }

    /// The digest of the bytes that were read, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.image.sha256
    }

    /// The version of the plugin API that it was built with.
    #[must_use]
    pub fn api(&self) -> ApiVersion {
        self.verified.api
    }

    /// What the file says, without its bytes.
    #[must_use]
    pub fn into_about(self) -> About {
        About {
            manifest: self.verified.manifest,
            api: self.verified.api,
            sha256: self.image.sha256,
        }
    }

    /// Maps the bytes that were read, and opens an adapter with `params`, which must fit the manifest.
    /// Each call gives an adapter of its own, in a mapping of its own.
    ///
    /// The adapter sees time through `clock`, and what it waits for ends once `cancel` is true. If it
    /// does not answer within `timeout`, it is left behind.
    pub fn open(
        &self,
        params: &OpenParams,
        clock: Arc<dyn Clock>,
        cancel: Arc<AtomicBool>,
        timeout: Duration,
    ) -> Result<PluginVenue, LoadError> {
        let id = &self.manifest().plugin.id;
        let root = map::map(&self.image)?;
        let session = Arc::new(Session::new(id.clone(), clock, cancel));
        let adapter = open::open(id, root, &session, params, timeout)?;
        let max_in_flight = self.manifest().capabilities.max_in_flight;
        Ok(PluginVenue::new(adapter, session, max_in_flight))
    }

    /// The same in a process of its own, which may do little: only on Linux.
    pub fn open_isolated(
        &self,
        params: &OpenParams,
        clock: Arc<dyn Clock>,
        cancel: Arc<AtomicBool>,
        timeout: Duration,
        isolation: Isolation,
    ) -> Result<PluginVenue, LoadError> {
        let id = &self.manifest().plugin.id;
        let session = Arc::new(Session::new(id.clone(), clock, cancel));
        let link = self.isolate(params, &session, timeout, isolation)?;
        let max_in_flight = self.manifest().capabilities.max_in_flight;
        Ok(PluginVenue::by(link, session, max_in_flight))
    }

    #[cfg(target_os = "linux")]
    fn isolate(
        &self,
        params: &OpenParams,
        session: &Arc<Session>,
        timeout: Duration,
        isolation: Isolation,
    ) -> Result<Box<dyn link::Link>, LoadError> {
        // A simulated venue is nowhere but in the plugin.
        let network = !self.manifest().plugin.simulated;
        let image = &self.image;
        let link = isolated::Isolated::open(image, session, params, timeout, isolation, network)?;
        Ok(Box::new(link))
    }

    #[cfg(not(target_os = "linux"))]
    fn isolate(
        &self,
        _params: &OpenParams,
        session: &Arc<Session>,
        _timeout: Duration,
        _isolation: Isolation,
    ) -> Result<Box<dyn link::Link>, LoadError> {
        Err(LoadError::Isolation {
            id: session.id().to_owned(),
            message: "plugins can be isolated on Linux alone".to_owned(),
        })
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("path", &self.image.path)
            .field("sha256", &self.image.sha256)
            .field("id", &self.manifest().plugin.id)
            .finish_non_exhaustive()
    }
}
