//! The program as it is typed: what it prints, and what it says when it cannot.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

fn lumbung(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumbung"));
    command.current_dir(folder).env_remove("DATABASE_URL").env_remove("LUMBUNG_BIND");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    lumbung(folder).args(arguments).output().unwrap()
}

/// Runs what must fail, and gives what it says.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_mistake_on_the_command_line_is_explained_and_makes_no_file() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    assert!(refused(at, &["serve", "--database-url", "foo.db"]).contains("sqlite:PATH"));
    assert!(refused(at, &["serve", "--database-url", "sqlite:nowhere/foo.db"]).contains("cannot be opened"));
    assert!(refused(at, &["keys", "issue", "--kind", "regency", "--name", "X", "--region", "6472"]).contains("64.72"));
    assert_eq!(std::fs::read_dir(at).unwrap().count(), 0);
    std::fs::write(at.join("text.db"), "this is a text file and no database, however long one looks at it").unwrap();
    assert!(refused(at, &["serve", "--database-url", "sqlite:text.db"]).contains("is it a database"));
}

#[test]
fn a_busy_port_and_a_lost_master_key_are_told_as_what_they_are() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(refused(at, &["serve", "--bind", &address]).contains("another program has this port"));
    std::fs::remove_file(at.join("lumbung.db.key")).unwrap();
    assert!(refused(at, &["serve", "--bind", &address]).contains("--master-key-file"));
    std::fs::write(at.join("lumbung.db.key"), "00".repeat(32)).unwrap();
    assert!(refused(at, &["serve", "--bind", &address]).contains("chmod 600"));
    let own = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(at.join("lumbung.db.key"), own).unwrap();
    assert!(refused(at, &["serve", "--bind", &address]).contains("not the one"));
}

#[test]
fn a_key_is_printed_alone_and_the_document_as_it_is_committed() {
    let folder = TempDir::new().unwrap();
    let output = run(folder.path(), &["keys", "issue", "--kind", "province", "--name", "Dinas"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && printed.starts_with("lumbung_") && printed.lines().count() == 1, "{printed}");
    let steps = run(folder.path(), &["migrate"]);
    assert_eq!(String::from_utf8(steps.stdout).unwrap(), "schema steps taken: 0\n");
    let document = run(folder.path(), &["openapi"]);
    assert_eq!(String::from_utf8(document.stdout).unwrap(), lumbung::openapi::text());
}

#[test]
fn the_demonstration_prints_one_line_answers_and_stops_when_told() {
    let folder = TempDir::new().unwrap();
    let mut demo = lumbung(folder.path())
        .args(["demo", "--json", "--bind", "127.0.0.1:0"])
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(demo.stdout.take().unwrap());
    let mut line = String::new();
    printed.read_line(&mut line).unwrap();
    let guide: Value = serde_json::from_str(&line).unwrap();
    for name in ["province", "regency:64.72", "council", "certifier", "bank:991", "ministry", "auditor"] {
        assert!(guide["keys"][name].as_str().is_some_and(|key| key.starts_with("lumbung_")), "{name}");
    }
    let address = format!(
        "{}/v1/programmes/{}/progress",
        guide["url"].as_str().unwrap(),
        guide["programme_id"].as_str().unwrap()
    );
    let progress = ureq::get(&address).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(progress.contains("\"reached\":30"));
    let told = Command::new("kill").arg("-TERM").arg(demo.id().to_string()).status().unwrap();
    assert!(told.success() && demo.wait().unwrap().success());
    line.clear();
    assert_eq!(printed.read_line(&mut line).unwrap(), 0, "nothing else goes to standard output: {line}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the temporary database stayed");
}
