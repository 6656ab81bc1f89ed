//! Rust for wasm32-unknown-unknown: rustup's target, or Debian's compiler with a standard library built by us.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::step::{capture, find_program, process, say};
use crate::{apt, layout};

/// The target of the WebAssembly builds.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// SIMD is in every browser that has module workers; getrandom must be told that it runs in one.
const RUSTFLAGS: &str = r#"-C target-feature=+simd128 --cfg getrandom_backend="wasm_js""#;

const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CLIPPY: &str = "/usr/bin/cargo-clippy";
const DEBIAN_SOURCES: &str = "/usr/lib/rustlib/src/rust/library";

/// What compiles to WebAssembly here.
pub enum Toolchain {
    /// The compiler that runs this program has the target.
    Rustup,
    /// Debian's compiler has the sources of the standard library.
    Debian {
        /// rustup's linker; Debian's own where there is none.
        linker: Option<PathBuf>,
    },
}

impl Toolchain {
    /// Finds a toolchain or sets one up.
    ///
    /// # Errors
    /// When there is none and none can be had.
    pub fn set_up() -> Result<Self> {
        if rustup_has_target() {
            return Ok(Self::Rustup);
        }
        if find_program("rustup").is_some() {
            say(format_args!("rustup target add {TARGET}"));
            match capture(process("rustup").args(["target", "add", TARGET])) {
                Ok(_) if rustup_has_target() => return Ok(Self::Rustup),
                Ok(_) => say(format_args!("rustup's toolchain is not the one that runs here")),
                Err(error) => say(format_args!("{error}")),
            }
        }
        if let Some(debian) = Self::debian() {
            return Ok(debian);
        }
        if apt::is_here() {
            apt::install(&debian_packages())?;
            // Known only now: Debian's linker is a link to a package of its own.
            if rustup_linker().is_none()
                && let Some(linker) = missing_debian_linker()
            {
                apt::install(&[linker])?;
            }
            if let Some(debian) = Self::debian() {
                return Ok(debian);
            }
        }
        bail!("no Rust for {TARGET}: install rustup (https://rustup.rs) and run `rustup target add {TARGET}`")
    }

    fn debian() -> Option<Self> {
        let linker = rustup_linker();
        let complete = [DEBIAN_CARGO, DEBIAN_RUSTC, DEBIAN_CLIPPY, DEBIAN_SOURCES]
            .iter()
            .all(|part| Path::new(part).exists())
            && (linker.is_some() || missing_debian_linker().is_none());
        complete.then_some(Self::Debian { linker })
    }

    /// `cargo <verb>` for WebAssembly.
    pub fn cargo(&self, verb: &str) -> Command {
        let mut command = match self {
            Self::Rustup => {
                let mut command = process("cargo");
                command.arg(verb);
                command
            }
            Self::Debian { linker } => debian_cargo(verb, linker.as_deref()),
        };
        command
            .args(["--target", TARGET])
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTFLAGS", RUSTFLAGS)
            .env("CARGO_TARGET_DIR", layout::wasm_target())
            .current_dir(layout::root());
        command
    }
}

fn debian_cargo(verb: &str, linker: Option<&Path>) -> Command {
    let mut command = process(DEBIAN_CARGO);
    command.args([verb, "-Zbuild-std=std,panic_abort"]);
    // `cargo clippy` looks for its driver in PATH; RUSTC_BOOTSTRAP lets a stable compiler build the standard library.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(PathBuf::from("/usr/bin")).chain(std::env::split_paths(&path));
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("PATH", path);
    }
    command.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
    // What the outer toolchain set for itself would make Debian's load the wrong libraries.
    for name in ["RUSTUP_TOOLCHAIN", "RUSTDOC", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
    if let Some(linker) = linker {
        command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    }
    command
}

fn debian_packages() -> Vec<String> {
    ["rustc-web", "cargo-web", "rust-web-src", "libstd-rust-web-dev", "rust-web-clippy", "rust-web-llvm"]
        .map(String::from)
        .to_vec()
}

/// The folder of the compiler that PATH gives.
fn sysroot() -> Option<PathBuf> {
    capture(process("rustc").args(["--print", "sysroot"])).ok().map(PathBuf::from)
}

fn rustup_has_target() -> bool {
    sysroot().is_some_and(|sysroot| sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir())
}

/// The linker that rustup's toolchains bring along.
fn rustup_linker() -> Option<PathBuf> {
    let hosts = sysroot()?.join("lib/rustlib").read_dir().ok()?;
    hosts.flatten().map(|host| host.path().join("bin/rust-lld")).find(|linker| linker.exists())
}

/// The package of Debian's linker, where the link to it leads nowhere.
fn missing_debian_linker() -> Option<String> {
    let link = Path::new("/usr/bin/rust-lld");
    let package = link.read_link().ok()?.file_name()?.to_string_lossy().into_owned();
    (!link.exists()).then_some(package)
}
