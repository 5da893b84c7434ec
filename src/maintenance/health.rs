//! Asks a running service whether it can serve; for container engines, which have no shell or HTTP client at hand.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::storage::OpenError;

/// How long the service may take to answer.
const WAIT: Duration = Duration::from_secs(2);

/// Asks `/readyz` at the address a service of this configuration listens on.
///
/// # Errors
/// When it does not answer, or says that it cannot serve.
pub fn health(bind: SocketAddr) -> Result<String, OpenError> {
    let address = SocketAddr::new(reachable(bind.ip()), bind.port());
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, WAIT)?;
        stream.set_read_timeout(Some(WAIT))?;
        stream.write_all(format!("GET /readyz HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().map_err(|why| OpenError(format!("no answer from {address}: {why}")))?;
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default().trim().to_owned();
    let ready = answer.split(' ').nth(1) == Some("200");
    if ready { Ok(body) } else { Err(OpenError(format!("not ready: {body}"))) }
}

/// A service that listens on every address is asked on the loopback.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        named => named,
    }
}
