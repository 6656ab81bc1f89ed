//! The page, served on this machine.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::npm;
use crate::step::{find_program, process, say};

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves the built page until it is interrupted. Without a port, takes the first free one from 4173 on.
///
/// # Errors
/// When the port is taken or the server fails.
pub fn serve(port: Option<u16>, open: bool) -> Result<()> {
    let port = match port {
        Some(port) => port,
        None => (4173..4273).find(|port| is_free(*port)).context("no free port: name one with --port")?,
    };
    if !is_free(port) {
        bail!("port {port} is taken: name another with --port");
    }
    let mut server = npm::script("www", "preview");
    server.args(["--host", "127.0.0.1", "--strictPort", "--port", &port.to_string()]);
    let mut server = server.spawn().context("cannot start `npm run preview -w www`")?;
    let served = wait_for(&mut server, port);
    if served.is_ok() {
        let address = format!("http://127.0.0.1:{port}/");
        say(format_args!("Rekindle is at {address} (Ctrl+C ends it)"));
        if open {
            show(&address);
        }
    } else {
        server.kill().ok();
    }
    let status = server.wait()?;
    served?;
    if !status.success() {
        bail!("the server ended ({status})");
    }
    Ok(())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn wait_for(server: &mut Child, port: u16) -> Result<()> {
    let start = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if let Some(status) = server.try_wait()? {
            bail!("the server ended before it answered ({status})");
        }
        if start.elapsed() > PATIENCE {
            bail!("the server did not answer within {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Opens the address in a browser, where there is a desktop. It is printed anyway, so a failure is not one.
fn show(address: &str) {
    let desktop = std::env::var_os("DISPLAY").is_some() || std::env::var_os("WAYLAND_DISPLAY").is_some();
    let mut opener = if cfg!(target_os = "macos") {
        process("open")
    } else if cfg!(windows) {
        process("explorer")
    } else if desktop && find_program("xdg-open").is_some() {
        process("xdg-open")
    } else {
        return;
    };
    opener.arg(address).spawn().ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!is_free(port));
        let error = serve(Some(port), false).unwrap_err();
        assert_eq!(error.to_string(), format!("port {port} is taken: name another with --port"));
    }
}
