//! A disk that is full, and a disk that does not keep what it is told to keep. A small library put in front of the system's own makes both.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::program::{Client, Sent, Site};

/// Compiles the library.
fn library(folder: &Path) -> PathBuf {
    let library = folder.join("faults.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes/faults.c");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let compiled =
        Command::new(&compiler).args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).output().unwrap();
    assert!(compiled.status.success(), "{compiler}: {}", String::from_utf8_lossy(&compiled.stderr));
    library
}

/// A site whose disk fails as the file tells: `full`, `sync` or `main`; without the file it works.
fn site() -> (Site, PathBuf) {
    let mut site = Site::new(false);
    let (library, switch) = (library(site.folder()), site.folder().join("fault"));
    site.with("LD_PRELOAD", &library);
    site.with("FAULT_SWITCH", &switch);
    (site, switch)
}

fn registered(client: &Client, sent: &Sent, numbers: std::ops::Range<u32>) -> usize {
    let mut acknowledged = 0;
    for number in numbers {
        let key = format!("n-{number}");
        let answer = client.register(&key);
        acknowledged += usize::from(answer.as_ref().is_some_and(|answer| answer.status == 201));
        sent.note(&key, None, answer.as_ref());
    }
    acknowledged
}

#[test]
fn a_full_disk_is_told_reading_goes_on_and_writing_resumes_when_there_is_room() {
    let (site, switch) = site();
    let sent = Sent::default();
    let program = site.serve();
    let client = program.client();
    assert_eq!(registered(&client, &sent, 0..10), 10);
    std::fs::write(&switch, "full").unwrap();
    assert_eq!(registered(&client, &sent, 10..20), 0);
    assert!(site.log().contains("full"), "{}", site.log());
    assert_eq!(program.get("/v1/cooperatives?limit=100").unwrap().body["data"].as_array().unwrap().len(), 10);
    // Of what is noted beside the database now and then nothing is left half written.
    let noted = Instant::now();
    while !site.log().contains("could not be written down") {
        assert!(noted.elapsed() < Duration::from_secs(10), "{}", site.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let files = std::fs::read_dir(site.folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.filter(|name| name.starts_with("lumbung.head.")).collect::<Vec<_>>(), Vec::<String>::new());
    std::fs::remove_file(&switch).unwrap();
    assert_eq!(registered(&client, &sent, 20..30), 10);
    sent.settle(&client);
    program.stop();
    site.check(&sent);
}

#[test]
fn what_a_full_disk_left_of_a_backup_is_removed() {
    let (site, switch) = site();
    // Beside a running service, so that it is the copying that fails.
    let program = site.serve();
    assert_eq!(registered(&program.client(), &Sent::default(), 0..1), 1);
    std::fs::write(&switch, "full").unwrap();
    let said = site.fail(&["backup", "copy.db"]);
    assert!(said.contains("the copy cannot be made"), "{said}");
    std::fs::remove_file(&switch).unwrap();
    assert!(!site.folder().join("copy.db").exists());
    site.run(&["backup", "copy.db"]);
    program.stop();
}

#[test]
fn after_a_failed_sync_nothing_is_accepted_until_somebody_starts_it_again() {
    let (site, switch) = site();
    let sent = Sent::default();
    let program = site.serve();
    let client = program.client();
    assert_eq!(registered(&client, &sent, 0..10), 10);
    std::fs::write(&switch, "sync").unwrap();
    assert_eq!(registered(&client, &sent, 10..13), 0);
    // The system says it once only; that the next sync would succeed proves nothing.
    std::fs::remove_file(&switch).unwrap();
    assert_eq!(registered(&client, &sent, 13..16), 0);
    let ready = program.get("/readyz").unwrap();
    assert_eq!(ready.status, 503);
    assert!(ready.body["checks"]["executor"].as_str().unwrap().contains("disk"), "{ready:?}");
    assert_eq!(program.get("/v1/cooperatives?limit=100").unwrap().status, 200);
    program.kill();
    let program = site.serve();
    sent.settle(&program.client());
    program.stop();
    site.check(&sent);
}

#[test]
fn after_a_sync_that_failed_while_the_write_ahead_log_was_moved_nothing_is_accepted_either() {
    let (site, switch) = site();
    let sent = Sent::default();
    let program = site.serve();
    let client = program.client();
    std::fs::write(&switch, "main").unwrap();
    // Committing syncs the log alone; only once it is long is it moved into the database.
    let mut number = 0;
    while registered(&client, &sent, number..number + 1) == 1 {
        number += 1;
        assert!(number < 2000, "the log is never moved, or nobody hears that it failed");
    }
    assert!(number > 50, "{number}");
    std::fs::remove_file(&switch).unwrap();
    assert_eq!(registered(&client, &sent, number + 1..number + 4), 0);
    let ready = program.get("/readyz").unwrap();
    assert_eq!(ready.status, 503);
    assert!(ready.body["checks"]["executor"].as_str().unwrap().contains("disk"), "{ready:?}");
    // Nor is the log, which has everything, given up at the end.
    program.stop();
    assert!(std::fs::metadata(site.folder().join("lumbung.db-wal")).unwrap().len() > 1_000_000);
    let program = site.serve();
    sent.settle(&program.client());
    program.stop();
    site.check(&sent);
}
