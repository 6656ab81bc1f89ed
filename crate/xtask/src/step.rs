//! Steps: say in one line what is done, run a process, fail in one line.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};

use anyhow::{Context, Result, bail};

/// Says what is about to be done.
pub fn say(what: impl std::fmt::Display) {
    println!("==> {what}");
}

/// The path of a program: the first match in the folders of PATH, with the endings that Windows gives to programs.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".cmd", ".bat"] } else { &[""] };
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| endings.iter().map(move |ending| folder.join(format!("{name}{ending}"))))
        .find(|file| file.is_file())
}

/// A process by the name of its program, without what `cargo run` set for this one: a nested cargo that sees those
/// variables takes itself for a part of the outer build.
pub fn process(program: impl AsRef<OsStr>) -> Command {
    let program = program.as_ref();
    let found = program.to_str().and_then(find_program);
    let mut command = Command::new(found.as_deref().map_or(program, |path| path.as_os_str()));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let outer = ["CARGO", "CARGO_CRATE_NAME", "CARGO_BIN_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];
        if outer.contains(&name.as_ref())
            || name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
        {
            command.env_remove(name.as_ref());
        }
    }
    command
}

/// How a process reads when it is named in a message.
fn shown(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let name = program.file_stem().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(name).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Runs a process with this one's input and output.
///
/// # Errors
/// When it cannot be started or ends with a failure.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs a process silently and gives what it printed.
///
/// # Errors
/// When it cannot be started or ends with a failure; the message holds the last line of its own.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
        bail!("`{}` failed: {}", shown(command), last.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a process, shows each line that it prints as it comes, and hands it to `each`. True when it succeeded.
///
/// # Errors
/// When it cannot be started.
pub fn watch(command: &mut Command, mut each: impl FnMut(&str)) -> Result<bool> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    let (sender, lines) = channel();
    if let Some(stdout) = child.stdout.take() {
        forward(stdout, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        forward(stderr, sender);
    }
    for line in lines {
        println!("{line}");
        each(&line);
    }
    Ok(child.wait()?.success())
}

/// Sends the lines of a stream from a thread of its own, so that a full pipe never stops the process.
fn forward(stream: impl Read + Send + 'static, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(std::result::Result::ok) {
            if lines.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                break;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_process() {
        let error =
            run(process("cargo").args(["no-such-command", "--quiet"]).stderr(Stdio::null())).unwrap_err();
        assert!(error.to_string().starts_with("`cargo no-such-command --quiet` failed"), "{error}");
        let error = run(&mut process("no-such-program-anywhere")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `no-such-program-anywhere`");
    }

    #[test]
    fn watched_lines_come_from_both_streams() {
        let mut lines = Vec::new();
        let good = watch(process("cargo").arg("--version"), |line| lines.push(line.to_owned())).unwrap();
        assert!(good && lines.iter().any(|line| line.starts_with("cargo ")), "{lines:?}");
        let good = watch(process("cargo").arg("--no-such-flag"), |line| lines.push(line.to_owned())).unwrap();
        assert!(!good && lines.iter().any(|line| line.contains("--no-such-flag")), "{lines:?}");
    }
}
