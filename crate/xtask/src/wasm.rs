//! The WebAssembly builds: crate `rekindle-wasm` -> wasm-bindgen -> wasm-opt -> `pkg/dist/wasm/<flavour>/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::layout;
use crate::sizes::Sizes;
use crate::stamp::{self, Stamp};
use crate::step::{process, run, say};
use crate::toolchain::{TARGET, Toolchain};

/// The package that holds the bindings.
pub const PACKAGE: &str = "rekindle-wasm";

/// What every browser with WebGPU or SIMD has. All of `--all-features` would let wasm-opt write what Chromium rejects.
const FEATURES: &[&str] = &[
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// How wasm-opt trades size for speed.
const OPTIMISATION: &str = "-O3";

/// A WebAssembly build by what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// The processor alone.
    Cpu,
    /// The processor and WebGPU.
    Gpu,
    /// Fine-tuning alone, beside one of the others.
    Tune,
}

impl Flavour {
    /// Every flavour.
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Gpu, Self::Tune];
    /// Those of which a session has one, with the same exports.
    pub const DEVICES: [Self; 2] = [Self::Cpu, Self::Gpu];

    /// Its name, which is that of its folder in the package.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Tune => "tune",
        }
    }

    /// Most bytes that its module and JavaScript may have after brotli.
    pub fn budget(self) -> usize {
        match self {
            Self::Cpu => 450_000,
            Self::Gpu => 490_000,
            Self::Tune => 570_000,
        }
    }

    /// Cargo's arguments that choose package, features and profile.
    pub fn cargo_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Cpu => &["--package", PACKAGE, "--release"],
            Self::Gpu => &["--package", PACKAGE, "--release", "--features", "gpu"],
            Self::Tune => &["--package", PACKAGE, "--release", "--features", "tune"],
        }
    }
}

/// Builds a flavour and gives its sizes. Without `optimise`, wasm-opt is left out and names stay in.
///
/// # Errors
/// When a step fails.
pub fn build(toolchain: &Toolchain, flavour: Flavour, optimise: bool) -> Result<Sizes> {
    say(format_args!("cargo build {} (WebAssembly, {})", PACKAGE, flavour.name()));
    run(toolchain.cargo("build").args(flavour.cargo_arguments()))?;
    let module = layout::wasm_target().join(TARGET).join("release").join("rekindle_wasm.wasm");

    let kept = bindings(flavour);
    let stamp_file = kept.with_extension("stamp");
    let stamp = stamp(&module, optimise)?;
    if !stamp::is_current(&stamp_file, &stamp) {
        if kept.exists() {
            fs::remove_dir_all(&kept).with_context(|| format!("cannot empty {}", kept.display()))?;
        }
        bind(&module, &kept, optimise)?;
        if optimise {
            optimise_module(&kept.join("rekindle_bg.wasm"))?;
        }
        Sizes::measure(&kept.join("rekindle_bg.wasm"), &kept.join("rekindle.js"))?
            .write(&kept.join("sizes.txt"))?;
        fs::write(&stamp_file, stamp).with_context(|| format!("cannot write {}", stamp_file.display()))?;
    }
    Sizes::read(&kept.join("sizes.txt"))
}

/// Puts a build into the package, in the place of a flavour: its own, or that of one that was not asked for. Those of devices
/// have the same exports, and the package goes on with the processor where WebGPU turns out not to be in the build.
///
/// # Errors
/// When a file cannot be copied.
pub fn put(flavour: Flavour, place: Flavour) -> Result<()> {
    let package = layout::root().join("pkg/dist/wasm").join(place.name());
    for file in ["rekindle.js", "rekindle.d.ts", "rekindle_bg.wasm", "rekindle_bg.wasm.d.ts"] {
        layout::copy(&bindings(flavour).join(file), &package.join(file))?;
    }
    Ok(())
}

/// Where what wasm-bindgen and wasm-opt made of a flavour is kept.
fn bindings(flavour: Flavour) -> PathBuf {
    layout::wasm_target().join("bindings").join(flavour.name())
}

fn stamp(module: &Path, optimise: bool) -> Result<String> {
    let stamp = Stamp::default()
        .file(module)?
        .file(&layout::root().join("Cargo.lock"))?
        .file(&binaryen().join("package.json"))?
        .value(OPTIMISATION)
        .value(FEATURES.join(" "))
        .value(if optimise { "optimised" } else { "plain" });
    Ok(stamp.text())
}

fn bind(module: &Path, out: &Path, optimise: bool) -> Result<()> {
    say("wasm-bindgen");
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name("rekindle").typescript(true);
    bindgen.remove_name_section(optimise).remove_producers_section(optimise);
    bindgen.web(true).and_then(|bindgen| bindgen.generate(out)).context("wasm-bindgen failed")
}

fn optimise_module(module: &Path) -> Result<()> {
    say(format_args!("wasm-opt {OPTIMISATION}"));
    let whole = module.with_extension("whole.wasm");
    fs::rename(module, &whole).with_context(|| format!("cannot move {}", module.display()))?;
    let mut wasm_opt = process("node");
    wasm_opt.arg(binaryen().join("bin/wasm-opt")).arg(OPTIMISATION).args(FEATURES);
    run(wasm_opt.arg(&whole).arg("--output").arg(module))?;
    fs::remove_file(&whole).with_context(|| format!("cannot remove {}", whole.display()))
}

fn binaryen() -> PathBuf {
    layout::root().join("node_modules/binaryen")
}
