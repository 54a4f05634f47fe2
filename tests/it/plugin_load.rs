//! What is refused before any of a plugin's code runs, and how it is said.

use std::path::{Path, PathBuf};

use investbot::plugin::{LoadError, Origin, Plugin, SearchPath};
use investbot_plugin_api::{API_VERSION, TARGET};
use investbot_tests::{Scratch, patch, plugin, scratch};

/// The refusal of a path, with everything taken out that differs from machine to machine.
fn refusal(dir: &Scratch, path: &Path) -> String {
    refused(dir, path.to_str().unwrap(), &SearchPath::default(), None)
}

fn refused(dir: &Path, name: &str, search: &SearchPath, pin: Option<&str>) -> String {
    let error = Plugin::inspect(name, search, pin).expect_err(name);
    text(dir, &error)
}

fn text(dir: &Path, error: &LoadError) -> String {
    let text = error.to_string();
    assert!(text.lines().count() <= 8, "too long:\n{text}");
    assert!(text.contains(&format!("[{}]", error.code())), "{text}");
    text.replace(dir.to_str().unwrap(), "[DIR]")
        .replace(TARGET, "[TARGET]")
        .replace(std::env::consts::DLL_SUFFIX, ".so")
}

fn spoilt(dir: &Scratch, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> PathBuf {
    dir.spoilt("fixture_echo", "spoilt.so", |bytes| {
        patch(bytes, from.as_ref(), to.as_ref());
    })
}

#[test]
fn a_name_that_is_nowhere() {
    let dir = scratch();
    dir.file(
        &format!("libinvestbot_paper{}", std::env::consts::DLL_SUFFIX),
        "",
    );
    dir.file(&format!("libunrelated{}", std::env::consts::DLL_SUFFIX), "");
    let dirs: Vec<PathBuf> = ["a", "b", "c"].map(|sub| dir.join(sub)).into();
    let listed = std::env::join_paths([dir.join("d"), dir.join("e")]).unwrap();
    let search = SearchPath::new(&dirs, Some(&listed), Some(&dir.join("investbot")), None);
    insta::assert_snapshot!(refused(&dir, "papr", &search, None), @r"
    cannot load plugin `papr` [PLUGIN_NOT_FOUND]: no such plugin
      looked for: libinvestbot_papr.so or libpapr.so
      in: [DIR]/a (--plugin-dir)
          [DIR]/b (--plugin-dir)
          [DIR]/c (--plugin-dir)
          [DIR]/d (INVESTBOT_PLUGIN_PATH)
          and 2 more
      hint: did you mean `paper`?
    ");
    let search = SearchPath::new(&[], None, Some(&dir.join("investbot")), None);
    insta::assert_snapshot!(refused(&dir, "binance", &search, None), @r"
    cannot load plugin `binance` [PLUGIN_NOT_FOUND]: no such plugin
      looked for: libinvestbot_binance.so or libbinance.so
      in: [DIR] (directory of the executable)
      hint: these are there: paper
    ");
    insta::assert_snapshot!(refused(&dir, "x", &SearchPath::default(), None), @r"
    cannot load plugin `x` [PLUGIN_NOT_FOUND]: no such plugin
      looked for: libinvestbot_x.so or libx.so
      in: no directory at all
      hint: put the plugin's file into one of these directories, or name its path
    ");
}

#[test]
fn a_name_is_found_in_the_first_directory_that_has_it() {
    let dir = scratch();
    let (first, second) = (dir.join("first"), dir.join("second"));
    for sub in [&first, &second] {
        std::fs::create_dir(sub).unwrap();
    }
    let file = format!("my_venue{}", std::env::consts::DLL_SUFFIX);
    let other = dir.copy("fixture_echo", &format!("second/libinvestbot_{file}"));
    let search = SearchPath::new(&[first, second], None, None, None);
    assert_eq!(search.dirs()[0].1, Origin::PluginDir);
    let found = Plugin::inspect("my-venue", &search, None).unwrap();
    assert_eq!(found.path(), other);
    let nearer = dir.copy("fixture_echo", &format!("first/lib{file}"));
    let found = Plugin::inspect("my-venue", &search, None).unwrap();
    assert_eq!(found.path(), nearer);
    assert_eq!(found.manifest().plugin.id, "echo");
    assert_eq!(format!("{}.0", found.api()), API_VERSION);
}

#[test]
fn names_that_play_tricks() {
    let dir = scratch();
    let search = SearchPath::default();
    insta::assert_snapshot!(refused(&dir, "..", &search, None), @r"
    cannot load plugin `..` [PLUGIN_NAME]: this is no plugin name
      expected: lower case letters, digits, `-` and `_`, starting with a letter, at most 64
      hint: to name a file, write its path with a `/`: ./..
    ");
    insta::assert_snapshot!(refused(&dir, "Paper", &search, None), @r"
    cannot load plugin `Paper` [PLUGIN_NAME]: this is no plugin name
      expected: lower case letters, digits, `-` and `_`, starting with a letter, at most 64
      hint: to name a file, write its path with a `/`: ./Paper
    ");
    insta::assert_snapshot!(refused(&dir, "a\n\u{1b}[2J", &search, None), @r"
    cannot load plugin `a\n\u{1b}[2J` [PLUGIN_NAME]: this is no plugin name
      expected: lower case letters, digits, `-` and `_`, starting with a letter, at most 64
      hint: to name a file, write its path with a `/`: ./a\n\u{1b}[2J
    ");
}

#[test]
fn paths_that_name_no_readable_file() {
    let dir = scratch();
    insta::assert_snapshot!(refusal(&dir, &dir.join("missing.so")), @r"
    cannot load plugin [DIR]/missing.so [PLUGIN_NOT_FOUND]: no such file
      hint: check the path; a bare name such as `paper` is looked for in the plugin directories
    ");
    insta::assert_snapshot!(refusal(&dir, &dir), @r"
    cannot load plugin [DIR] [PLUGIN_UNREADABLE]: the file cannot be read
      found: is a directory
      expected: a file that this user may read
      hint: ls -l [DIR]
    ");
    #[cfg(unix)]
    {
        let device = refused(&dir, "/dev/null", &SearchPath::default(), None);
        insta::assert_snapshot!(device, @r"
        cannot load plugin /dev/null [PLUGIN_UNREADABLE]: the file cannot be read
          found: it is a device, a pipe or a socket
          expected: a file that this user may read
          hint: ls -l /dev/null
        ");
    }
}

#[test]
fn a_file_of_gigabytes() {
    let dir = scratch();
    let path = dir.file("huge.so", "");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len((256 << 20) + 1).unwrap();
    insta::assert_snapshot!(refusal(&dir, &path), @r"
    cannot load plugin [DIR]/huge.so [PLUGIN_TOO_LARGE]: the file is too large
      found: 268435457 bytes
      expected: at most 268435456 bytes
      hint: build it with --release, or strip it
    ");
}

#[test]
#[cfg(unix)]
fn files_and_directories_that_others_can_write() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = scratch();
    let chmod = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let path = dir.copy("fixture_echo", "open.so");
    chmod(&path, 0o666);
    insta::assert_snapshot!(refusal(&dir, &path), @r"
    cannot load plugin [DIR]/open.so [INSECURE_PERMISSIONS]: others could replace its code
      found: the file [DIR]/open.so has mode 0666
      expected: writable by its owner alone
      hint: chmod go-w [DIR]/open.so
    ");
    chmod(&path, 0o600);
    chmod(&dir, 0o777);
    insta::assert_snapshot!(refusal(&dir, &path), @r"
    cannot load plugin [DIR]/open.so [INSECURE_PERMISSIONS]: others could replace its code
      found: the directory [DIR] has mode 0777
      expected: writable by its owner alone
      hint: chmod go-w [DIR]
    ");
    chmod(&dir, 0o1777);
    insta::assert_snapshot!(refusal(&dir, &path), @r"
    cannot load plugin [DIR]/open.so [INSECURE_PERMISSIONS]: others could replace its code
      found: the directory [DIR] has mode 1777
      expected: writable by its owner alone
      hint: chmod go-w [DIR], or rather move the plugin out of this shared directory
    ");

    // A link in a safe place does not make its target safe.
    let safe = scratch();
    std::os::unix::fs::symlink(&path, safe.join("link.so")).unwrap();
    insta::assert_snapshot!(refusal(&dir, &safe.join("link.so")).replace(safe.to_str().unwrap(), "[SAFE]"), @r"
    cannot load plugin [SAFE]/link.so [INSECURE_PERMISSIONS]: others could replace its code
      found: the directory [DIR] has mode 1777
      expected: writable by its owner alone
      hint: chmod go-w [DIR], or rather move the plugin out of this shared directory
    ");
    chmod(&dir, 0o755);
    let link = safe.join("link.so");
    Plugin::inspect(link.to_str().unwrap(), &SearchPath::default(), None).unwrap();
}

#[test]
fn files_that_are_something_else() {
    let dir = scratch();
    insta::assert_snapshot!(refusal(&dir, &dir.file("notes.so", "# Notes\n")), @r#"
    cannot load plugin [DIR]/notes.so [NOT_A_PLUGIN]: it is not an investbot plugin
      found: a text file
      expected: a shared library made with export_adapter!
      hint: set crate-type = ["cdylib"] in its Cargo.toml and name the file that cargo build makes of it
    "#);
    insta::assert_snapshot!(refusal(&dir, &dir.file("empty.so", "")), @r#"
    cannot load plugin [DIR]/empty.so [NOT_A_PLUGIN]: it is not an investbot plugin
      found: an empty file
      expected: a shared library made with export_adapter!
      hint: set crate-type = ["cdylib"] in its Cargo.toml and name the file that cargo build makes of it
    "#);
    insta::assert_snapshot!(refusal(&dir, &dir.file("data.so", [0, 1, 2, 3])), @r#"
    cannot load plugin [DIR]/data.so [NOT_A_PLUGIN]: it is not an investbot plugin
      found: data of an unknown kind
      expected: a shared library made with export_adapter!
      hint: set crate-type = ["cdylib"] in its Cargo.toml and name the file that cargo build makes of it
    "#);
    let library = dir.copy("fixture_noentry", "noentry.so");
    insta::assert_snapshot!(refusal(&dir, &library), @r"
    cannot load plugin [DIR]/noentry.so [NOT_A_PLUGIN]: it is not an investbot plugin
      found: a library or program without an investbot manifest
      expected: a shared library made with export_adapter!
      hint: check that it is the right file; a plugin calls export_adapter! in its lib.rs
    ");
}

/// A library that is cut anywhere must be refused by us: the system's loader dies of some of these.
#[test]
fn truncated_libraries() {
    let dir = scratch();
    let whole = std::fs::read(plugin("fixture_echo")).unwrap();
    for len in [
        1,
        3,
        40,
        100,
        whole.len() / 4,
        whole.len() / 2,
        whole.len() - 1,
    ] {
        let cut = dir.file("cut.so", &whole[..len]);
        let error = Plugin::inspect(cut.to_str().unwrap(), &SearchPath::default(), None)
            .expect_err("it is cut");
        assert_eq!(error.code(), "NOT_A_PLUGIN", "{len}: {error}");
        text(&dir, &error);
    }
    #[cfg(target_os = "linux")]
    {
        let cut = dir.file("cut.so", &whole[..whole.len() / 2]);
        insta::assert_snapshot!(refusal(&dir, &cut), @r"
        cannot load plugin [DIR]/cut.so [NOT_A_PLUGIN]: it is not an investbot plugin
          found: a truncated or damaged binary (Invalid ELF section header offset/size/alignment)
          expected: a shared library made with export_adapter!
          hint: copy or download it again
        ");
    }
}

#[test]
#[cfg(all(target_os = "linux", target_endian = "little"))]
fn a_library_of_another_architecture() {
    const E_MACHINE: usize = 18;
    const S390: u8 = 22;
    let dir = scratch();
    let path = dir.spoilt("fixture_noentry", "foreign.so", |b| b[E_MACHINE] = S390);
    insta::assert_snapshot!(refusal(&dir, &path), @r"
    cannot load plugin [DIR]/foreign.so [WRONG_TARGET]: it is built for another machine
      found: Elf for S390x
      expected: [TARGET]
      hint: cargo build --release --target [TARGET]
    ");
}

#[test]
fn a_plugin_for_another_system() {
    let dir = scratch();
    let other = TARGET.replace(['l', 'd'], "x");
    let path = spoilt(
        &dir,
        format!("target={TARGET};"),
        format!("target={other};"),
    );
    let text = refusal(&dir, &path).replace(&other, "[OTHER]");
    insta::assert_snapshot!(text, @r"
    cannot load plugin [DIR]/spoilt.so [WRONG_TARGET]: it is built for another machine
      found: [OTHER]
      expected: [TARGET]
      hint: cargo build --release --target [TARGET]
    ");
}

#[test]
fn pins() {
    let dir = scratch();
    let path = dir.copy("fixture_echo", "echo.so");
    let path = path.to_str().unwrap();
    let search = SearchPath::default();
    let sha256 = Plugin::inspect(path, &search, None)
        .unwrap()
        .sha256()
        .to_owned();
    for pin in [sha256.clone(), format!("sha256:{}", sha256.to_uppercase())] {
        Plugin::inspect(path, &search, Some(&pin)).unwrap();
    }
    let zeros = "0".repeat(64);
    let text = refused(&dir, path, &search, Some(&zeros)).replace(&sha256, "[SHA256]");
    insta::assert_snapshot!(text, @r"
    cannot load plugin [DIR]/echo.so [HASH_MISMATCH]: the file is not the one that was pinned
      found: sha256 [SHA256]
      expected: sha256 0000000000000000000000000000000000000000000000000000000000000000
      hint: if you replaced the plugin on purpose, pin the digest that was found
    ");
    insta::assert_snapshot!(refused(&dir, path, &search, Some("md5:abc")), @r"
    cannot check the plugin's digest [PIN_INVALID]: the pin is no sha256
      found: `md5:abc`
      expected: 64 hexadecimal digits
      hint: sha256sum FILE prints it
    ");
}

#[test]
fn a_binary_layer_of_another_epoch() {
    let dir = scratch();
    insta::assert_snapshot!(refusal(&dir, &spoilt(&dir, "epoch=1;api", "epoch=2;api")), @r"
    cannot load plugin [DIR]/spoilt.so [ABI_EPOCH]: its binary interface is of another generation
      found: ABI epoch 2
      expected: ABI epoch 1
      hint: update investbot, or use an older release of the plugin
    ");
    insta::assert_snapshot!(refusal(&dir, &spoilt(&dir, "epoch=1;api", "epoch=0;api")), @r"
    cannot load plugin [DIR]/spoilt.so [ABI_EPOCH]: its binary interface is of another generation
      found: ABI epoch 0
      expected: ABI epoch 1
      hint: update the plugin, or rebuild it with this host's investbot-plugin-api
    ");
}

#[test]
fn an_api_out_of_range() {
    let dir = scratch();
    let api = |version: &str| {
        spoilt(
            &dir,
            format!("api={API_VERSION};"),
            format!("api={version};"),
        )
    };
    insta::assert_snapshot!(refusal(&dir, &api("2.0.0")), @r"
    cannot load plugin [DIR]/spoilt.so [API_RANGE]: its API version does not fit
      found: built with plugin API 2.0.0
      expected: plugin API 1.x, 1.0 or newer
      hint: update investbot, or use an older release of the plugin
    ");
    insta::assert_snapshot!(refusal(&dir, &api("0.9.0")), @r"
    cannot load plugin [DIR]/spoilt.so [API_RANGE]: its API version does not fit
      found: built with plugin API 0.9.0
      expected: plugin API 1.x, 1.0 or newer
      hint: update the plugin, or rebuild it with a newer investbot-plugin-api
    ");
    insta::assert_snapshot!(refusal(&dir, &api("1.x.0")), @r"
    cannot load plugin [DIR]/spoilt.so [API_RANGE]: its API version does not fit
      found: built with plugin API 1.x.0
      expected: plugin API 1.x, 1.0 or newer
      hint: update the plugin, or rebuild it with a newer investbot-plugin-api
    ");
    let newer = spoilt(&dir, "requires_api = \"1.0\"", "requires_api = \"1.9\"");
    insta::assert_snapshot!(refusal(&dir, &newer), @r"
    cannot load plugin [DIR]/spoilt.so [API_RANGE]: its API version does not fit
      found: requires a host with plugin API 1.9
      expected: at most 1.0, the API of this host
      hint: update investbot, or use an older release of the plugin
    ");
}

#[test]
fn manifests_that_make_no_sense() {
    let dir = scratch();
    let bad = spoilt(&dir, "max_in_flight = 4", "max_in_flight = 0");
    insta::assert_snapshot!(refusal(&dir, &bad), @r"
    cannot load plugin [DIR]/spoilt.so [MANIFEST]: its manifest makes no sense
      found: capabilities.max_in_flight = `0`, expected at least 1
      hint: correct plugin.toml and rebuild the plugin
    ");
    let bad = spoilt(&dir, "simulated = true", "simulated = 1234");
    insta::assert_snapshot!(refusal(&dir, &bad), @r"
    cannot load plugin [DIR]/spoilt.so [MANIFEST]: its manifest makes no sense
      found: plugin.toml:6:13: invalid type: integer `1234`, expected a boolean
      hint: correct plugin.toml and rebuild the plugin
    ");
    let cut = spoilt(&dir, ";len=0000", ";len=9999");
    insta::assert_snapshot!(refusal(&dir, &cut), @r"
    cannot load plugin [DIR]/spoilt.so [MANIFEST]: its manifest makes no sense
      found: a damaged manifest record
      hint: copy or build the file again
    ");
}

#[test]
fn two_manifests_in_one_file() {
    let dir = scratch();
    let path = dir.spoilt("fixture_echo", "twice.so", |bytes| {
        let again = bytes.clone();
        bytes.extend(again);
    });
    insta::assert_snapshot!(refusal(&dir, &path), @r"
    cannot load plugin [DIR]/twice.so [MANIFEST]: its manifest makes no sense
      found: several manifests in one file
      hint: use export_adapter! once; take one machine out of a universal binary
    ");
}
