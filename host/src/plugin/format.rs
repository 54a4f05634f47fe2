//! What kind of file it is. The system's loader trusts the headers of what it maps: a truncated library
//! can end the process with SIGBUS, so the headers are checked against the bytes first.

use investbot_plugin_api::TARGET;
use object::read::{Object as _, ObjectSegment as _};
use object::{Architecture, BinaryFormat, File, FileKind, ObjectKind};

use super::error::LoadError;
use super::image::Image;

const BUILD: &str = "set crate-type = [\"cdylib\"] in its Cargo.toml and name the file that cargo \
                     build makes of it";
const AGAIN: &str = "copy or download it again";

/// Refuses what is not a whole shared library of this machine.
pub(super) fn check(image: &Image) -> Result<(), LoadError> {
    let refuse = |found: String, hint| {
        Err(LoadError::NotAPlugin {
            path: image.path.clone(),
            found,
            hint,
        })
    };
    if FileKind::parse(image.bytes.as_slice()).is_err() {
        return refuse(describe(&image.bytes).to_owned(), BUILD);
    }
    let file = match File::parse(image.bytes.as_slice()) {
        Ok(file) => file,
        Err(e) => return refuse(format!("a truncated or damaged binary ({e})"), AGAIN),
    };
    if file.format() != native_format() || !is_native(file.architecture()) {
        return Err(LoadError::WrongTarget {
            path: image.path.clone(),
            found: format!("{:?} for {:?}", file.format(), file.architecture()),
            expected: TARGET,
        });
    }
    if file.kind() != ObjectKind::Dynamic {
        let kind = match file.kind() {
            ObjectKind::Executable => "an executable",
            ObjectKind::Relocatable => "an object file",
            ObjectKind::Core => "a core dump",
            _ => "a binary of another kind",
        };
        return refuse(kind.to_owned(), BUILD);
    }
    let size = image.bytes.len() as u64;
    let whole = file.segments().all(|segment| {
        let (start, len) = segment.file_range();
        start.checked_add(len).is_some_and(|end| end <= size)
    });
    if !whole {
        return refuse("a truncated shared library".to_owned(), AGAIN);
    }
    Ok(())
}

fn describe(bytes: &[u8]) -> &'static str {
    const ELF: &[u8] = b"\x7fELF";
    let head = &bytes[..bytes.len().min(1024)];
    if bytes.is_empty() {
        "an empty file"
    } else if bytes.starts_with(ELF) || (bytes.len() < 4 && ELF.starts_with(bytes)) {
        "a truncated ELF file"
    } else if bytes.starts_with(b"!<arch>") {
        "a static library"
    } else if bytes.starts_with(b"PK") || bytes.starts_with(b"\x1f\x8b") {
        "a compressed archive"
    } else if is_text(head) {
        "a text file"
    } else {
        "data of an unknown kind"
    }
}

fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The cut may have split the last character.
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(&head[..e.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    text.chars().all(|c| !c.is_control() || c.is_whitespace())
}

const fn native_format() -> BinaryFormat {
    if cfg!(windows) {
        BinaryFormat::Pe
    } else if cfg!(target_vendor = "apple") {
        BinaryFormat::MachO
    } else {
        BinaryFormat::Elf
    }
}

/// On machines that are not in the list, the target in the manifest decides alone.
fn is_native(architecture: Architecture) -> bool {
    let native = match std::env::consts::ARCH {
        "x86_64" => Architecture::X86_64,
        "x86" => Architecture::I386,
        "aarch64" => Architecture::Aarch64,
        "arm" => Architecture::Arm,
        "riscv64" => Architecture::Riscv64,
        "powerpc64" => Architecture::PowerPc64,
        "s390x" => Architecture::S390x,
        "loongarch64" => Architecture::LoongArch64,
        _ => return true,
    };
    architecture == native
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_what_they_are() {
        for (bytes, what) in [
            (&b""[..], "an empty file"),
            (b"#!/bin/sh\n", "a text file"),
            (b"\x7fE", "a truncated ELF file"),
            (b"!<arch>\n", "a static library"),
            (b"\x1f\x8b\x08", "a compressed archive"),
            (b"\x00\x01\x02", "data of an unknown kind"),
        ] {
            assert_eq!(describe(bytes), what);
        }
    }

    #[test]
    fn text_may_be_cut_inside_a_character() {
        let text = "é".repeat(600);
        assert!(is_text(&text.as_bytes()[..1023]));
    }
}
