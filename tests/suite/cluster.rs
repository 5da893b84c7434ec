//! A throwaway `PostgreSQL` cluster: found, or installed with apt, started on a free port, stopped and removed when the tests end.

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use lumbung::storage::{AnyConnection, Database, migrate};
use tempfile::TempDir;

/// The least major version that is supported.
const VERSION_MIN: u32 = 15;
/// `initdb` refuses to run as root; this is the user `nobody`.
const NOBODY: u32 = 65_534;

/// A running cluster.
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    pub port: u16,
    /// Ends the server and removes its folder when this process is gone, however it ends: its standard input closes.
    _guard: Child,
}

/// The cluster that all stories of this process share; without fsync, for speed.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| {
        let cluster = Cluster::start(&["fsync=off", "full_page_writes=off", "max_connections=400"]);
        cluster.execute("postgres", "CREATE DATABASE migrated");
        migrate(&mut cluster.database("migrated").open_writer().unwrap()).unwrap();
        cluster
    })
}

/// A new, empty database on the shared cluster; `migrated` says whether it has the schema already.
pub fn new_database(migrated: bool) -> Database {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    // One at a time: a template that is being copied must have no visitors.
    static COPYING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let name = format!("story_{}", COUNTER.fetch_add(1, Ordering::Relaxed));
    let template = if migrated { "migrated" } else { "template1" };
    let cluster = shared();
    let copying = COPYING.lock().unwrap();
    cluster.execute("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"));
    drop(copying);
    cluster.database(&name)
}

impl Cluster {
    /// Makes and starts a cluster with these settings.
    pub fn start(settings: &[&str]) -> Self {
        let programs = programs();
        let folder = TempDir::with_prefix("lumbung-postgres-").unwrap();
        let data = folder.path().join("data");
        if is_root() {
            std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let made = as_nobody(&programs.join("initdb"))
            .args(["--no-sync", "--auth=trust", "--username=lumbung", "--encoding=UTF8", "--locale=C", "--pgdata"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let guard = guard(&programs, folder.path());
        let mut cluster = Self { folder, programs, port, _guard: guard };
        let mut all = vec![format!("port={port}"), "listen_addresses=127.0.0.1".to_owned()];
        all.push(format!("unix_socket_directories={}", cluster.folder.path().display()));
        all.extend(settings.iter().map(ToString::to_string));
        let text: String = all.iter().map(|line| line.replacen('=', " = '", 1) + "'\n").collect();
        let file = data.join("postgresql.auto.conf");
        std::fs::write(&file, text).unwrap();
        cluster.control(&["start"]);
        cluster
    }

    /// `pg_ctl`, and waits for it.
    pub fn control(&mut self, arguments: &[&str]) {
        let log = self.folder.path().join("log");
        let done = as_nobody(&self.programs.join("pg_ctl"))
            .args(arguments)
            .args(["--wait", "--silent", "--pgdata"])
            .arg(self.folder.path().join("data"))
            .arg("--log")
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success(), "pg_ctl {arguments:?}: {}", std::fs::read_to_string(log).unwrap_or_default());
    }

    /// A program of this `PostgreSQL`, such as `pg_dump`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// The URL of a database on it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://lumbung@127.0.0.1:{}/{database}", self.port)
    }

    pub fn database(&self, name: &str) -> Database {
        Database::parse(&self.url(name)).unwrap()
    }

    /// Statements of the cluster's superuser.
    pub fn execute(&self, database: &str, statements: &str) {
        let AnyConnection::Postgres(mut connection) = self.database(database).open_for_maintenance().unwrap() else {
            panic!("not PostgreSQL")
        };
        connection.batch_execute(statements).unwrap_or_else(|why| panic!("{statements}: {why}"));
    }
}

/// A port nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn as_nobody(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn guard(programs: &Path, folder: &Path) -> Child {
    let script = format!(
        "cat >/dev/null; '{}' stop --mode=immediate --silent --pgdata '{1}/data' >/dev/null 2>&1; rm -rf '{1}'",
        programs.join("pg_ctl").display(),
        folder.display()
    );
    as_nobody(Path::new("/bin/sh")).args(["-c", &script]).stdin(Stdio::piped()).process_group(0).spawn().unwrap()
}

/// The folder with the newest `PostgreSQL`'s programs; installs it when there is none.
fn programs() -> PathBuf {
    if let Some(found) = find_programs() {
        return found;
    }
    let as_root = if is_root() { "" } else { "sudo -n " };
    let script = format!(
        "{as_root}apt-get update -qq && {as_root}env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql"
    );
    eprintln!("PostgreSQL is not installed; installing it: {script}");
    let installed = Command::new("/bin/sh").args(["-c", &script]).stdout(Stdio::null()).status().unwrap();
    assert!(installed.success(), "PostgreSQL {VERSION_MIN} or newer is needed: apt-get install postgresql");
    find_programs().unwrap_or_else(|| panic!("apt installed no PostgreSQL {VERSION_MIN} or newer"))
}

fn find_programs() -> Option<PathBuf> {
    let debian =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let version = |folder: &PathBuf| {
        let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let mut text = String::new();
        output.stdout.as_slice().read_to_string(&mut text).ok()?;
        text.rsplit(' ').find_map(|word| word.split('.').next()?.trim().parse::<u32>().ok())
    };
    let mut found: Vec<(u32, PathBuf)> = debian
        .chain(configured)
        .filter(|folder| folder.join("initdb").exists())
        .filter_map(|folder| Some((version(&folder)?, folder)))
        .filter(|(version, _)| *version >= VERSION_MIN)
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder)
}
