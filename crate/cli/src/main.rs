//! The command `rekindle`.

mod backbones;
mod summary;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    /// Print the stages of a backbone: shapes, parameters, multiply-adds
    Summary {
        /// Name of an architecture, or a weights file
        backbone: String,
        /// Architecture of a weights file that does not say it
        #[arg(long)]
        arch: Option<String>,
        /// Side of the square input in pixels; that of the weights where none is given
        #[arg(long)]
        input_size: Option<u32>,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Backbones => {
            print!("{}", backbones::table());
            Ok(())
        }
        Task::Summary { backbone, arch, input_size } => {
            let file = PathBuf::from(&backbone);
            let found = if file.is_file() {
                summary::of_file(&file, arch, input_size)
            } else {
                summary::of_architecture(&backbone, input_size)
            };
            found.map(|summary| print!("{}", summary::table(&summary)))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
