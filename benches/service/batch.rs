//! A file of ten thousand lines beside the bare database taking rows in five-hundreds.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Instant;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Databases, Served, best, raw, serve};

/// Lines of the measured file: four in five report on a financing, the rest register a cooperative.
const LINES: usize = 10_000;
/// Financings the reports are about.
const FINANCINGS: usize = 2_000;

pub fn batch(databases: &Databases) {
    println!("a file of {LINES} lines, lines a second (all on disk when the answer ends)");
    let raw = best(|| raw::insert_and_upsert(&databases.fresh().database));
    println!("raw insert and upsert in five-hundreds: {raw:.0} events/s");
    println!("{:>10} {:>10} {:>8} {:>16}", "mode", "lines/s", "of raw", "peak memory MB");
    for mode in ["each", "atomic", "each again"] {
        let mut peak = 0;
        let rate = best(|| {
            let served = serve(databases, 256);
            let ids = prepare(&served);
            let file = reports(&ids);
            let query = mode.split(' ').next().unwrap();
            if mode.ends_with("again") {
                send(&served, query, &file);
            }
            forget_peak();
            let began = Instant::now();
            let summary = send(&served, query, &file);
            let took = began.elapsed().as_secs_f64();
            peak = peak.max(peak_megabytes());
            assert_eq!(summary["refused"], 0, "{summary}");
            assert_eq!(summary["changed_nothing"], mode.ends_with("again"), "{summary}");
            served.stop();
            f64::from(u32::try_from(LINES).unwrap()) / took
        });
        println!("{mode:>10} {rate:>10.0} {:>8.2} {peak:>16}", rate / raw);
    }
}

fn line(file: &mut String, key: &str, path: &str, body: &str) {
    writeln!(file, r#"{{"key":"{key}","method":"POST","path":"{path}","body":{body}}}"#).unwrap();
}

/// Financings that money has flowed for; their ids.
fn prepare(served: &Served) -> Vec<String> {
    let mut file = String::new();
    let bank = r#"{"name":"Bank Uji","kind":"bank","code":"B","id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a01"}"#;
    line(&mut file, "bank", "organisations", bank);
    let cooperative = "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a02";
    let body = format!(
        r#"{{"id":"{cooperative}","name":"KSP","kind":"ksp","region":"64.72","nik_koperasi":"9900000000000"}}"#
    );
    line(&mut file, "cooperative", "cooperatives", &body);
    let ids: Vec<String> = (0..FINANCINGS).map(|_| uuid::Uuid::now_v7().to_string()).collect();
    let money = r#"{"value":"20000000.00","currency":"IDR"}"#;
    for (number, id) in ids.iter().enumerate() {
        let apply = format!(
            r#"{{"id":"{id}","lender":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a01","beneficiary":{{"kind":"cooperative","id":"{cooperative}"}},"scheme":"kur_mikro","amount":{money},"purpose":"Modal kerja","tenor_months":24,"lender_reference":"R-{number}"}}"#
        );
        line(&mut file, &format!("a{number}"), "financings", &apply);
        let at = format!("financings/{id}");
        line(&mut file, &format!("b{number}"), &format!("{at}/approvals"), r#"{"approved_on":"2014-03-19"}"#);
        let contract = format!(
            r#"{{"akad_number":"{number}/PK/2014","signed_on":"2014-03-20","plafon":{money},"annual_rate_percent":"22.00","tenor_months":24}}"#
        );
        line(&mut file, &format!("c{number}"), &format!("{at}/contracts"), &contract);
        let tranche = format!(r#"{{"amount":{money},"disbursed_on":"2014-03-21"}}"#);
        line(&mut file, &format!("d{number}"), &format!("{at}/disbursements"), &tranche);
    }
    let summary = send(served, "each", &file);
    assert_eq!(
        (&summary["refused"], &summary["lines"]),
        (&Value::from(0), &Value::from(FINANCINGS * 4 + 2)),
        "{summary}"
    );
    ids
}

fn reports(ids: &[String]) -> String {
    let mut file = String::new();
    for number in 0..LINES {
        if number % 5 == 4 {
            let body =
                format!(r#"{{"name":"KSP {number}","kind":"ksp","region":"64.72","nik_koperasi":"{number:013}"}}"#);
            line(&mut file, &format!("r{number}"), "cooperatives", &body);
            continue;
        }
        let (id, month) = (&ids[number % ids.len()], 4 + number / ids.len());
        let body = format!(
            r#"{{"scheme":"bank_umum","class":1,"days_past_due":0,"position_date":"2014-{month:02}-28","outstanding":{{"value":"{}.00","currency":"IDR"}}}}"#,
            19_000_000 - number
        );
        line(&mut file, &format!("r{number}"), &format!("financings/{id}/collectibility-reports"), &body);
    }
    file
}

/// Sends a file; the summary of the answer.
fn send(served: &Served, mode: &str, file: &str) -> Value {
    let head = format!(
        "POST /v1/batches?mode={mode} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
        served.key,
        file.len()
    );
    let answer = exchange(served.address, &head, file);
    let summary =
        answer.lines().rev().find(|line| line.starts_with("{\"summary\"")).unwrap_or_else(|| panic!("{answer}"));
    serde_json::from_str::<Value>(summary).unwrap()["summary"].take()
}

fn exchange(address: SocketAddr, head: &str, file: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(file.as_bytes()).await.unwrap();
        let mut answer = Vec::with_capacity(4 << 20);
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    })
}

/// Lets the peak begin anew at what is held now.
pub fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory this process (service and load together; on `SQLite` the database too) has held since.
pub fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or_default() / 1024
}
