//! A service of its own for every story: a fresh database, a free port, a key for each kind of organisation.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use lumbung::app::{Core, Place, Running};
use lumbung::config::{AccessOptions, BatchLimits, DatasetOptions, GuardOptions, ListenOptions};
use lumbung::kernel::{Clock, OrganisationKind, Region};
use lumbung::ledger::Ids;
use lumbung::organisations::issue_key;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::place::place_in;

/// Organisations of every story: name of the key, kind, region.
const ORGANISATIONS: [(&str, OrganisationKind, &str); 9] = [
    ("province", OrganisationKind::Province, "64"),
    ("samarinda", OrganisationKind::Regency, "64.72"),
    ("balikpapan", OrganisationKind::Regency, "64.71"),
    ("council", OrganisationKind::Council, "64"),
    ("certifier", OrganisationKind::Certifier, "64"),
    ("bank", OrganisationKind::Bank, "64"),
    ("other_bank", OrganisationKind::Bank, "64"),
    ("ministry", OrganisationKind::Ministry, "64"),
    ("auditor", OrganisationKind::Auditor, "64"),
];

/// A running service.
pub struct App {
    pub url: String,
    pub place: Place,
    pub clock: Clock,
    keys: BTreeMap<&'static str, String>,
    agent: ureq::Agent,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    folder: TempDir,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub text: String,
    /// What was sent, byte for byte.
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|why| panic!("{why}: {} {}", self.status, self.text))
    }

    /// The document, when the status is as expected.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The problem, when it has this status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        let problem = self.clone().expect(status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], self.headers["x-request-id"].as_str());
        let said = |text: &Value| text.as_str().is_some_and(|text| !text.is_empty());
        assert!(said(&problem["detail"]) && said(&problem["title"]), "{problem}");
        problem
    }

    /// The problem, when it points at this place with this fault.
    #[track_caller]
    pub fn fault(self, status: u16, code: &str, pointer: &str, fault: &str) -> Value {
        let problem = self.problem(status, code);
        let errors = problem["errors"].as_array().unwrap();
        let found = errors.iter().any(|error| error["pointer"] == pointer && error["code"] == fault);
        assert!(found, "no {fault} at {pointer}: {problem}");
        problem
    }
}

pub fn listen_options() -> ListenOptions {
    ListenOptions {
        bind: "127.0.0.1:0".parse().unwrap(),
        workers: 1,
        readers: 3,
        body_bytes_max: 1024 * 1024,
        queue_commands_max: 256,
        batches: BatchLimits::default(),
        datasets: DatasetOptions::default(),
        guard: GuardOptions::default(),
        access: AccessOptions::default(),
        shutdown_seconds: 2,
    }
}

impl App {
    /// Starts a service with the machine's clock.
    pub fn start() -> Self {
        Self::start_at(Clock::System)
    }

    /// Starts a service with other options.
    pub fn start_with(change: impl FnOnce(&mut ListenOptions)) -> Self {
        let mut options = listen_options();
        change(&mut options);
        Self::start_as(Clock::System, options)
    }

    /// Starts a service with a clock that is set.
    pub fn start_at(clock: Clock) -> Self {
        Self::start_as(clock, listen_options())
    }

    /// Starts a service that recognises callers by more than keys.
    pub fn start_with_access(clock: Clock, access: AccessOptions) -> Self {
        Self::start_as(clock, ListenOptions { access, ..listen_options() })
    }

    fn start_as(clock: Clock, options: ListenOptions) -> Self {
        let folder = TempDir::new().unwrap();
        let place = place_in(&folder);
        let limits = options.executor_limits();
        let core = Core::open_with(&place, clock.clone(), Ids::Random, options.readers, limits).unwrap();
        let mut keys = BTreeMap::new();
        for (name, kind, region) in ORGANISATIONS {
            let region = Region::parse(region).ok().filter(|region| !region.is_province());
            let key = issue_key(&core.service, kind, region, &format!("{name} uji"), Some(name), None).unwrap();
            keys.insert(name, key.text);
        }
        Self::serve(core, place, clock, keys, folder, options)
    }

    /// Serves a database that was filled before.
    pub fn over(core: Core, place: Place) -> Self {
        Self::serve(core, place, Clock::System, BTreeMap::new(), TempDir::new().unwrap(), listen_options())
    }

    /// Another service on the same database, with the same keys.
    pub fn beside(&self) -> Self {
        let place = Place { witness_file: self.folder().join("beside.head"), ..self.place.clone() };
        let core = Core::open(&place, self.clock.clone(), Ids::Random, 1, 16).unwrap();
        let folder = TempDir::new().unwrap();
        Self::serve(core, place, self.clock.clone(), self.keys.clone(), folder, listen_options())
    }

    fn serve(
        core: Core,
        place: Place,
        clock: Clock,
        keys: BTreeMap<&'static str, String>,
        folder: TempDir,
        options: ListenOptions,
    ) -> Self {
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let running = Running::bind(core, &options).unwrap();
                sender.send((running.address, running.handle.clone())).unwrap();
                running.run().await.unwrap();
            });
        });
        let (address, handle) = receiver.recv().unwrap();
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
        let url = format!("http://{address}");
        Self { url, place, clock, keys, agent: config.into(), handle, thread: Some(thread), folder }
    }

    /// The folder with the database and the key.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The key of an organisation.
    pub fn key(&self, name: &str) -> &str {
        &self.keys[name]
    }

    /// Any request.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // The client would ask for compression, and then read an answer that has a length and no body.
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept-encoding")) {
            request = request.header("Accept-Encoding", "identity");
        }
        let mut response = self.agent.run(request.body(body.to_vec()).unwrap()).unwrap();
        let named = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let status = response.status().as_u16();
        let headers = response.headers().iter().map(named).collect();
        let bytes = response.body_mut().with_config().limit(64 << 20).read_to_vec().unwrap();
        Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned(), bytes }
    }

    /// A read by an organisation, or by anyone when it is empty.
    pub fn get(&self, who: &str, path: &str) -> Answer {
        self.send("GET", path, &self.headers(who, &[]), b"")
    }

    /// A command by an organisation.
    pub fn post(&self, who: &str, path: &str, body: &Value) -> Answer {
        self.command("POST", who, path, &[], body)
    }

    /// A command with further headers.
    pub fn command(&self, method: &str, who: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Answer {
        let bearer = self.bearer(who);
        let mut headers = vec![("Content-Type", "application/json"), ("Accept-Language", "en")];
        if !who.is_empty() {
            headers.push(("Authorization", &bearer));
        }
        headers.extend(more);
        self.send(method, path, &headers, body.to_string().as_bytes())
    }

    fn bearer(&self, who: &str) -> String {
        self.keys.get(who).map(|key| format!("Bearer {key}")).unwrap_or_default()
    }

    fn headers<'a>(&self, who: &str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mut headers = more.to_vec();
        if !who.is_empty() {
            headers.push(("Authorization", self.bearer(who).leak()));
        }
        headers
    }

    /// The id of the organisation behind a key.
    pub fn organisation(&self, who: &str) -> String {
        self.get(who, "/v1/me").expect(200)["organisation"].as_str().unwrap().to_owned()
    }

    /// A registered cooperative of Samarinda.
    pub fn cooperative(&self, number: &str) -> String {
        self.cooperative_of_kind("ksp", number)
    }

    /// A registered cooperative of a kind.
    pub fn cooperative_of_kind(&self, kind: &str, number: &str) -> String {
        let body = json!({"name": format!("Koperasi {number}"), "kind": kind, "region": "64.72",
            "badan_hukum": {"number": number, "date": "2008-08-14"}});
        id(&self.post("samarinda", "/v1/cooperatives", &body).expect(201))
    }

    /// A registered manager of Samarinda.
    pub fn manager(&self, name: &str) -> String {
        let body = json!({"region": "64.72", "person": {"name": name}});
        id(&self.post("samarinda", "/v1/managers", &body).expect(201))
    }

    /// Stops the service and waits until it has finished.
    pub fn stop(mut self) -> (Place, TempDir) {
        self.halt();
        let folder = std::mem::replace(&mut self.folder, TempDir::new().unwrap());
        (self.place.clone(), folder)
    }

    fn halt(&mut self) {
        if let Some(thread) = self.thread.take() {
            drop(self.handle.stop(true));
            thread.join().unwrap();
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.halt();
    }
}

/// The id of a document.
pub fn id(document: &Value) -> String {
    document["id"].as_str().unwrap_or_else(|| panic!("no id: {document}")).to_owned()
}

/// A complete worksheet that scores `sehat`; changed amounts may be put over it.
pub fn healthy_worksheet() -> Value {
    json!({
        "modal_sendiri": "1200000000.00", "total_aset": "2600000000.00", "pinjaman_berisiko": "300000000.00",
        "modal_komponen": {"simpanan_pokok": "200000000", "simpanan_wajib": "600000000", "cadangan_umum": "400000000"},
        "atmr_komponen": {"kas_bank": "100000000", "pinjaman_anggota": "1700000000", "aktiva_tetap": "100000000"},
        "volume_pinjaman_anggota": "1700000000.00", "volume_pinjaman": "2000000000.00",
        "pinjaman_diberikan": "2000000000.00", "pinjaman_kurang_lancar": "100000000", "pinjaman_diragukan": "40000000",
        "pinjaman_macet": "20000000", "cadangan_risiko": "95000000", "beban_pokok": "100000000",
        "beban_usaha_anggota": "150000000", "beban_perkoperasian": "20000000", "partisipasi_bruto": "360000000",
        "pendapatan": "40000000", "beban_usaha": "90000000", "shu_kotor": "240000000", "biaya_karyawan": "80000000",
        "kas_bank": "100000000", "kewajiban_lancar": "800000000", "dana_diterima": "2400000000",
        "shu_sebelum_pajak": "230000000", "shu_bagian_anggota": "70000000", "meppp": "20000000",
        "simpanan_pokok_dan_wajib": "800000000",
        "manajemen": {"umum": [true, true, true, true, true, true, true, true, true, true, true, false],
            "kelembagaan": [true, true, true, true, true, true], "permodalan": [true, true, true, true, true],
            "aktiva": [true, true, true, true, true, true, true, true, true, false],
            "likuiditas": [true, true, true, true, false]}
    })
}
