//! A backup put back in the place of a database whose service was killed.

use super::program::{Sent, Site};

/// The line of the README that puts it back.
fn documented() -> String {
    let readme = std::fs::read_to_string(format!("{}/README.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let line = readme.lines().find(|line| line.contains("cp copy.db lumbung.db")).unwrap();
    line.split(" # ").next().unwrap().to_owned()
}

#[test]
fn a_backup_put_back_as_documented_after_a_crash_is_whole() {
    let site = Site::new(false);
    let program = site.serve();
    let (client, sent) = (program.client(), Sent::default());
    for number in 0..5 {
        let key = format!("before-{number}");
        sent.note(&key, None, client.register(&key).as_ref());
    }
    site.run(&["backup", "copy.db"]);
    for number in 0..20 {
        client.register(&format!("after-{number}")).unwrap();
    }
    program.kill();
    assert!(std::fs::metadata(site.folder().join("lumbung.db-wal")).unwrap().len() > 0);
    let restored = std::process::Command::new("sh").args(["-c", &documented()]).current_dir(site.folder()).status();
    assert!(restored.unwrap().success());
    site.check(&sent);
    let program = site.serve_with(&["--accept-older-database"]);
    let key = "later";
    sent.note(key, None, program.client().register(key).as_ref());
    program.stop();
    site.serve().stop();
    site.check(&sent);
}
