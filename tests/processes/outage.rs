//! A database that takes connections and never answers, as when its machine hangs.

use std::process::Command;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::program::Site;

#[derive(QueryableByName)]
struct Process {
    #[diesel(sql_type = Text)]
    id: String,
}

/// The server's own process, and those it has for connections and for itself.
fn processes(site: &Site) -> Vec<String> {
    let query = "SELECT pid::text AS id FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
        UNION ALL SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)";
    let mut connection = site.database().open_reader().unwrap();
    diesel::sql_query(query).load::<Process>(&mut connection).unwrap().into_iter().map(|process| process.id).collect()
}

/// Processes that stand still until this is dropped.
struct Frozen(Vec<String>);

impl Frozen {
    fn new(processes: Vec<String>) -> Self {
        let frozen = Self(processes);
        frozen.tell("-STOP");
        frozen
    }

    fn tell(&self, signal: &str) {
        // One that has ended meanwhile is no matter.
        let _ = Command::new("kill").arg(signal).args(&self.0).status();
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.tell("-CONT");
    }
}

#[test]
fn while_the_database_hangs_readiness_says_so_in_time() {
    let site = Site::new(true);
    let program = site.serve();
    let frozen = Frozen::new(processes(&site));
    for _ in 0..6 {
        let began = Instant::now();
        let answer = program.get("/readyz").unwrap();
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!((answer.status, answer.body["checks"]["database"].as_str()), (503, Some("no answer")), "{answer:?}");
    }
    drop(frozen);
    let thawed = Instant::now();
    while program.get("/readyz").unwrap().status != 200 {
        assert!(thawed.elapsed() < Duration::from_secs(20), "it does not recover");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(program.client().register("after").unwrap().status, 201);
    program.stop();
}
