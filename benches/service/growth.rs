//! What becomes of each thing as the log grows: medians over one connection at each size of an invented history.
//!
//! `GROWTH=10000,1000000 cargo bench -- growth` names the sizes.

use std::time::{Duration, Instant};

use lumbung::app::Place;
use lumbung::demo::generate;
use lumbung::maintenance::rebuild;
use serde_json::Value;

use super::load::Connection;
use super::{Databases, Served, empty_projections, serve_place};

const SIZES: &str = "10000,100000";
/// Requests each median is taken over.
const REQUESTS: usize = 200;
/// Pages followed to get deep into a list.
const PAGES: usize = 60;

pub fn growth(databases: &Databases) {
    println!("medians in microseconds, over one connection");
    println!(
        "{:>10} {:>8} {:>8} {:>11} {:>10} {:>9} {:>11} {:>11} {:>9} {:>12} {:>14} {:>13}",
        "events",
        "append",
        "get",
        "first page",
        "deep page",
        "progress",
        "statistics",
        "as of half",
        "made/s",
        "rebuilt/s",
        "all rows new/s",
        "figures too/s"
    );
    let sizes = std::env::var("GROWTH").unwrap_or_else(|_| SIZES.to_owned());
    for size in sizes.split(',').map(|size| size.trim().parse::<usize>().unwrap()) {
        let place = databases.fresh();
        let made = last_number(&generate(&place, size).unwrap());
        let figures = measure(&place);
        let rebuilt = last_number(rebuild(&place).unwrap().split(';').next().unwrap());
        let anew = |more: &[&str]| {
            empty_projections(&place, more);
            last_number(rebuild(&place).unwrap().split(';').next().unwrap())
        };
        let (rows, everything) = (anew(&["claims", "facts"]), anew(&["claims", "facts", "postings", "tallies"]));
        let [append, get, first, deep, progress, statistics, half] = figures;
        println!(
            "{size:>10} {append:>8} {get:>8} {first:>11} {deep:>10} {progress:>9} {statistics:>11} {half:>11} {made:>9} {rebuilt:>12} {rows:>14} {everything:>13}"
        );
    }
}

fn last_number(text: &str) -> u64 {
    text.split(' ').filter_map(|word| word.parse().ok()).next_back().unwrap()
}

fn measure(place: &Place) -> [u128; 7] {
    let served: Served = serve_place(place, 256);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let figures = runtime.block_on(async {
        let mut connection = Connection::open(served.address).await;
        let key = &served.key;
        let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n");
        let launch = r#"{"name":"P","starts_on":"2014-02-17","ends_on":"2014-05-27","targets":[{"measure":"healthy_ksp","number":10},{"measure":"financed_enterprises","number":20}]}"#;
        let post = |path: &str, body: &str| {
            format!("POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        };
        let (status, programme) = connection.exchange(&post("/v1/programmes", launch)).await;
        assert_eq!(status, 201, "{programme}");
        let programme: Value = serde_json::from_str(&programme).unwrap();
        let progress = get(&format!("/v1/programmes/{}/progress", programme["id"].as_str().unwrap()));

        let mut appends = Vec::new();
        let mut known = Vec::new();
        for number in 0..REQUESTS {
            let request = super::registration(key, 7_000_000 + number as u64);
            let (took, body) = timed(&mut connection, &request, 201).await;
            known.push(format!("/v1/cooperatives/{}", body["id"].as_str().unwrap()));
            appends.push(took);
        }
        // Financings from all over the table, by way of a long page.
        let (_, page) = timed(&mut connection, &get("/v1/financings?limit=200&sort=updated"), 200).await;
        let rows = page["data"].as_array().unwrap().iter();
        known.extend(rows.map(|row| format!("/v1/financings/{}", row["id"].as_str().unwrap())));
        let mut gets = Vec::new();
        for path in &known {
            gets.push(timed(&mut connection, &get(path), 200).await.0);
        }
        let (mut path, mut pages) = ("/v1/financings?region=64.72&limit=50".to_owned(), Vec::new());
        for _ in 0..PAGES {
            let (took, page) = timed(&mut connection, &get(&path), 200).await;
            pages.push(took);
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/financings?region=64.72&limit=50&cursor={cursor}");
        }
        let firsts = pages[..pages.len().min(20)].to_vec();
        let deep = pages.split_off(pages.len().saturating_sub(20));
        let mut progresses = Vec::new();
        for _ in 0..20 {
            progresses.push(timed(&mut connection, &progress, 200).await.0);
        }
        let statistics = "/v1/statistics/financing?by=region,scheme";
        let (_, now) = timed(&mut connection, &get(statistics), 200).await;
        let half = format!("{statistics}&as_of={}", now["as_of_position"].as_i64().unwrap() / 2);
        let mut added = [Vec::new(), Vec::new()];
        for _ in 0..20 {
            added[0].push(timed(&mut connection, &get(statistics), 200).await.0);
            added[1].push(timed(&mut connection, &get(&half), 200).await.0);
        }
        let [statistics, halves] = added;
        [appends, gets, firsts, deep, progresses, statistics, halves].map(median)
    });
    served.stop();
    figures
}

async fn timed(connection: &mut Connection, request: &str, expected: u16) -> (Duration, Value) {
    let began = Instant::now();
    let (status, body) = connection.exchange(request).await;
    let took = began.elapsed();
    assert_eq!(status, expected, "{body}");
    (took, serde_json::from_str(&body).unwrap())
}

fn median(mut all: Vec<Duration>) -> u128 {
    all.sort_unstable();
    all[all.len() / 2].as_micros()
}
