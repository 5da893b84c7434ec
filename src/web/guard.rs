//! What a request may cost before anybody knows what it is good for: limits of its head and body, quotas, whom proxies and browsers speak for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::{RequestHead, ServiceRequest};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::uri::Authority;
use actix_web::{HttpMessage, HttpRequest, web};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::client::{Neighbourhood, Networks, client_address, is_forwarded};
use super::cors::Cors;
use super::problem::Problem;
use super::quota::{Quotas, count_for_address};
use crate::kernel::problem_codes::{HEADERS_TOO_LARGE, OVERLOADED, URL_TOO_LONG};
use crate::kernel::{Refusal, Text};

/// Longest path with its query, in bytes.
pub const URL_BYTES_MAX: usize = 8 * 1024;
/// Header fields of a request. The HTTP library cuts off beyond 96.
pub const HEADERS_MAX: usize = 64;
/// Names and values of all header fields together, in bytes. The HTTP library cuts off beyond 128 KiB.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;
/// A body up to this size, in bytes, is always received: connections bound how many there are.
const SMALL_BODY_BYTES: usize = 16 * 1024;
/// Larger bodies take their room in pieces of so many bytes.
const ROOM_BYTES: usize = 1024;
/// What operators ask is never limited: they ask most when something is wrong.
const NEVER_LIMITED: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// Limits and quotas of one server.
#[derive(Default)]
pub struct Guard {
    /// How many requests whoever may send.
    pub quotas: Quotas,
    /// Addresses whose requests are not counted.
    pub unlimited: Networks,
    /// Proxies that are believed when they tell whom they speak for.
    pub trusted_proxies: Networks,
    /// Sites whose pages may call.
    pub cors: Cors,
    /// For how long browsers shall come by TLS only, in seconds; 0 when they are not told.
    pub hsts_seconds: u64,
    /// How long a command's body may take to arrive.
    pub body_time_max: Duration,
    /// Largest body of a command, in bytes.
    pub body_bytes_max: usize,
    /// Room for the larger bodies of all commands that are being served.
    pub room: Room,
    /// Whether the log was told of a proxy on an address that is not counted, and that is not trusted.
    pub told_of_proxy: AtomicBool,
}

fn peer_of(peer: Option<SocketAddr>) -> IpAddr {
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical())
}

/// The address this request came to, `https://host`, for links that must be whole; empty when its host is no plain name. What headers say of
/// another host in front of this one is believed of trusted proxies.
pub fn own_address(request: &HttpRequest) -> String {
    let guard = request.app_data::<web::Data<Guard>>();
    let connection = request.connection_info();
    let (scheme, host) = if guard.is_some_and(|guard| guard.trusted_proxies.contain(peer_of(request.peer_addr()))) {
        (connection.scheme(), connection.host())
    } else {
        let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let host = named.or_else(|| request.uri().authority().map(Authority::as_str));
        let scheme = if request.app_config().secure() { "https" } else { "http" };
        (scheme, host.unwrap_or_default())
    };
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte));
    let usable = !host.is_empty() && plain(host) && matches!(scheme, "http" | "https");
    if usable { format!("{scheme}://{host}") } else { String::new() }
}

/// Memory shared by bodies, in pieces.
pub struct Room(Arc<Semaphore>);

impl Room {
    /// Room for so many bytes.
    pub fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / ROOM_BYTES).min(Semaphore::MAX_PERMITS))))
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::of(0)
    }
}

/// Where a request comes from, and whether it is counted, noted by [`Guard::screen`].
#[derive(Clone, Copy)]
struct From {
    address: IpAddr,
    counted: bool,
}

/// Holds a body's room for as long as its request lives.
struct Held {
    _room: OwnedSemaphorePermit,
}

impl Guard {
    /// The guard of the server, and whose requests this one is counted with, if it is counted at all.
    pub(super) fn counting(request: &HttpRequest) -> Option<(&Self, Neighbourhood)> {
        let guard = request.app_data::<web::Data<Self>>()?;
        let From { address, counted } = request.extensions().get().copied()?;
        counted.then(|| (guard.as_ref(), Neighbourhood::of(address)))
    }

    /// Whether requests are counted that come from an address. What a proxy hands on without our knowing for whom is none of this machine's own.
    fn counts(&self, address: IpAddr, peer: IpAddr, headers: &HeaderMap) -> bool {
        if !self.unlimited.contain(address) {
            return true;
        }
        let for_a_stranger = address == peer && is_forwarded(headers);
        if for_a_stranger && !self.told_of_proxy.swap(true, Ordering::Relaxed) {
            log::warn!(
                "a proxy hands requests on that is not trusted; all it sends is counted as one address, see --trusted-proxies proxy={peer}"
            );
        }
        for_a_stranger
    }

    /// Refuses what is not worth reading any further.
    pub(super) fn screen(&self, request: &ServiceRequest) -> Result<(), Problem> {
        require_small_head(request.head())?;
        let peer = peer_of(request.peer_addr());
        let address = client_address(peer, request.headers(), &self.trusted_proxies);
        let counted = self.counts(address, peer, request.headers());
        request.extensions_mut().insert(From { address, counted });
        if NEVER_LIMITED.contains(&request.path()) || !counted {
            return Ok(());
        }
        count_for_address(request, self, Neighbourhood::of(address))
    }

    /// The size of a command's body, as far as it is told.
    fn body_bytes(&self, request: &HttpRequest) -> usize {
        let told = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        told.unwrap_or(if chunked { self.body_bytes_max } else { 0 })
    }

    /// Whether a command's body needs room of its own.
    pub(super) fn is_large(&self, request: &HttpRequest) -> bool {
        self.body_bytes(request) > SMALL_BODY_BYTES
    }

    /// Makes room for a large body before it is read, until the request has been answered. What is too large altogether is refused by
    /// whoever reads it.
    pub(super) fn make_room(&self, request: &HttpRequest) -> Result<(), Problem> {
        let bytes = self.body_bytes(request);
        if bytes > self.body_bytes_max {
            return Ok(());
        }
        let pieces = u32::try_from(bytes.div_ceil(ROOM_BYTES)).unwrap_or(u32::MAX);
        let room = self.room.0.clone().try_acquire_many_owned(pieces).map_err(|_| {
            let why = Text::fixed(
                "Terlalu banyak isi besar sedang diterima; coba lagi setelah `Retry-After` detik.",
                "Too many large bodies are being received; try again after `Retry-After` seconds.",
            );
            Problem::from(Refusal::new(&OVERLOADED, why).with("reason", "bodies_waiting"))
        })?;
        request.extensions_mut().insert(Held { _room: room });
        Ok(())
    }

    /// What the answer tells browsers about this server.
    pub(super) fn tell(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        self.cors.tell(request, answer);
        let seconds = self.hsts_seconds;
        if seconds > 0
            && let Ok(value) = HeaderValue::from_str(&format!("max-age={seconds}"))
        {
            answer.insert(header::STRICT_TRANSPORT_SECURITY, value);
        }
    }
}

fn require_small_head(head: &RequestHead) -> Result<(), Problem> {
    let length = head.uri.path_and_query().map_or(0, |path| path.as_str().len());
    if length > URL_BYTES_MAX {
        let why = text!(
            "Alamat ini {length} byte; paling banyak {URL_BYTES_MAX}.",
            "This address has {length} bytes; {URL_BYTES_MAX} are taken at most."
        );
        return Err(Refusal::new(&URL_TOO_LONG, why).into());
    }
    let count = head.headers.len();
    let bytes: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if count > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
        let why = text!(
            "Permintaan ini membawa {count} kepala, {bytes} byte; paling banyak {HEADERS_MAX} kepala, {HEADER_BYTES_MAX} byte.",
            "This request has {count} header fields of {bytes} bytes; {HEADERS_MAX} fields of {HEADER_BYTES_MAX} bytes are taken at most."
        );
        return Err(Refusal::new(&HEADERS_TOO_LARGE, why).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn large(length: &'static str) -> HttpRequest {
        TestRequest::post().insert_header((header::CONTENT_LENGTH, length)).to_http_request()
    }

    #[test]
    fn larger_bodies_share_what_room_there_is_and_small_ones_need_none() {
        let guard = Guard { room: Room::of(100 * 1024), body_bytes_max: 1 << 20, ..Guard::default() };
        let first = large("65536");
        guard.make_room(&first).unwrap();
        assert_eq!(guard.make_room(&large("65536")).unwrap_err().0.members["reason"], "bodies_waiting");
        assert!(!guard.is_large(&large("16384")) && guard.is_large(&large("16385")));
        // What is too large anyhow is refused by whoever reads it.
        guard.make_room(&large("104857600")).unwrap();
        drop(first);
        guard.make_room(&large("65536")).unwrap();
        let chunked = TestRequest::post().insert_header((header::TRANSFER_ENCODING, "chunked")).to_http_request();
        assert!(guard.make_room(&chunked).is_err());
    }
}
