#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs)]
//! What the service does in a second, beside baselines measured in the same run on the same machine: quote the ratios, not the numbers.
//!
//! `cargo bench` starts the service on a temporary `SQLite` database and loads it over loopback. Commands are compared with the same service
//! taking one transaction per request, reads with a bare actix answer of the same size.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use lumbung::app::{Core, Place, Running};
use lumbung::config::ListenOptions;
use lumbung::kernel::{Clock, OrganisationKind};
use lumbung::ledger::{Ids, Limits};
use lumbung::organisations::issue_key;
use lumbung::storage::Database;

/// How long each figure is measured.
const MEASURED: Duration = Duration::from_secs(3);
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
/// Each figure is the better of so many runs: the machine is noisy.
const RUNS: usize = 2;

fn main() {
    println!("single-event commands, per second (the event is on disk before the answer)");
    println!("{:>12} {:>12} {:>12} {:>8}", "connections", "one each", "grouped", "ratio");
    for connections in CONNECTIONS {
        let alone = commands(connections, 1);
        let grouped = commands(connections, Limits::default().batch_commands);
        println!("{connections:>12} {alone:>12.0} {grouped:>12.0} {:>8.2}", grouped / alone);
    }
    println!("\nGET by id, per second");
    println!("{:>12} {:>12} {:>12} {:>8}", "connections", "bare actix", "document", "share");
    for connections in [16, 64] {
        let (document, size) = reads(connections);
        let bare = bare(connections, size);
        println!("{connections:>12} {bare:>12.0} {document:>12.0} {:>8.2}", document / bare);
    }
}

fn best(mut run: impl FnMut() -> f64) -> f64 {
    (0..RUNS).map(|_| run()).fold(0.0, f64::max)
}

struct Served {
    address: SocketAddr,
    key: String,
    handle: actix_web::dev::ServerHandle,
    thread: std::thread::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

fn serve(batch_commands: usize) -> Served {
    let folder = tempfile::TempDir::new().unwrap();
    let place = Place {
        database: Database::Sqlite(folder.path().join("bench.db")),
        master_key_file: folder.path().join("bench.key"),
    };
    let limits = Limits { batch_commands, ..Limits::default() };
    let core = Core::open_with(&place, Clock::System, Ids::Random, 8, limits).unwrap();
    let key = issue_key(&core.service, OrganisationKind::Province, None, "Bench", None, None).unwrap().text;
    let options = ListenOptions {
        bind: "127.0.0.1:0".parse().unwrap(),
        workers: 2,
        readers: 8,
        body_bytes_max: 1 << 20,
        queue_commands_max: limits.queue_commands,
        shutdown_seconds: 1,
    };
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let running = Running::bind(core, &options).unwrap();
            sender.send((running.address, running.handle.clone())).unwrap();
            running.run().await.unwrap();
        });
    });
    let (address, handle) = receiver.recv().unwrap();
    Served { address, key, handle, thread, _folder: folder }
}

impl Served {
    fn stop(self) {
        drop(self.handle.stop(true));
        self.thread.join().unwrap();
    }
}

fn registration(key: &str, number: u64) -> String {
    let body = format!(r#"{{"name":"KSP {number}","kind":"ksp","region":"64.72","nik_koperasi":"{number:013}"}}"#);
    format!(
        "POST /v1/cooperatives HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn commands(connections: usize, batch_commands: usize) -> f64 {
    best(|| {
        let served = serve(batch_commands);
        let (number, key) = (Arc::new(AtomicU64::new(0)), served.key.clone());
        let next = move || registration(&key, number.fetch_add(1, Ordering::Relaxed));
        let rate = load(served.address, connections, 201, next);
        served.stop();
        rate
    })
}

fn reads(connections: usize) -> (f64, usize) {
    let served = serve(256);
    let mut stream = Connection::open(served.address);
    let (status, body) = stream.exchange(&registration(&served.key, 1));
    assert_eq!(status, 201, "{body}");
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    let request = format!(
        "GET /v1/cooperatives/{} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\r\n",
        document["id"].as_str().unwrap(),
        served.key
    );
    let rate = best(|| {
        load(served.address, connections, 200, {
            let request = request.clone();
            move || request.clone()
        })
    });
    served.stop();
    (rate, body.len())
}

fn bare(connections: usize, size: usize) -> f64 {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let body = web::Bytes::from("x".repeat(size));
            let app = move || {
                let body = body.clone();
                App::new().route(
                    "/",
                    web::get().to(move || {
                        let body = body.clone();
                        async move { HttpResponse::Ok().content_type("application/json").body(body) }
                    }),
                )
            };
            let server = HttpServer::new(app).workers(2).bind("127.0.0.1:0").unwrap();
            let address = server.addrs()[0];
            let server = server.run();
            sender.send((address, server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    let (address, handle) = receiver.recv().unwrap();
    let rate = best(|| load(address, connections, 200, || "GET / HTTP/1.1\r\nHost: bench\r\n\r\n".to_owned()));
    drop(handle.stop(false));
    thread.join().unwrap();
    rate
}

/// Requests answered in a second by so many connections, each sending its next request when the last was answered.
fn load(
    address: SocketAddr,
    connections: usize,
    expected: u16,
    next: impl Fn() -> String + Clone + Send + 'static,
) -> f64 {
    let begin = Instant::now();
    let end = begin + MEASURED;
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let next = next.clone();
            std::thread::Builder::new()
                .stack_size(256 * 1024)
                .spawn(move || {
                    let mut connection = Connection::open(address);
                    let mut answered = 0_u32;
                    while Instant::now() < end {
                        let (status, body) = connection.exchange(&next());
                        assert_eq!(status, expected, "{body}");
                        answered += 1;
                    }
                    answered
                })
                .unwrap()
        })
        .collect();
    let answered: u32 = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
    f64::from(answered) / begin.elapsed().as_secs_f64()
}

struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    fn exchange(&mut self, request: &str) -> (u16, String) {
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let status = line[9..12].parse().unwrap();
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        (status, String::from_utf8(body).unwrap())
    }
}
