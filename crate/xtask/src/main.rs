//! Sets up, builds, serves and tests the project.

mod apt;
mod bench;
mod build;
mod check;
mod chromium;
mod demo;
mod kernels;
mod layout;
mod npm;
mod photos;
mod setup;
mod sizes;
mod stamp;
mod step;
mod tally;
mod toolchain;
mod vulkan;
mod wasm;
mod weights;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use build::Flavours;
use check::Part;

/// Sets up, builds, serves and tests Rekindle.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the page, serve it here and print its address
    Demo {
        /// Which WebAssembly builds to make
        #[arg(long, value_enum, default_value_t = Flavours::All)]
        flavour: Flavours,
        /// Port to serve at; the first free one from 4173 on where none is given
        #[arg(long)]
        port: Option<u16>,
        /// Do not open a browser
        #[arg(long)]
        no_open: bool,
    },
    /// Run the checks, all or those named, with all that they need
    Test {
        /// Parts to run
        #[arg(value_enum)]
        parts: Vec<Part>,
        /// Which WebAssembly builds the tests are run on
        #[arg(long, value_enum, default_value_t = Flavours::All)]
        flavour: Flavours,
    },
    /// Build WebAssembly, package and page
    Build {
        /// Which WebAssembly builds to make
        #[arg(long, value_enum, default_value_t = Flavours::All)]
        flavour: Flavours,
        /// Leave out wasm-opt and keep the names of functions
        #[arg(long)]
        dev: bool,
    },
    /// Install what building and testing need
    Setup,
    /// Fetch and convert the pretrained weights
    Weights,
    /// Lay out the photo set of the tests and print its folder
    Photos {
        /// Where to; the cache where none is given
        out: Option<PathBuf>,
    },
    /// Run the benchmarks, all or one by name: learning natively, the others in Chromium
    Bench {
        /// Name of a benchmark, and its options
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<bool> {
    match task {
        Task::Demo { flavour, port, no_open } => {
            weights::set_up()?;
            build::everything(flavour, true)?;
            demo::serve(port, !no_open)?;
        }
        Task::Test { parts, flavour } => return Ok(check::run(&parts, flavour)),
        Task::Build { flavour, dev } => {
            weights::set_up()?;
            build::everything(flavour, !dev)?;
        }
        Task::Setup => setup::everything()?,
        Task::Weights => {
            weights::set_up()?;
            println!("{}", weights::folder()?.display());
        }
        Task::Photos { out } => {
            let out = out.map_or_else(photos::folder, Ok)?;
            photos::set_up(&out)?;
            println!("{}", out.display());
        }
        Task::Bench { arguments } => bench::run_all(arguments)?,
    }
    Ok(true)
}
