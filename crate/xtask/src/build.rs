//! The whole build: WebAssembly, npm package, page.

use anyhow::Result;
use clap::ValueEnum;

use crate::step::{run, say};
use crate::toolchain::Toolchain;
use crate::wasm::{self, Flavour};
use crate::{kernels, npm, sizes};

/// Which WebAssembly builds are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Flavours {
    /// The processor alone.
    Cpu,
    /// The processor and WebGPU.
    Gpu,
    /// Both, as they ship.
    All,
}

impl Flavours {
    /// Fine-tuning is beside every device.
    fn list(self) -> &'static [Flavour] {
        match self {
            Self::Cpu => &[Flavour::Cpu, Flavour::Tune],
            Self::Gpu => &[Flavour::Gpu, Flavour::Tune],
            Self::All => &Flavour::ALL,
        }
    }
}

/// Builds all of it. Without `optimise`, wasm-opt is left out.
///
/// # Errors
/// When a step fails.
pub fn everything(flavours: Flavours, optimise: bool) -> Result<()> {
    npm::set_up()?;
    let toolchain = Toolchain::set_up()?;
    let mut rows = Vec::new();
    for flavour in flavours.list() {
        rows.push((*flavour, wasm::build(&toolchain, *flavour, optimise)?));
    }
    kernels::build()?;
    sizes::print_table(&rows);
    for (flavour, sizes) in rows.iter().filter(|_| optimise) {
        sizes.check(flavour.name(), flavour.budget())?;
    }
    wasm::put(Flavour::Tune, Flavour::Tune)?;
    for place in Flavour::DEVICES {
        let flavour = flavours.list().iter().find(|flavour| **flavour == place).or(flavours.list().first());
        if let Some(flavour) = flavour {
            wasm::put(*flavour, place)?;
        }
    }
    for workspace in ["rekindle", "www"] {
        say(format_args!("npm run build -w {workspace}"));
        run(&mut npm::script(workspace, "build"))?;
    }
    Ok(())
}
