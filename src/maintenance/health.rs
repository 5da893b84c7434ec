//! Asks a running service whether it can serve; for container engines, which have no shell or HTTP client at hand.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::storage::OpenError;

/// How long the service may take to answer.
const WAIT: Duration = Duration::from_secs(2);

/// Asks `/readyz` at the address a service of this configuration listens on, by HTTPS when it has a certificate.
///
/// # Errors
/// When it does not answer, or says that it cannot serve.
pub fn health(bind: SocketAddr, certificate: Option<&Path>) -> Result<String, OpenError> {
    let address = SocketAddr::new(reachable(bind.ip()), bind.port());
    let silent = |why: std::io::Error| OpenError(format!("no answer from {address}: {why}"));
    let stream = TcpStream::connect_timeout(&address, WAIT).map_err(silent)?;
    stream.set_read_timeout(Some(WAIT)).map_err(silent)?;
    let answer = match certificate {
        None => ask(stream, address),
        #[cfg(feature = "rustls")]
        Some(file) => ask(crate::web::connect_to_own(stream, file)?, address),
        #[cfg(not(feature = "rustls"))]
        Some(_) => return Err(OpenError("this program was built without TLS".to_owned())),
    };
    let answer = answer.map_err(silent)?;
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default().trim().to_owned();
    let ready = answer.split(' ').nth(1) == Some("200");
    if ready { Ok(body) } else { Err(OpenError(format!("not ready: {body}"))) }
}

fn ask(mut stream: impl Read + Write, address: SocketAddr) -> std::io::Result<String> {
    stream.write_all(format!("GET /readyz HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // Over TLS the end may come without a farewell; the answer is there all the same.
        Err(why) if answer.is_empty() => Err(why),
        _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}

/// A service that listens on every address is asked on the loopback.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        named => named,
    }
}
