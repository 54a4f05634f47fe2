//! The binary layer: frozen for the life of major version 1.
//!
//! One root module, one object each way, and both have one method that carries bytes. Nothing in this
//! file may change in layout: abi_stable's load check refuses an old plugin on a newer host as soon as
//! one of these types has grown, and a snapshot test pins what it compares. What grows is the content
//! of the bytes, in the rest of this crate. This is the only file that knows abi_stable and the only
//! one with `unsafe`.

#![allow(unsafe_code, missing_docs, non_local_definitions, non_camel_case_types)]
#![allow(unreachable_pub, clippy::missing_safety_doc)]

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::package_version_strings;
use abi_stable::sabi_trait;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RBox, RResult, RSlice, RStr, RVec};

use crate::host::HostServices;

/// The generation of this layer. A host refuses a plugin of another epoch before it maps it.
pub const ABI_EPOCH: u32 = 1;

/// Frames the manifest inside a plugin's file, so that a host finds it without running anything.
/// After the marker: `epoch=E;api=V;target=T;len=NNNNNNNN;`, the manifest's bytes, the marker again.
pub const MANIFEST_MARKER: &[u8; 24] = b"\0\x01INVESTBOT\x02MANIFEST\x03v1\0";

/// The adapter, as the host holds it.
#[sabi_trait]
pub trait RawAdapter: Send + Sync {
    /// Runs one operation: its name, the request's bytes, the answer's or the error's bytes.
    #[sabi(last_prefix_field)]
    fn call(&self, op: RStr<'_>, body: RSlice<'_, u8>) -> RResult<RVec<u8>, RVec<u8>>;
}

/// An owned adapter.
pub type RawAdapterBox = RawAdapter_TO<'static, RBox<()>>;

/// The host, as the adapter holds it.
#[sabi_trait]
pub trait RawHost: Send + Sync {
    /// Asks the host for one thing: its name, the request's bytes, the answer's or the error's bytes.
    #[sabi(last_prefix_field)]
    fn call(&self, op: RStr<'_>, body: RSlice<'_, u8>) -> RResult<RVec<u8>, RVec<u8>>;
}

/// An owned handle to the host.
pub type RawHostBox = RawHost_TO<'static, RBox<()>>;

/// What a plugin exports.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRootRef)))]
pub struct PluginRoot {
    /// [`ABI_EPOCH`] of the crate that the plugin was built with.
    pub abi_epoch: u32,
    /// Makes an adapter from a host handle and the bytes of [`OpenParams`](crate::OpenParams).
    #[sabi(last_prefix_field)]
    pub open: extern "C" fn(RawHostBox, RSlice<'_, u8>) -> RResult<RawAdapterBox, RVec<u8>>,
}

impl RootModule for PluginRootRef {
    abi_stable::declare_root_module_statics! {PluginRootRef}
    const BASE_NAME: &'static str = "investbot_plugin";
    const NAME: &'static str = "investbot plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// The adapter's side of the way to the host.
pub struct HostLink(RawHostBox);

impl HostServices for HostLink {
    fn call(&self, op: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        match self.0.call(RStr::from_str(op), RSlice::from_slice(body)) {
            RResult::ROk(bytes) => Ok(bytes.into_vec()),
            RResult::RErr(bytes) => Err(bytes.into_vec()),
        }
    }
}

/// The host's side of the way to the adapter: any [`HostServices`] as the object of the boundary.
pub fn host_box(services: impl HostServices) -> RawHostBox {
    struct Shared<S>(S);
    impl<S: HostServices> RawHost for Shared<S> {
        fn call(&self, op: RStr<'_>, body: RSlice<'_, u8>) -> RResult<RVec<u8>, RVec<u8>> {
            into_r(self.0.call(op.as_str(), body.as_slice()))
        }
    }
    RawHost_TO::from_value(Shared(services), abi_stable::sabi_trait::TD_Opaque)
}

fn into_r(result: Result<Vec<u8>, Vec<u8>>) -> RResult<RVec<u8>, RVec<u8>> {
    match result {
        Ok(bytes) => RResult::ROk(bytes.into()),
        Err(bytes) => RResult::RErr(bytes.into()),
    }
}

/// The author's side of the boundary, used by [`export_adapter!`](crate::export_adapter).
#[doc(hidden)]
pub mod export {
    use super::{ABI_EPOCH, MANIFEST_MARKER, PluginRoot, PluginRootRef, RawAdapter, RawHostBox};
    use super::{HostLink, RawAdapter_TO, RawAdapterBox, into_r};
    use crate::adapter::Adapter;
    use crate::dispatch::Dispatcher;
    use crate::host::Host;
    use abi_stable::prefix_type::PrefixTypeTrait;
    pub use abi_stable::std_types::{RResult, RSlice, RStr, RVec};

    pub use abi_stable::library::{
        __call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult,
    };

    impl<A: Adapter> RawAdapter for Dispatcher<A> {
        fn call(&self, op: RStr<'_>, body: RSlice<'_, u8>) -> RResult<RVec<u8>, RVec<u8>> {
            into_r(Dispatcher::call(self, op.as_str(), body.as_slice()))
        }
    }

    extern "C" fn open<A: Adapter>(
        host: RawHostBox,
        params: RSlice<'_, u8>,
    ) -> RResult<RawAdapterBox, RVec<u8>> {
        let host = Host::from_link(HostLink(host));
        match Dispatcher::<A>::open(host, params.as_slice()) {
            Ok(adapter) => RResult::ROk(RawAdapter_TO::from_value(
                adapter,
                abi_stable::sabi_trait::TD_Opaque,
            )),
            Err(bytes) => RResult::RErr(bytes.into()),
        }
    }

    pub fn root<A: Adapter>() -> PluginRootRef {
        PluginRoot {
            abi_epoch: ABI_EPOCH,
            open: open::<A>,
        }
        .leak_into_prefix()
    }

    const fn head_len() -> usize {
        // epoch=1;api=…;target=…;len=NNNNNNNN;
        "epoch=".len()
            + 1
            + ";api=".len()
            + crate::API_VERSION.len()
            + ";target=".len()
            + crate::TARGET.len()
            + ";len=".len()
            + 8
            + 1
    }

    /// How long the embedded record of a manifest of `len` bytes is.
    pub const fn record_len(len: usize) -> usize {
        2 * MANIFEST_MARKER.len() + head_len() + len
    }

    struct Writer<const N: usize> {
        bytes: [u8; N],
        at: usize,
    }

    impl<const N: usize> Writer<N> {
        const fn put(mut self, text: &[u8]) -> Self {
            let mut i = 0;
            while i < text.len() {
                self.bytes[self.at + i] = text[i];
                i += 1;
            }
            self.at += text.len();
            self
        }
    }

    /// The embedded record of a manifest.
    pub const fn record<const N: usize>(manifest: &[u8]) -> [u8; N] {
        assert!(ABI_EPOCH < 10 && manifest.len() < 100_000_000);
        let mut len = [b'0'; 8];
        let (mut rest, mut digit) = (manifest.len(), 8);
        while digit > 0 {
            digit -= 1;
            len[digit] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        Writer {
            bytes: [0; N],
            at: 0,
        }
        .put(MANIFEST_MARKER)
        .put(b"epoch=")
        .put(&[b'0' + ABI_EPOCH as u8])
        .put(b";api=")
        .put(crate::API_VERSION.as_bytes())
        .put(b";target=")
        .put(crate::TARGET.as_bytes())
        .put(b";len=")
        .put(&len)
        .put(b";")
        .put(manifest)
        .put(MANIFEST_MARKER)
        .bytes
    }
}

/// Makes a `cdylib` an investbot plugin: `export_adapter!(MyVenue, manifest = "plugin.toml");`
///
/// `MyVenue` implements [`Adapter`](crate::Adapter); the path is relative to the crate's directory, and
/// the file is described in [`manifest`](crate::manifest). Use it once a crate. A crate that is compiled
/// with `panic = "abort"` is refused here, because a panic could then not be turned into an answer.
#[macro_export]
macro_rules! export_adapter {
    ($adapter:ty, manifest = $path:literal) => {
        #[cfg(panic = "abort")]
        compile_error!(
            "an investbot plugin needs panic = \"unwind\": remove panic = \"abort\" from the profile"
        );

        const _: () = {
            use $crate::abi::export as x;

            const MANIFEST: &[u8] =
                include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path));

            #[used]
            #[unsafe(no_mangle)]
            pub static INVESTBOT_PLUGIN_MANIFEST: [u8; x::record_len(MANIFEST.len())] =
                x::record(MANIFEST);

            extern "C" fn load() -> x::RootModuleResult {
                x::__call_root_module_loader(x::root::<$adapter>)
            }

            // The symbol and the value that abi_stable's `#[export_root_module]` emits; written out
            // here so that an author does not depend on abi_stable.
            // SAFETY: `load` returns the root module whose layout `LibHeader` describes.
            #[unsafe(no_mangle)]
            pub static _1as_0lib_1header_0root_bmodule_bloader: x::LibHeader = unsafe {
                x::LibHeader::from_constructor::<$crate::abi::PluginRootRef>(
                    load,
                    x::CheckTypeLayout::Yes,
                )
            };
        };
    };
}
