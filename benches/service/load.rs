//! Load over loopback: one thread, one task a connection, each sending its next request when the last was answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Requests answered in a second over so many connections.
pub fn rate(
    address: SocketAddr,
    connections: usize,
    measured: Duration,
    expected: u16,
    next: impl Fn() -> String + Clone + 'static,
) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let begin = Instant::now();
        let end = begin + measured;
        let tasks: Vec<_> = (0..connections)
            .map(|_| {
                let next = next.clone();
                tokio::task::spawn_local(async move {
                    let mut connection = Connection::open(address).await;
                    let mut answered = 0_u32;
                    while Instant::now() < end {
                        let (status, body) = connection.exchange(&next()).await;
                        assert_eq!(status, expected, "{body}");
                        answered += 1;
                    }
                    answered
                })
            })
            .collect();
        let mut answered = 0;
        for task in tasks {
            answered += task.await.unwrap();
        }
        f64::from(answered) / begin.elapsed().as_secs_f64()
    })
}

/// One request; its body.
pub fn once(address: SocketAddr, request: &str, expected: u16) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (status, body) = Connection::open(address).await.exchange(request).await;
        assert_eq!(status, expected, "{body}");
        body
    })
}

/// A kept-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(4096) }
    }

    /// Sends a request; the answer's status and body.
    pub async fn exchange(&mut self, request: &str) -> (u16, String) {
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.buffer.clear();
        loop {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "the connection was closed");
            if let Some(answer) = complete(&self.buffer) {
                return answer;
            }
        }
    }
}

/// Status and body, once the whole answer is there.
fn complete(buffer: &[u8]) -> Option<(u16, String)> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&buffer[..end]).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")))
        .map_or(0, |(_, value)| value.trim().parse::<usize>().unwrap());
    let body = buffer.get(end..end + length)?;
    Some((head[9..12].parse().unwrap(), String::from_utf8(body.to_vec()).unwrap()))
}
