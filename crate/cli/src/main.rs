//! The command `rekindle`.

mod backbones;
mod export;
mod summary;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rekindle::export::Format;

/// Rekindle on a workstation.
#[derive(Parser)]
#[command(name = "rekindle", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// List the architectures that can be loaded, with their usual weights
    Backbones,
    /// Print the stages of a backbone: shapes, parameters, multiply-adds, which are frozen
    Summary {
        /// Name of an architecture, or a weights file
        backbone: String,
        /// Architecture of a weights file that does not say it
        #[arg(long)]
        arch: Option<String>,
        /// Side of the square input in pixels; that of the weights where none is given
        #[arg(long)]
        input_size: Option<u32>,
        /// Stage where training begins, by its number from 0 or its name; without it all are frozen, as for a new head
        #[arg(long)]
        cut: Option<String>,
    },
    /// Write the model of a project file for other tools
    Export {
        /// A `.rekindle` file
        project: PathBuf,
        /// The weights file that the project was made with
        #[arg(long)]
        weights: PathBuf,
        /// `onnx` or `safetensors`
        #[arg(long, default_value = "onnx")]
        format: Format,
        /// Where it goes
        #[arg(short, long)]
        output: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<(), Box<dyn Error>> {
    match task {
        Task::Backbones => print!("{}", backbones::table()),
        Task::Summary { backbone, arch, input_size, cut } => {
            let file = PathBuf::from(&backbone);
            let found = if file.is_file() {
                summary::of_file(&file, arch, input_size)?
            } else {
                summary::of_architecture(&backbone, input_size)?
            };
            let frozen = summary::frozen(&found, cut.as_deref())?;
            print!("{}", summary::table(&found, frozen));
        }
        Task::Export { project, weights, format, output } => {
            std::fs::write(output, export::of_project(&project, &weights, format)?)?;
        }
    }
    Ok(())
}
