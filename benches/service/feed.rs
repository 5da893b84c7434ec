//! The log read by others: all of it as lines beside a bare reading of the same rows, and what live readers cost those who append.
//!
//! `FEED=1000000 cargo bench -- feed` names the number of events.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lumbung::app::Place;
use lumbung::demo::generate;
use lumbung::storage::{Sieve, read_stretch};

use super::{Databases, RUNS, TURN, TURNS, best, load, registration, serve, serve_place};

const EVENTS: &str = "1000000";
/// Events of a bare reading, as in a piece of a stream.
const PIECE: i64 = 2000;
/// Live readers beside those who append, and connections that append.
const READERS: [usize; 3] = [1, 8, 64];
const APPENDERS: usize = 64;

pub fn feed(databases: &Databases) {
    let events = std::env::var("FEED").unwrap_or_else(|_| EVENTS.to_owned()).trim().parse().unwrap();
    let place = databases.fresh();
    generate(&place, events).unwrap();
    let bare = best(|| bare(&place));
    let served = serve_place(&place, 256);
    println!("the log as lines, events per second (bare: the same rows read and thrown away)");
    println!("{:>12} {:>12} {:>8} {:>12} {:>22}", "bare", "lines", "ratio", "bytes/event", "more memory, KiB");
    for _ in 0..RUNS {
        let before = resident();
        let read = lines(served.address, &served.key);
        let lines = f64::from(u32::try_from(read.events).unwrap()) / read.took.as_secs_f64();
        let bytes = read.bytes / read.events;
        println!(
            "{bare:>12.0} {lines:>12.0} {:>8.2} {bytes:>12} {:>22}",
            lines / bare,
            read.peak.saturating_sub(before)
        );
    }
    served.stop();
    live(databases);
}

/// Reads every row of the log, and does nothing with it.
fn bare(place: &Place) -> f64 {
    let mut reader = place.database.open_reader().unwrap();
    let (began, mut after) = (Instant::now(), 0);
    loop {
        let stretch = read_stretch(&mut reader, &Sieve::default(), after, PIECE, PIECE).unwrap();
        after = stretch.through;
        if after == stretch.head {
            return f64::from(u32::try_from(after).unwrap()) / began.elapsed().as_secs_f64();
        }
    }
}

struct Heard {
    events: u64,
    bytes: u64,
    took: Duration,
    /// Most memory resident on the way, in KiB.
    peak: u64,
}

fn lines(address: SocketAddr, key: &str) -> Heard {
    let began = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nAccept: application/x-ndjson\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut buffer = vec![0; 1 << 18];
    let mut read = Heard { events: 0, bytes: 0, took: Duration::ZERO, peak: 0 };
    let mut pieces = 0_u32;
    let mut end = Vec::new();
    loop {
        let length = stream.read(&mut buffer).unwrap();
        if length == 0 {
            break;
        }
        read.bytes += length as u64;
        // Chunks end with a carriage return and a line feed, events with a line feed.
        read.events += buffer[..length].windows(2).filter(|pair| pair == b"}\n").count() as u64;
        end.extend_from_slice(&buffer[length.saturating_sub(600)..length]);
        end.drain(..end.len().saturating_sub(600));
        pieces += 1;
        if pieces.is_multiple_of(256) {
            read.peak = read.peak.max(resident());
        }
    }
    read.took = began.elapsed();
    assert!(String::from_utf8_lossy(&end).contains("log.read_through"), "the answer was cut off");
    read
}

/// Memory of this process, the service and the load together, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

/// Appends alone and beside live readers, in turns; the median of the pairs.
fn live(databases: &Databases) {
    println!("commands per second at {APPENDERS} connections, alone and beside live readers of everything");
    println!("{:>12} {:>12} {:>12} {:>8} {:>16}", "readers", "alone", "beside", "ratio", "read, of 1000");
    for readers in READERS {
        let served = serve(databases, 256);
        let number = Arc::new(AtomicU64::new(0));
        let rate = || {
            let (number, key) = (number.clone(), served.key.clone());
            let next = move || registration(&key, number.fetch_add(1, Ordering::Relaxed));
            load::rate(served.address, APPENDERS, TURN, 201, next)
        };
        let (mut told, mut appended) = (0, 0);
        let mut turns: Vec<(f64, f64)> = (0..TURNS)
            .map(|_| {
                let alone = rate();
                let before = number.load(Ordering::Relaxed);
                let listening = Listening::start(served.address, &served.key, readers);
                let beside = rate();
                told += listening.stop();
                appended += number.load(Ordering::Relaxed) - before;
                (alone, beside)
            })
            .collect();
        turns.sort_by(|one, other| (one.1 / one.0).total_cmp(&(other.1 / other.0)));
        let (alone, beside) = turns[TURNS / 2];
        // In thousandths: whole numbers divide without loss.
        let share = told * 1000 / (appended * readers as u64).max(1);
        println!("{readers:>12} {alone:>12.0} {beside:>12.0} {:>8.2} {share:>16}", beside / alone);
        served.stop();
    }
}

/// Live readers, all on one thread.
struct Listening {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<u64>,
}

impl Listening {
    fn start(address: SocketAddr, key: &str, readers: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, key) = (stop.clone(), key.to_owned());
        let (ready, all_ready) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, async move {
                let tasks: Vec<_> = (0..readers)
                    .map(|_| {
                        let (stopped, ready) = (stopped.clone(), ready.clone());
                        tokio::task::spawn_local(listen(address, key.clone(), stopped, ready))
                    })
                    .collect();
                let mut told = 0;
                for task in tasks {
                    told += task.await.unwrap();
                }
                told
            })
        });
        for _ in 0..readers {
            all_ready.recv().unwrap();
        }
        Self { stop, thread }
    }

    /// How many events all were told of.
    fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

async fn listen(address: SocketAddr, key: String, stopped: Arc<AtomicBool>, ready: std::sync::mpsc::Sender<()>) -> u64 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /v1/events/stream?after=head HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nAccept: text/event-stream\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut buffer, mut told, mut waiting) = (vec![0; 1 << 16], 0, Some(ready));
    while !stopped.load(Ordering::Relaxed) {
        let Ok(length) = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut buffer)).await else {
            continue;
        };
        let length = length.unwrap();
        assert!(length > 0, "the stream ended");
        if let Some(ready) = waiting.take() {
            ready.send(()).unwrap();
        }
        told += buffer[..length].windows(6).filter(|window| window == b"data: ").count() as u64;
    }
    told
}
