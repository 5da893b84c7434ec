#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, clippy::float_arithmetic, missing_docs, dead_code)]
//! What the service does in a second, beside baselines measured in the same run on the same machine: quote the ratios, not the numbers.
//!
//! `cargo bench` measures everything on both databases; `cargo bench -- postgres commands` a part. The service, the database and the load all share
//! the machine, and everything goes over loopback.

mod batch;
#[path = "../../tests/suite/cluster.rs"]
mod cluster;
mod feed;
mod growth;
mod load;
mod overload;
mod raw;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use diesel::connection::SimpleConnection;
use lumbung::app::{Core, Place, Running};
use lumbung::config::{BatchLimits, DatasetOptions, GuardOptions, ListenOptions};
use lumbung::kernel::{Clock, OrganisationKind};
use lumbung::ledger::{Ids, Limits};
use lumbung::organisations::issue_key;
use lumbung::storage::{Database, LogIdentity};
use tempfile::TempDir;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Each figure is the better of so many runs: the machine is noisy.
const RUNS: usize = 2;
/// How long a run takes.
const MEASURED: Duration = Duration::from_secs(3);
/// What is compared to the percent takes turns so often and so briefly, and the median of the pairs is told.
const TURNS: usize = 12;
const TURN: Duration = Duration::from_millis(500);

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let asked = |name: &str, among: &[&str]| {
        wanted.iter().any(|word| word == name) || !wanted.iter().any(|word| among.contains(&word.as_str()))
    };
    for name in ["sqlite", "postgres"].into_iter().filter(|name| asked(name, &["sqlite", "postgres"])) {
        println!("\n== {name} ==");
        let databases = Databases::new(name == "postgres");
        let parts = [
            ("commands", commands as fn(&Databases)),
            ("batch", batch::batch),
            ("reads", reads),
            ("growth", growth::growth),
            ("feed", feed::feed),
            ("overload", overload::overload),
        ];
        for (part, run) in parts {
            if asked(part, &parts.map(|(part, _)| part)) {
                run(&databases);
            }
        }
    }
}

/// Where new databases come from.
struct Databases {
    cluster: Option<cluster::Cluster>,
    folder: TempDir,
    count: AtomicU64,
}

impl Databases {
    fn new(postgres: bool) -> Self {
        // As an office would run it: everything on disk before the answer. Larger buffers only spare the machine's other disk traffic.
        let settings = ["shared_buffers=512MB", "max_wal_size=8GB", "checkpoint_timeout=30min"];
        let cluster = postgres.then(|| cluster::Cluster::start(&settings));
        Self { cluster, folder: TempDir::new().unwrap(), count: AtomicU64::new(0) }
    }

    fn fresh(&self) -> Place {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let database = match &self.cluster {
            None => Database::Sqlite(self.folder.path().join(format!("{number}.db"))),
            Some(cluster) => {
                cluster.execute("postgres", &format!("CREATE DATABASE bench_{number}"));
                cluster.database(&format!("bench_{number}"))
            }
        };
        let file = |ending: &str| self.folder.path().join(format!("{number}.{ending}"));
        let log = LogIdentity { origin: "bench/log".to_owned(), key_file: file("log-key"), accept_new_key: false };
        Place {
            database,
            master_key_file: file("key"),
            master_key: None,
            witness_file: file("head"),
            accept_older: false,
            log,
            environment: lumbung::kernel::Environment::Test,
        }
    }
}

/// Takes every row of every resource away, and of these tables.
fn empty_projections(place: &Place, more: &[&str]) {
    let tables = lumbung::app::kinds().map(|kind| kind.table.name);
    let mut connection = place.database.open_for_maintenance().unwrap();
    for table in tables.iter().chain(more) {
        connection.batch_execute(&format!("DELETE FROM {table}")).unwrap();
    }
}

fn best(mut run: impl FnMut() -> f64) -> f64 {
    (0..RUNS).map(|_| run()).fold(0.0, f64::max)
}

struct Served {
    address: std::net::SocketAddr,
    key: String,
    handle: actix_web::dev::ServerHandle,
    thread: std::thread::JoinHandle<()>,
}

fn serve(databases: &Databases, batch_commands: usize) -> Served {
    serve_place(&databases.fresh(), batch_commands)
}

fn serve_place(place: &Place, batch_commands: usize) -> Served {
    let limits = Limits { batch_commands, ..Limits::default() };
    serve_within(place, limits)
}

fn serve_within(place: &Place, limits: Limits) -> Served {
    let core = Core::open_with(place, Clock::System, Ids::Random, 8, limits).unwrap();
    let key = issue_key(&core.service, OrganisationKind::Province, None, "Bench", None, None).unwrap().text;
    let options = ListenOptions {
        bind: "127.0.0.1:0".parse().unwrap(),
        workers: 2,
        readers: 8,
        body_bytes_max: 1 << 20,
        queue_commands_max: limits.queue_commands,
        batches: BatchLimits::default(),
        datasets: DatasetOptions::default(),
        guard: GuardOptions::default(),
        access: lumbung::config::AccessOptions::default(),
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
    Served { address, key, handle, thread }
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

/// What is taken is measured here, so nobody is turned away for being faster than that.
fn command_rate(databases: &Databases, connections: usize, batch_commands: usize) -> f64 {
    best(|| {
        let limits = Limits { batch_commands, queue_wait: None, ..Limits::default() };
        let served = serve_within(&databases.fresh(), limits);
        let (number, key) = (Arc::new(AtomicU64::new(0)), served.key.clone());
        let next = move || registration(&key, number.fetch_add(1, Ordering::Relaxed));
        let rate = load::rate(served.address, connections, MEASURED, 201, next);
        served.stop();
        rate
    })
}

fn commands(databases: &Databases) {
    println!("single-event commands, per second (the event is on disk before the answer)");
    println!("{:>12} {:>12} {:>12} {:>8}", "connections", "one each", "grouped", "ratio");
    let mut last = 0.0;
    for connections in [1, 16, 64, 256] {
        let alone = command_rate(databases, connections, 1);
        let grouped = command_rate(databases, connections, Limits::default().batch_commands);
        println!("{connections:>12} {alone:>12.0} {grouped:>12.0} {:>8.2}", grouped / alone);
        last = grouped;
    }
    let raw = best(|| raw::insert_and_upsert(&databases.fresh().database));
    println!(
        "raw insert and upsert of the same rows in five-hundreds: {raw:.0} events/s; commands at 256: {:.2} of it",
        last / raw
    );
}

fn reads(databases: &Databases) {
    println!("GET by id, per second");
    println!("{:>12} {:>12} {:>12} {:>8}", "connections", "bare actix", "document", "share");
    let served = serve(databases, 256);
    let body = load::once(served.address, &registration(&served.key, 1), 201);
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    let id = document["id"].as_str().unwrap();
    let request =
        format!("GET /v1/cooperatives/{id} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\r\n", served.key);
    let (bare_address, bare_handle, bare_thread) = bare(body.len());
    for connections in [16, 64] {
        let mut turns: Vec<(f64, f64)> = (0..TURNS)
            .map(|_| {
                let (plain, request) = ("GET / HTTP/1.1\r\nHost: bench\r\n\r\n".to_owned(), request.clone());
                let bare = load::rate(bare_address, connections, TURN, 200, move || plain.clone());
                (bare, load::rate(served.address, connections, TURN, 200, move || request.clone()))
            })
            .collect();
        turns.sort_by(|one, other| (one.1 / one.0).total_cmp(&(other.1 / other.0)));
        let (bare, document) = turns[TURNS / 2];
        println!("{connections:>12} {bare:>12.0} {document:>12.0} {:>8.2}", document / bare);
    }
    drop(bare_handle.stop(false));
    bare_thread.join().unwrap();
    served.stop();
}

fn bare(size: usize) -> (std::net::SocketAddr, actix_web::dev::ServerHandle, std::thread::JoinHandle<()>) {
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
    (address, handle, thread)
}
