//! What the black-box tests and the demo share: real engines ([`real_engine`]), the embedded engine as a process
//! ([`embedded`]), the client of both ([`engine_client`]), the built binary ([`fetchlock`]) and its `tasks` command
//! ([`operator`]), the built guest components ([`guests`]), values of every type ([`samples`]) and servers behind TLS
//! ([`tls`]). It knows the host from outside only.

#![deny(missing_docs)]

pub mod embedded;
pub mod engine_client;
pub mod fetchlock;
pub mod guests;
pub mod java;
pub mod operator;
pub mod real_engine;
pub mod samples;
pub mod tls;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result};

/// A loopback address that nobody listens on at the moment. Somebody may, before it is used: who can should bind
/// port 0 instead.
fn free_loopback_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on the loopback interface")?;
    listener.local_addr().context("the address of a bound port")
}

/// The last lines of a log, for an error's text.
fn tail(log: &str) -> String {
    /// Enough for a Java stack trace's first cause.
    const LINES: usize = 40;
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
