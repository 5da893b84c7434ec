//! The connections that are open, so that those on which nothing comes to an end are cut, and nobody has all of them.
//!
//! The HTTP library waits for a first head only so long, and for a next request while nothing comes at all; the system cuts off whoever takes in nothing.
//! What is left is whoever keeps a connection busy a byte at a time: with the head of a later request, with a body that nobody reads any more, or
//! in reading an answer. On a connection that is not cut, the next request has come whole within a limit after the last answer was ready.

use std::any::Any;
use std::collections::HashMap;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

#[cfg(feature = "rustls")]
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::HttpRequest;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use actix_web::web::Bytes;
use socket2::{SockRef, Socket};

use super::client::{Neighbourhood, Networks};

/// How many connections, and how long they may be quiet.
#[derive(Clone, Debug, Default)]
pub struct ConnectionLimits {
    /// A connection may be quiet for so long.
    pub quiet_max: Duration,
    /// Connections of one address …
    pub of_address_max: usize,
    /// … unless it is in one of these networks: proxies speak for many.
    pub unlimited: Vec<Networks>,
}

/// All connections of a server.
pub struct Connections {
    limits: ConnectionLimits,
    next: AtomicU64,
    open: Mutex<Opened>,
}

/// What is open.
#[derive(Default)]
struct Opened {
    connections: HashMap<u64, Arc<Connection>>,
    /// How many each address has, of those that are limited.
    of_address: HashMap<Neighbourhood, usize>,
}

/// A connection.
struct Connection {
    /// The same socket once more, to cut it by.
    socket: Socket,
    /// Where it comes from, if that is limited.
    from: Option<Neighbourhood>,
    opened: Instant,
    /// Requests that have come and whose answers are not ready.
    requests: AtomicUsize,
    /// When the last of them was, in milliseconds after it was opened.
    quiet_since_ms: AtomicU64,
}

/// Kept with a connection for as long as it is open.
struct Open {
    number: u64,
    connection: Arc<Connection>,
    all: Arc<Connections>,
}

/// Kept for as long as an answer is being made.
pub(super) struct Busy(Arc<Connection>);

impl Connections {
    /// Connections within these limits.
    pub fn within(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self { limits, next: AtomicU64::new(0), open: Mutex::default() })
    }

    fn open(&self) -> MutexGuard<'_, Opened> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection was opened: one too many of its address is cut at once. One whose socket cannot be had a second time is not watched.
    pub fn opened(self: &Arc<Self>, stream: &dyn Any, data: &mut Extensions) {
        let Some(stream) = socket_of(stream) else { return };
        let Ok(socket) = SockRef::from(stream).try_clone() else { return };
        let from = stream.peer_addr().ok().map(|peer| peer.ip().to_canonical());
        let from = from.filter(|address| !self.limits.unlimited.iter().any(|networks| networks.contain(*address)));
        let from = from.map(Neighbourhood::of);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (requests, quiet_since_ms) = (AtomicUsize::new(0), AtomicU64::new(0));
        let connection = Arc::new(Connection { socket, from, opened: Instant::now(), requests, quiet_since_ms });
        let mut open = self.open();
        if let Some(from) = from {
            let count = open.of_address.entry(from).or_default();
            if *count >= self.limits.of_address_max {
                // Whoever closed it meanwhile is gone anyhow.
                let _ = connection.socket.shutdown(Shutdown::Both);
                return;
            }
            *count += 1;
        }
        open.connections.insert(number, connection.clone());
        drop(open);
        data.insert(Open { number, connection, all: self.clone() });
    }

    /// Cuts those that have been quiet for too long; tells how many.
    pub fn cut(&self) -> usize {
        let open = self.open();
        let quiet = open.connections.values().filter(|connection| connection.quiet() > self.limits.quiet_max);
        // One that was closed meanwhile needs no cutting.
        quiet.filter(|connection| connection.socket.shutdown(Shutdown::Both).is_ok()).count()
    }
}

/// What lies below a connection, plain or encrypted.
fn socket_of(stream: &dyn Any) -> Option<&TcpStream> {
    #[cfg(feature = "rustls")]
    if let Some(encrypted) = stream.downcast_ref::<TlsStream<TcpStream>>() {
        return Some(encrypted.get_ref().0);
    }
    stream.downcast_ref::<TcpStream>()
}

impl Connection {
    fn quiet(&self) -> Duration {
        if self.requests.load(Ordering::Acquire) > 0 {
            return Duration::ZERO;
        }
        let since = Duration::from_millis(self.quiet_since_ms.load(Ordering::Acquire));
        self.opened.elapsed().saturating_sub(since)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.all.open();
        open.connections.remove(&self.number);
        if let Some(from) = self.connection.from
            && let Some(count) = open.of_address.get_mut(&from)
        {
            *count -= 1;
            if *count == 0 {
                open.of_address.remove(&from);
            }
        }
    }
}

impl Busy {
    /// A request has come.
    pub fn with(request: &HttpRequest) -> Option<Self> {
        let Open { connection, .. } = request.conn_data()?;
        connection.requests.fetch_add(1, Ordering::AcqRel);
        Some(Self(connection.clone()))
    }

    /// Its answer is ready, unless it is made while it is sent.
    pub fn until_made(self, body: BoxBody) -> BoxBody {
        match body.size() {
            BodySize::Stream => BoxBody::new(Streaming { body, _busy: self }),
            _ => body,
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let now = u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.quiet_since_ms.store(now, Ordering::Release);
        self.0.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An answer that is made while it is sent.
struct Streaming {
    body: BoxBody,
    _busy: Busy,
}

impl MessageBody for Streaming {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.body.as_pin_mut().poll_next(context)
    }
}
