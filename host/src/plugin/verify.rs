//! Whether this host and a plugin understand each other, decided from the record in the file alone.

use investbot_plugin_api::abi::ABI_EPOCH;
use investbot_plugin_api::manifest::Manifest;
use investbot_plugin_api::{API_VERSION, TARGET};

use super::error::LoadError;
use super::image::Image;
use super::manifest;
use super::record::{self, Record};
use super::text::one_line;
use super::version::ApiVersion;

/// The oldest plugin API that this host still speaks.
pub const OLDEST_SUPPORTED_API: ApiVersion = ApiVersion { major: 1, minor: 0 };

/// The plugin API of this host.
#[must_use]
pub fn host_api() -> ApiVersion {
    API_VERSION
        .parse()
        .expect("cargo lets no crate have a version that is none")
}

/// What is known about a plugin that fits.
pub(super) struct Verified {
    pub(super) manifest: Manifest,
    /// The API version that it was built with.
    pub(super) api: ApiVersion,
}

/// Finds the record in the image and checks everything that needs none of the plugin's code.
pub(super) fn verify(image: &Image) -> Result<Verified, LoadError> {
    let path = || image.path.clone();
    let bad = |problem| LoadError::Manifest {
        path: image.path.clone(),
        problem,
    };
    let record = record::find(&image.bytes)
        .map_err(bad)?
        .ok_or_else(|| LoadError::NotAPlugin {
            path: path(),
            found: "a library or program without an investbot manifest".to_owned(),
            hint: "check that it is the right file; a plugin calls export_adapter! in its lib.rs",
        })?;
    if record.epoch != ABI_EPOCH {
        return Err(LoadError::AbiEpoch {
            path: path(),
            found: record.epoch,
            expected: ABI_EPOCH,
        });
    }
    if record.target != TARGET {
        return Err(LoadError::WrongTarget {
            path: path(),
            found: one_line(record.target),
            expected: TARGET,
        });
    }
    let host = host_api();
    let api = built_with(image, &record, host)?;
    let manifest = manifest::read(record.manifest, api, host).map_err(bad)?;
    check_requirement(image, &manifest, host)?;
    Ok(Verified { manifest, api })
}

fn built_with(
    image: &Image,
    record: &Record<'_>,
    host: ApiVersion,
) -> Result<ApiVersion, LoadError> {
    let api = record.api.parse::<ApiVersion>().ok();
    match api {
        Some(api) if api.major == host.major && api >= OLDEST_SUPPORTED_API => Ok(api),
        _ => Err(LoadError::ApiRange {
            path: image.path.clone(),
            found: format!("built with plugin API {}", one_line(record.api)),
            expected: format!(
                "plugin API {}.x, {OLDEST_SUPPORTED_API} or newer",
                host.major
            ),
            hint: if api.is_some_and(|api| api.major > host.major) {
                "update investbot, or use an older release of the plugin"
            } else {
                "update the plugin, or rebuild it with a newer investbot-plugin-api"
            },
        }),
    }
}

fn check_requirement(
    image: &Image,
    manifest: &Manifest,
    host: ApiVersion,
) -> Result<(), LoadError> {
    let fits = manifest
        .plugin
        .requires_api
        .parse::<ApiVersion>()
        .is_ok_and(|required| required <= host);
    if fits {
        return Ok(());
    }
    Err(LoadError::ApiRange {
        path: image.path.clone(),
        found: format!(
            "requires a host with plugin API {}",
            one_line(&manifest.plugin.requires_api)
        ),
        expected: format!("at most {host}, the API of this host"),
        hint: "update investbot, or use an older release of the plugin",
    })
}
