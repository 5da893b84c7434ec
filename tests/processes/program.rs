//! A running program and what is sent to it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use lumbung::storage::{Database, head_position, stream_up_to};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::cluster::{Cluster, free_port};

/// How long a start may take before something is wrong.
const START_MAX: Duration = Duration::from_secs(30);
/// Events of `keys issue`: the organisation and its key.
const SET_UP_EVENTS: i64 = 2;

fn binary() -> PathBuf {
    let named = std::env::var_os("LUMBUNG_BINARY").map(PathBuf::from);
    named.unwrap_or_else(|| env!("CARGO_BIN_EXE_lumbung").into()).canonicalize().unwrap()
}

/// Where a database is and how to open it.
pub struct Site {
    pub url: String,
    pub key: String,
    pub cluster: Option<Cluster>,
    folder: TempDir,
    extra: Vec<(String, String)>,
}

impl Site {
    /// A new database with one province and its key.
    pub fn new(postgres: bool) -> Self {
        let mut site = Self::empty(postgres);
        let issued = site.run(&["keys", "issue", "--kind", "province", "--name", "Dinas Uji"]);
        issued.lines().last().unwrap().clone_into(&mut site.key);
        site
    }

    /// A new database with nothing in it.
    pub fn empty(postgres: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let cluster = postgres.then(|| Cluster::start(&["max_connections=100"]));
        let url = match &cluster {
            None => format!("sqlite:{}", folder.path().join("lumbung.db").display()),
            Some(cluster) => {
                cluster.execute("postgres", "CREATE DATABASE lumbung");
                cluster.url("lumbung")
            }
        };
        Self { url, key: String::new(), cluster, folder, extra: Vec::new() }
    }

    /// Something more in the environment of programs started from now on.
    pub fn with(&mut self, name: &str, value: &Path) {
        self.extra.push((name.to_owned(), value.display().to_string()));
    }

    /// As [`Site::with`], with any text; what was set before under the name is forgotten.
    pub fn set(&mut self, name: &str, value: &str) {
        self.extra.retain(|(known, _)| known != name);
        self.extra.push((name.to_owned(), value.to_owned()));
    }

    /// Serves the demonstration, with a log that tells everything there is to tell.
    pub fn demonstrate(&self) -> Demonstration {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder().join("log")).unwrap();
        let mut command = self.command(&["demo", "--json", "--bind", "127.0.0.1:0"]);
        let mut child =
            command.env("RUST_LOG", "info,lumbung=trace").stderr(log).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let guide: Value = serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why}: {line} {}", self.log()));
        let url = guide["url"].as_str().unwrap().to_owned();
        let program = Program { child, url, key: String::new(), agent: agent() };
        Demonstration { program, keys: guide["keys"].clone() }
    }

    /// All bytes the database is stored in: its files, or a dump.
    pub fn everything_stored(&self) -> Vec<(String, Vec<u8>)> {
        if let Some(cluster) = &self.cluster {
            let dump = Command::new(cluster.program("pg_dump")).args(["--dbname", &self.url]).output().unwrap();
            assert!(dump.status.success() && dump.stdout.len() > 100_000);
            return vec![("the dump".to_owned(), dump.stdout)];
        }
        let files = std::fs::read_dir(self.folder()).unwrap().map(|file| file.unwrap().path());
        let database = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("lumbung.db"));
        let stored: Vec<_> = database.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect();
        assert!(stored.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 100_000);
        stored
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> Database {
        Database::parse(&self.url).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.folder())
            .env("DATABASE_URL", &self.url)
            .env("LUMBUNG_MASTER_KEY_FILE", self.folder().join("lumbung.key"))
            .env("LUMBUNG_WITNESS_FILE", self.folder().join("lumbung.head"))
            .env("RUST_LOG", "warn")
            .envs(self.extra.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    /// Runs a task to its end.
    pub fn output(&self, arguments: &[&str]) -> std::process::Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a task that is to succeed; what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a task that is to fail; what it said.
    pub fn fail(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Starts a task and kills it after a while; tells whether it was still at work.
    pub fn kill_after(&self, wait: Duration, arguments: &[&str]) -> bool {
        let mut child = self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(wait);
        let at_work = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        at_work
    }

    /// Starts a task that goes on until it is killed.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder().join("log")).unwrap();
        self.command(arguments).stderr(log).stdout(Stdio::null()).spawn().unwrap()
    }

    /// Starts the service and waits until it can serve.
    pub fn serve(&self) -> Program {
        self.serve_with(&[])
    }

    /// As [`Site::serve`], with further arguments.
    pub fn serve_with(&self, more: &[&str]) -> Program {
        let bind = format!("127.0.0.1:{}", free_port());
        let child = self.start(&[&["serve", "--bind", &bind], more].concat());
        let program = Program { child, url: format!("http://{bind}"), key: self.key.clone(), agent: agent() };
        let began = Instant::now();
        while program.get("/readyz").is_none_or(|answer| answer.status != 200) {
            assert!(began.elapsed() < START_MAX, "it does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        program
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    /// Every acknowledged command is there once and nothing else is; the log proves itself; a rebuild finds nothing to replace.
    pub fn check(&self, sent: &Sent) {
        let verified = self.run(&["verify"]);
        assert!(verified.starts_with("verified: "), "{verified}");
        assert!(self.run(&["rebuild"]).trim_end().ends_with("replaced: 0"));
        let mut reader = self.database().open_reader().unwrap();
        let acknowledged = sent.acknowledged.lock().unwrap();
        for (key, done) in acknowledged.iter() {
            let events = stream_up_to(&mut reader, "cooperative", done.id, i64::MAX).unwrap();
            let at = events.iter().filter(|event| event.envelope.position == done.position).count();
            assert_eq!(at, 1, "{key}: {done:?}");
        }
        let count = i64::try_from(acknowledged.len()).unwrap();
        assert_eq!(head_position(&mut reader).unwrap(), count + SET_UP_EVENTS, "acknowledged {count}");
    }
}

fn agent() -> ureq::Agent {
    let config =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(20)));
    config.build().into()
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub retry_after: bool,
    pub replayed: bool,
    pub body: Value,
}

/// An answer as it was sent.
pub struct Sheer {
    pub status: u16,
    pub text: String,
    pub bytes: Vec<u8>,
}

/// The demonstration as it is served, with the keys it printed.
pub struct Demonstration {
    program: Program,
    keys: Value,
}

impl Demonstration {
    /// Any request of an organisation, or of anyone when it is empty.
    pub fn send(&self, method: &str, path: &str, who: &str, headers: &[(&str, &str)], body: &[u8]) -> Sheer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.program.url));
        if let Some(key) = self.keys[who].as_str() {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = self.program.agent.run(request.body(body.to_vec()).unwrap()).unwrap();
        let status = response.status().as_u16();
        let bytes = response.body_mut().with_config().limit(64 << 20).read_to_vec().unwrap();
        Sheer { status, text: String::from_utf8_lossy(&bytes).into_owned(), bytes }
    }

    pub fn stop(self) {
        self.program.stop();
    }
}

/// A running service; killed when dropped.
pub struct Program {
    child: Child,
    pub url: String,
    pub key: String,
    agent: ureq::Agent,
}

impl Program {
    /// SIGKILL, and waits until the process is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and waits for the graceful end.
    pub fn stop(mut self) {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
        assert!(self.child.wait().unwrap().success());
    }

    pub fn client(&self) -> Client {
        Client { url: self.url.clone(), key: self.key.clone(), agent: agent() }
    }

    pub fn get(&self, path: &str) -> Option<Answer> {
        Client { url: self.url.clone(), key: self.key.clone(), agent: self.agent.clone() }.send("GET", path, None, None)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends requests.
#[derive(Clone)]
pub struct Client {
    pub url: String,
    pub key: String,
    agent: ureq::Agent,
}

impl Client {
    /// The answer, if one came.
    pub fn send(&self, method: &str, path: &str, idempotency: Option<&str>, body: Option<&Value>) -> Option<Answer> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("Authorization", format!("Bearer {}", self.key))
            .header("Content-Type", "application/json");
        if let Some(key) = idempotency {
            request = request.header("Idempotency-Key", key);
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut response = self.agent.run(request.body(body).unwrap()).ok()?;
        let text = response.body_mut().read_to_string().ok()?;
        Some(Answer {
            status: response.status().as_u16(),
            retry_after: response.headers().contains_key("retry-after"),
            replayed: response.headers().contains_key("idempotent-replayed"),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
        })
    }

    pub fn register(&self, number: &str) -> Option<Answer> {
        self.send("POST", "/v1/cooperatives", Some(number), Some(&registration(number)))
    }

    pub fn rename(&self, id: Uuid, key: &str) -> Option<Answer> {
        self.send("PATCH", &format!("/v1/cooperatives/{id}"), Some(key), Some(&json!({"name": format!("Nama {key}")})))
    }
}

pub fn registration(number: &str) -> Value {
    json!({"name": format!("KSP {number}"), "kind": "ksp", "region": "64.72",
        "badan_hukum": {"number": number, "date": "2010-01-02"}})
}

/// What was acknowledged: the resource, the version and the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    pub id: Uuid,
    pub version: i64,
    pub position: i64,
}

impl Done {
    pub fn of(answer: &Answer) -> Self {
        let number = |name: &str| answer.body[name].as_i64().unwrap_or_else(|| panic!("{answer:?}"));
        Self {
            id: answer.body["id"].as_str().unwrap().parse().unwrap(),
            version: number("version"),
            position: number("position"),
        }
    }
}

/// The clients' own ledger: what was sent, and what is known of it.
#[derive(Default)]
pub struct Sent {
    /// By Idempotency-Key.
    pub acknowledged: Mutex<HashMap<String, Done>>,
    /// Sent and not answered: to be sent again with the same key. A new name of a resource, or nothing for a registration.
    pub open: Mutex<Vec<(String, Option<Uuid>)>>,
}

impl Sent {
    /// Takes an answer, or that there was none, down.
    pub fn note(&self, key: &str, target: Option<Uuid>, answer: Option<&Answer>) {
        match answer {
            Some(answer) if [200, 201].contains(&answer.status) => {
                let done = Done::of(answer);
                let before = self.acknowledged.lock().unwrap().insert(key.to_owned(), done);
                assert!(before.is_none_or(|before| before == done), "{key}: first {before:?}, then {done:?}");
            }
            None => self.open.lock().unwrap().push((key.to_owned(), target)),
            Some(answer) => {
                assert_eq!((answer.status, answer.retry_after), (503, true), "{answer:?}");
                self.open.lock().unwrap().push((key.to_owned(), target));
            }
        }
    }

    /// Sends everything unanswered again, until all is answered.
    pub fn settle(&self, client: &Client) {
        let began = Instant::now();
        loop {
            let open = std::mem::take(&mut *self.open.lock().unwrap());
            if open.is_empty() {
                return;
            }
            for (key, target) in open {
                let answer = target.map_or_else(|| client.register(&key), |id| client.rename(id, &key));
                self.note(&key, target, answer.as_ref());
            }
            assert!(began.elapsed() < Duration::from_mins(1), "it does not recover");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
