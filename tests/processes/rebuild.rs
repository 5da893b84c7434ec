//! A rebuild that is killed at any moment: nothing stays behind, and what was wrong is as wrong as before.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::program::Site;

const EVENTS: &str = "4000";
/// How long the second rebuild is left at work; each after it twice as long as the one before.
const STEP: Duration = Duration::from_millis(25);
const KILLED_MIN: u32 = 3;
/// How long `PostgreSQL` may take to notice that its client is gone.
const NOTICED_MAX: Duration = Duration::from_secs(20);

const DAMAGE: &str = "UPDATE financings SET state = 'rejected'; DELETE FROM enterprises; DELETE FROM claims; \
    UPDATE facts SET until_position = 7 WHERE until_position IS NULL;";

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

fn lines(site: &Site, query: &str) -> Vec<String> {
    let mut connection = site.database().open_reader().unwrap();
    diesel::sql_query(query).load::<Line>(&mut connection).unwrap().into_iter().map(|line| line.text).collect()
}

/// Every table and index there is, temporary ones of others included, once nobody else is connected any more.
fn tables(site: &Site) -> Vec<String> {
    if site.cluster.is_none() {
        return lines(site, "SELECT name AS text FROM sqlite_master ORDER BY name");
    }
    let others = "SELECT pid::text AS text FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
        AND backend_type = 'client backend'";
    let began = Instant::now();
    while !lines(site, others).is_empty() {
        assert!(began.elapsed() < NOTICED_MAX, "somebody stays connected");
        std::thread::sleep(Duration::from_millis(20));
    }
    lines(
        site,
        "SELECT relname::text AS text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
         WHERE nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema') ORDER BY 1",
    )
}

/// The files in the site's folder, but for those that `SQLite` keeps beside an open database.
fn files(site: &Site) -> Vec<String> {
    let names = std::fs::read_dir(site.folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm")).collect();
    names.sort();
    names
}

fn killed_midway(postgres: bool) {
    let site = Site::empty(postgres);
    site.run(&["generate", "--events", EVENTS]);
    let verified = site.run(&["verify"]);
    site.database().open_for_maintenance().unwrap().batch_execute(DAMAGE).unwrap();
    let (fault, tables_before, files_before) = (site.fail(&["verify"]), tables(&site), files(&site));
    assert!(fault.contains("lumbung rebuild"), "{fault}");
    let (mut killed, mut wait) = (0, Duration::ZERO);
    while site.kill_after(wait, &["rebuild"]) {
        killed += 1;
        wait = STEP.max(wait * 2);
        assert_eq!(tables(&site), tables_before, "killed {killed} times");
        assert_eq!(files(&site), files_before, "killed {killed} times");
        // Only one that was killed between its commit and its end has done its work.
        let output = site.output(&["verify"]);
        if output.status.success() {
            break;
        }
        assert_eq!(String::from_utf8(output.stderr).unwrap(), fault, "killed {killed} times");
    }
    assert!(killed >= KILLED_MIN, "killed {killed} times only");
    site.run(&["rebuild"]);
    assert_eq!(proved(&site.run(&["verify"])), proved(&verified));
    assert!(site.run(&["rebuild"]).trim_end().ends_with("replaced: 0"));
    assert_eq!(tables(&site), tables_before);
}

/// What was proved, without how fast.
fn proved(said: &str) -> &str {
    said.split(';').next().unwrap()
}

#[test]
fn a_rebuild_that_is_killed_leaves_everything_as_it_was_on_sqlite() {
    killed_midway(false);
}

#[test]
fn a_rebuild_that_is_killed_leaves_everything_as_it_was_on_postgres() {
    killed_midway(true);
}
