//! Ten times as much as it can take: what those wait for who are served, what it remembers, how much memory it needs, whether reads go on.
//!
//! Arrivals follow a clock, not the answers: each millisecond as many as are due go out on whatever connections are free, and those that find none
//! are counted and gone, as clients who cannot even connect would be. The load is made in this very process and on the same cores.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use tokio::sync::Semaphore;

use super::batch::{forget_peak, peak_megabytes};
use super::load::Connection;
use super::{Databases, load, registration, serve_place};

/// Connections of the closed loop that finds out what it can take.
const CALIBRATION_CONNECTIONS: usize = 256;
const TIMES: f64 = 10.0;
const TICK: Duration = Duration::from_millis(1);
/// Time between the reads that go on meanwhile.
const READ_EVERY: Duration = Duration::from_millis(20);

fn from_environment(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// What came of a load.
#[derive(Default)]
struct Told {
    accepted: Vec<Duration>,
    turned_away: Vec<Duration>,
    acknowledged: Vec<String>,
    without_connection: u64,
    reads: Vec<Duration>,
    reads_refused: u64,
}

pub fn overload(databases: &Databases) {
    let measured = Duration::from_secs(u64::from(from_environment("OVERLOAD_SECONDS", 10)));
    let connections = from_environment("OVERLOAD_CONNECTIONS", 1000) as usize;
    let place = databases.fresh();
    let served = serve_place(&place, 256);
    let (number, key) = (Arc::new(AtomicU64::new(0)), served.key.clone());
    let next = Rc::new(move || registration(&key, number.fetch_add(1, Ordering::Relaxed)));
    let body = load::once(served.address, &next(), 201);
    let read = format!(
        "GET /v1/cooperatives/{} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\r\n",
        id_of(&body),
        served.key
    );
    let mut acknowledged = vec![id_of(&body)];

    let run = |arrivals: Arrivals| {
        forget_peak();
        let told = offer(served.address, &arrivals, measured, &next, &read);
        (told, peak_megabytes())
    };
    let (calibrated, _) = run(Arrivals { connections: CALIBRATION_CONNECTIONS, a_second: None });
    let capacity = rate(calibrated.accepted.len(), measured);
    println!("overload: capacity {capacity:.0} commands a second over {CALIBRATION_CONNECTIONS} connections");
    println!(
        "{:>14} {:>10} {:>10} {:>12} {:>8} {:>8} {:>10} {:>10} {:>10}",
        "offered a s", "sent", "accepted", "turned away", "p50 ms", "p99 ms", "away p99", "read p99", "peak MB"
    );
    tell("closed loop", &calibrated, measured, 0);
    acknowledged.extend(calibrated.acknowledged);
    let mut p99 = Vec::new();
    for times in [1.0, TIMES] {
        let (told, peak) = run(Arrivals { connections, a_second: Some(capacity * times) });
        tell(&format!("{:.0}", capacity * times), &told, measured, peak);
        assert_eq!(told.reads_refused, 0, "reads were turned away");
        p99.push(milliseconds(&told.accepted, 0.99));
        acknowledged.extend(told.acknowledged);
    }
    let at_capacity = milliseconds(&calibrated.accepted, 0.99);
    println!(
        "99th percentile of accepted at {TIMES} times: {:.2} of that in the closed loop at capacity, {:.2} of that at one time",
        p99[1] / at_capacity,
        p99[1] / p99[0]
    );
    served.stop();
    require_once(&place.database, &acknowledged);
    println!("acknowledged and in the log once: {}", acknowledged.len());
}

/// How requests arrive.
struct Arrivals {
    connections: usize,
    /// None: each connection sends when it was answered.
    a_second: Option<f64>,
}

fn offer(
    address: SocketAddr,
    arrivals: &Arrivals,
    measured: Duration,
    next: &Rc<impl Fn() -> String + 'static>,
    read: &str,
) -> Told {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    let told = Rc::new(RefCell::new(Told::default()));
    local.block_on(&runtime, async {
        let mut open = Vec::with_capacity(arrivals.connections);
        for _ in 0..arrivals.connections {
            open.push(Connection::open(address).await);
        }
        let end = Instant::now() + measured;
        let due = Arc::new(Semaphore::new(0));
        let mut tasks: Vec<_> = open
            .into_iter()
            .map(|connection| {
                let due = arrivals.a_second.map(|_| due.clone());
                tokio::task::spawn_local(send(connection, due, end, next.clone(), told.clone()))
            })
            .collect();
        tasks.push(tokio::task::spawn_local(look(address, read.to_owned(), end, told.clone())));
        if let Some(a_second) = arrivals.a_second {
            arrive(&due, a_second, end, &told).await;
        }
        due.close();
        for task in tasks {
            task.await.unwrap();
        }
    });
    Rc::into_inner(told).unwrap().into_inner()
}

/// Lets arrivals in by the clock.
async fn arrive(due: &Semaphore, a_second: f64, end: Instant, told: &RefCell<Told>) {
    let began = Instant::now();
    let mut arrived = 0.0;
    while Instant::now() < end {
        tokio::time::sleep(TICK).await;
        // Who came in the tick before and found no connection is gone.
        told.borrow_mut().without_connection += due.forget_permits(due.available_permits()) as u64;
        let shall = (began.elapsed().as_secs_f64() * a_second).floor();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        due.add_permits((shall - arrived) as usize);
        arrived = shall;
    }
}

async fn send(
    mut connection: Connection,
    due: Option<Arc<Semaphore>>,
    end: Instant,
    next: Rc<impl Fn() -> String>,
    told: Rc<RefCell<Told>>,
) {
    while Instant::now() < end {
        if let Some(due) = &due {
            let Ok(permit) = due.acquire().await else { return };
            permit.forget();
        }
        let began = Instant::now();
        let (status, body) = connection.exchange(&next()).await;
        let mut told = told.borrow_mut();
        match status {
            201 => {
                told.accepted.push(began.elapsed());
                told.acknowledged.push(id_of(&body));
            }
            503 => told.turned_away.push(began.elapsed()),
            _ => panic!("{status} {body}"),
        }
    }
}

/// Reads now and then.
async fn look(address: SocketAddr, read: String, end: Instant, told: Rc<RefCell<Told>>) {
    let mut connection = Connection::open(address).await;
    while Instant::now() < end {
        let began = Instant::now();
        let (status, _) = connection.exchange(&read).await;
        match status {
            200 => told.borrow_mut().reads.push(began.elapsed()),
            _ => told.borrow_mut().reads_refused += 1,
        }
        tokio::time::sleep(READ_EVERY).await;
    }
}

fn id_of(body: &str) -> String {
    let at = body.find("\"id\":\"").unwrap() + "\"id\":\"".len();
    body[at..at + 36].to_owned()
}

fn rate(count: usize, measured: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / measured.as_secs_f64()
}

/// The time within which this share of them were answered.
fn milliseconds(times: &[Duration], share: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index")]
    let at = (times.len() as f64 * share) as usize;
    times.get(at.min(times.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

fn tell(offered: &str, told: &Told, measured: Duration, peak: u64) {
    let sent = told.accepted.len() + told.turned_away.len();
    println!(
        "{offered:>14} {:>10.0} {:>10.0} {:>12.0} {:>8.1} {:>8.1} {:>10.1} {:>10.1} {peak:>10}",
        rate(sent, measured),
        rate(told.accepted.len(), measured),
        rate(told.turned_away.len(), measured),
        milliseconds(&told.accepted, 0.5),
        milliseconds(&told.accepted, 0.99),
        milliseconds(&told.turned_away, 0.99),
        milliseconds(&told.reads, 0.99),
    );
    if told.without_connection > 0 {
        println!("{:>14} {} found no free connection", "", told.without_connection);
    }
}

#[derive(QueryableByName)]
struct Stream {
    #[diesel(sql_type = Text)]
    stream_id: String,
    #[diesel(sql_type = BigInt)]
    times: i64,
}

/// Every acknowledged command is in the log once, and nothing else is.
fn require_once(database: &lumbung::storage::Database, acknowledged: &[String]) {
    let statement =
        "SELECT stream_id, count(*) AS times FROM events WHERE stream_kind = 'cooperative' GROUP BY stream_id";
    let mut connection = database.open_for_maintenance().unwrap();
    let streams: Vec<Stream> = diesel::sql_query(statement).load(&mut connection).unwrap();
    let times: HashMap<&str, i64> = streams.iter().map(|stream| (stream.stream_id.as_str(), stream.times)).collect();
    for id in acknowledged {
        assert_eq!(times.get(id.as_str()), Some(&1), "{id} was acknowledged");
    }
    assert_eq!(times.len(), acknowledged.len(), "something was recorded that nobody was told of");
}
