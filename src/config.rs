//! Flags and environment, made into typed settings. Every limit is a named value with its unit.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::kernel::{Environment, OrganisationKind, Region};
use crate::ledger::{Limits, LogVerifier, check_origin};
use crate::web::{ConnectionLimits, Cors, Guard, Networks, Origin, Quota, Quotas, Room};

/// Records cooperative health, manager competence and financing from an append-only event log.
#[derive(Debug, Parser)]
#[command(name = "lumbung", version, about, disable_help_subcommand = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub task: Task,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Bring the schema up to date and serve the API.
    Serve(ServeOptions),
    /// Serve with the demonstration programme, in a temporary database unless one is named.
    Demo(DemoOptions),
    /// Copy another service's log, verifying every event, and keep the copy up to date; `serve --read-only` answers queries from it.
    Mirror(MirrorOptions),
    /// Bring the schema up to date and stop.
    Migrate(DatabaseOptions),
    /// Issue, list and revoke API keys.
    Keys {
        /// What to do with keys.
        #[command(subcommand)]
        task: KeysTask,
    },
    /// Prove the log and the projections, and name the first fault.
    Verify(DatabaseOptions),
    /// Make the projections anew from the log, while the service runs.
    Rebuild(DatabaseOptions),
    /// Copy an embedded database into a new file, while the service runs.
    Backup {
        /// Where the data is.
        #[command(flatten)]
        database: DatabaseOptions,
        /// The new file.
        file: PathBuf,
    },
    /// Ask the running service whether it can serve.
    Health {
        /// Address and port it listens on.
        #[arg(long, env = "LUMBUNG_BIND", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
        bind: SocketAddr,
        /// File with the certificate it serves HTTPS with.
        #[arg(long, env = "LUMBUNG_TLS_CERTIFICATE", value_name = "FILE")]
        tls_certificate: Option<PathBuf>,
    },
    /// Fill an empty database with an invented history, to see how the service does when it has grown.
    Generate {
        /// Where the data is.
        #[command(flatten)]
        database: DatabaseOptions,
        /// Events there shall be, about.
        #[arg(long, value_name = "COUNT")]
        events: usize,
    },
    /// Print the key that the log's signatures are verified with.
    LogKey(DatabaseOptions),
    /// Print the `OpenAPI` document.
    Openapi,
    /// Print the documentation of the datasets, in Markdown.
    Datasets,
}

/// Where the data and its master key are.
#[derive(Clone, Debug, Args)]
pub struct DatabaseOptions {
    /// Database, `sqlite:PATH` or `postgres://USER@HOST/NAME`.
    #[arg(long, env = "DATABASE_URL", default_value = "sqlite:lumbung.db", value_name = "URL")]
    pub database_url: String,
    /// The files kept beside it.
    #[command(flatten)]
    pub files: FileOptions,
    /// Go on although the database lacks what was seen of it before.
    #[arg(long)]
    pub accept_older_database: bool,
    /// What the log is called in its checkpoints: an address of yours without its scheme, such as `koperasi.kaltimprov.go.id/log`.
    #[arg(long, env = "LUMBUNG_LOG_ORIGIN", default_value = "localhost/lumbung", value_name = "NAME", value_parser = parse_origin)]
    pub log_origin: String,
    /// Sign the log with another key than before, for everybody who verifies it is another log then; or with the same although it is not known
    /// here what it signed last.
    #[arg(long)]
    pub accept_new_log_key: bool,
    /// live or test: what the service and the keys it issues are for; keys of the other are refused.
    #[arg(long, env = "LUMBUNG_ENVIRONMENT", default_value = "live", value_parser = parse_environment, value_name = "ENVIRONMENT")]
    pub environment: Environment,
}

impl DatabaseOptions {
    /// A database for demonstrations, with everything else as usual.
    pub fn for_test(database_url: String, files: FileOptions) -> Self {
        Self {
            database_url,
            files,
            accept_older_database: false,
            log_origin: "localhost/lumbung".to_owned(),
            accept_new_log_key: false,
            environment: Environment::Test,
        }
    }
}

/// The files kept beside a database.
#[derive(Clone, Debug, Default, Args)]
pub struct FileOptions {
    /// File with the master key that seals personal data, for its owner's eyes only [default: the database's path with `.key` added;
    /// `lumbung.key` for `PostgreSQL`]. The variable `LUMBUNG_MASTER_KEY` may hold the key itself instead.
    #[arg(long, env = "LUMBUNG_MASTER_KEY_FILE", value_name = "FILE")]
    pub master_key_file: Option<PathBuf>,
    /// File that notes the last position seen, so that an older backup put in place is noticed [default: as the master key's, with `.head`].
    #[arg(long, env = "LUMBUNG_WITNESS_FILE", value_name = "FILE")]
    pub witness_file: Option<PathBuf>,
    /// File with the key that the log is signed with, the same for all instances [default: as the witness file, with `.log-key`].
    #[arg(long, env = "LUMBUNG_LOG_KEY_FILE", value_name = "FILE")]
    pub log_key_file: Option<PathBuf>,
}

/// How to serve.
#[derive(Clone, Debug, Args)]
pub struct ServeOptions {
    /// Where the data is.
    #[command(flatten)]
    pub database: DatabaseOptions,
    /// How to listen.
    #[command(flatten)]
    pub listen: ListenOptions,
    /// Answer queries and refuse every command; what `lumbung mirror` copies is served so.
    #[arg(long)]
    pub read_only: bool,
}

/// What to copy, and how.
#[derive(Clone, Debug, Args)]
pub struct MirrorOptions {
    /// Address of the service whose log is copied, such as <https://koperasi.kaltimprov.go.id>.
    #[arg(value_name = "URL")]
    pub source: String,
    /// Where the copy is.
    #[command(flatten)]
    pub database: DatabaseOptions,
    /// File with an auditor's API key of the source.
    #[arg(long, env = "LUMBUNG_API_KEY_FILE", value_name = "FILE")]
    pub api_key_file: PathBuf,
    /// The key that the source's checkpoints are verified with, as its `lumbung log-key` prints it; get it by a way you trust.
    #[arg(long, env = "LUMBUNG_LOG_VERIFIER_KEY", value_name = "KEY", value_parser = parse_verifier)]
    pub log_verifier_key: LogVerifier,
    /// Copy what there is and stop.
    #[arg(long)]
    pub once: bool,
    /// Time between looking for what is new, in seconds.
    #[arg(long, env = "LUMBUNG_MIRROR_SECONDS", default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub poll_seconds: u64,
}

/// Address and limits of the server.
#[derive(Clone, Debug, Args)]
pub struct ListenOptions {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "LUMBUNG_BIND", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub bind: SocketAddr,
    /// HTTP worker threads.
    #[arg(long, env = "LUMBUNG_WORKERS", default_value_t = 2, value_name = "COUNT")]
    pub workers: usize,
    /// Database connections for reading.
    #[arg(long, env = "LUMBUNG_READERS", default_value_t = 8, value_name = "COUNT")]
    pub readers: u32,
    /// Largest body of a single command, in bytes.
    #[arg(long, env = "LUMBUNG_BODY_BYTES_MAX", default_value_t = 1024 * 1024, value_name = "BYTES")]
    pub body_bytes_max: usize,
    /// Commands that may wait to be written, shared out among the organisations that wait; one more of an organisation is answered 503.
    #[arg(long, env = "LUMBUNG_QUEUE_COMMANDS_MAX", default_value_t = 4096, value_name = "COUNT")]
    pub queue_commands_max: usize,
    /// What strangers and floods may cost.
    #[command(flatten)]
    pub guard: GuardOptions,
    /// Limits of intake in bulk.
    #[command(flatten)]
    pub batches: BatchLimits,
    /// Files of datasets.
    #[command(flatten)]
    pub datasets: DatasetOptions,
    /// How callers are recognised beside keys.
    #[command(flatten)]
    pub access: AccessOptions,
    /// Time given to open requests when stopping, in seconds.
    #[arg(long, env = "LUMBUNG_SHUTDOWN_SECONDS", default_value_t = 30, value_name = "SECONDS")]
    pub shutdown_seconds: u64,
}

impl ListenOptions {
    /// Limits of the executor.
    pub fn executor_limits(&self) -> Limits {
        let wait = Duration::from_millis(self.guard.queue_wait_ms_max.max(1));
        Limits { queue_commands: self.queue_commands_max, queue_wait: Some(wait), ..Limits::default() }
    }

    /// The guard of a server with these options.
    pub fn guard(&self) -> Guard {
        let options = &self.guard;
        Guard {
            quotas: Quotas {
                address: Quota::per_second("address", options.address_requests_per_second),
                key_lookups: Quota::per_second("key-lookups", options.key_lookups_per_second),
                organisation: Quota::per_second("organisation", options.organisation_requests_per_second),
                key: Quota::per_second("key", options.organisation_requests_per_second.div_ceil(2)),
            },
            unlimited: options.unlimited_addresses.clone(),
            trusted_proxies: options.trusted_proxies.clone(),
            cors: Cors::of(options.cors_origins.clone()),
            hsts_seconds: options.hsts_seconds,
            body_time_max: Duration::from_secs(options.body_seconds_max),
            body_bytes_max: self.body_bytes_max,
            room: Room::of(options.bodies_bytes_max),
            told_of_proxy: AtomicBool::default(),
        }
    }

    /// How many connections there may be of one address, and how quiet.
    pub fn connection_limits(&self) -> ConnectionLimits {
        let options = &self.guard;
        ConnectionLimits {
            quiet_max: Duration::from_secs(options.quiet_seconds_max.max(1)),
            of_address_max: options.connections_max.div_ceil(CONNECTIONS_PARTS).max(1),
            unlimited: vec![options.unlimited_addresses.clone(), options.trusted_proxies.clone()],
        }
    }
}

/// One address has at most one part in so many of all connections.
const CONNECTIONS_PARTS: usize = 4;

/// Limits of connections, quotas, and who is believed what. A quota of 0 is none.
#[derive(Clone, Debug, Args)]
pub struct GuardOptions {
    /// Connections open at once; more wait to be accepted. One address may have a quarter of them, unless it is not counted or a trusted proxy.
    #[arg(long, env = "LUMBUNG_CONNECTIONS_MAX", default_value_t = 10_000, value_name = "COUNT")]
    pub connections_max: usize,
    /// How long a connection may stay open without a request, in seconds.
    #[arg(long, env = "LUMBUNG_IDLE_SECONDS_MAX", default_value_t = 30, value_name = "SECONDS")]
    pub idle_seconds_max: u64,
    /// Time for the head of a request to arrive, in seconds.
    #[arg(long, env = "LUMBUNG_HEAD_SECONDS_MAX", default_value_t = 10, value_name = "SECONDS")]
    pub head_seconds_max: u64,
    /// Time for the body of a command to arrive, in seconds.
    #[arg(long, env = "LUMBUNG_BODY_SECONDS_MAX", default_value_t = 30, value_name = "SECONDS")]
    pub body_seconds_max: u64,
    /// How long a client may read nothing of an answer that is ready, in seconds; then the connection is cut (Linux).
    #[arg(long, env = "LUMBUNG_UNREAD_SECONDS_MAX", default_value_t = 30, value_name = "SECONDS")]
    pub unread_seconds_max: u64,
    /// How long a connection may go without another request after the last answer was ready, reading it included, in seconds; then it is cut.
    #[arg(long, env = "LUMBUNG_QUIET_SECONDS_MAX", default_value_t = 120, value_name = "SECONDS")]
    pub quiet_seconds_max: u64,
    /// Room for bodies of more than 16 KiB, of all commands being served, in bytes; when there is none, they are answered 503.
    #[arg(long, env = "LUMBUNG_BODIES_BYTES_MAX", default_value_t = 128 * 1024 * 1024, value_name = "BYTES")]
    pub bodies_bytes_max: usize,
    /// How long commands of an organisation may wait for their turn while it keeps sending more, in milliseconds; then it is answered 503.
    #[arg(long, env = "LUMBUNG_QUEUE_WAIT_MS_MAX", default_value_t = 20, value_name = "MILLISECONDS")]
    pub queue_wait_ms_max: u64,
    /// Requests of an address (IPv6: its /64) in a second; ten seconds' worth may come at once.
    #[arg(long, env = "LUMBUNG_ADDRESS_REQUESTS_PER_SECOND", default_value_t = 2000, value_name = "COUNT")]
    pub address_requests_per_second: u32,
    /// Keys of an address that have to be looked up, as every wrong one has to, in a second; ten seconds' worth may come at once.
    #[arg(long, env = "LUMBUNG_KEY_LOOKUPS_PER_SECOND", default_value_t = 10, value_name = "COUNT")]
    pub key_lookups_per_second: u32,
    /// Requests of an organisation and lines of its files in a second; ten seconds' worth may come at once.
    #[arg(long, env = "LUMBUNG_ORGANISATION_REQUESTS_PER_SECOND", default_value_t = 2000, value_name = "COUNT")]
    pub organisation_requests_per_second: u32,
    /// Addresses whose requests are not counted: networks, separated by commas, or none.
    #[arg(long, env = "LUMBUNG_UNLIMITED_ADDRESSES", default_value = "127.0.0.0/8,::1/128", value_name = "CIDR,…")]
    pub unlimited_addresses: Networks,
    /// Proxies whose `Forwarded` or `X-Forwarded-For` is believed: networks, separated by commas, or none.
    #[arg(long, env = "LUMBUNG_TRUSTED_PROXIES", default_value = "none", value_name = "CIDR,…")]
    pub trusted_proxies: Networks,
    /// Site whose pages may call from a browser, such as `https://data.example.go.id`; may be repeated, or separated by commas.
    #[arg(long = "cors-origin", env = "LUMBUNG_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGIN")]
    pub cors_origins: Vec<Origin>,
    /// For how long browsers shall come by TLS only, in seconds; 0: they are not told. For when TLS is spoken here or by a proxy.
    #[arg(long, env = "LUMBUNG_HSTS_SECONDS", default_value_t = 0, value_name = "SECONDS")]
    pub hsts_seconds: u64,
}

impl Default for GuardOptions {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            idle_seconds_max: 30,
            head_seconds_max: 10,
            body_seconds_max: 30,
            unread_seconds_max: 30,
            quiet_seconds_max: 120,
            bodies_bytes_max: 128 * 1024 * 1024,
            queue_wait_ms_max: 20,
            address_requests_per_second: 2000,
            key_lookups_per_second: 10,
            organisation_requests_per_second: 2000,
            unlimited_addresses: Networks::loopback(),
            trusted_proxies: Networks::default(),
            cors_origins: Vec::new(),
            hsts_seconds: 0,
        }
    }
}

/// How callers are recognised beside keys: tokens of an issuer, certificates.
#[derive(Clone, Debug, Default, Args)]
pub struct AccessOptions {
    /// Issuer of access tokens (RFC 9068) that are taken instead of keys: their `iss`.
    #[arg(long, env = "LUMBUNG_TOKEN_ISSUER", value_name = "ISSUER", requires_all = ["token_audience", "token_jwks_file"])]
    pub token_issuer: Option<String>,
    /// What tokens name this service: their `aud`.
    #[arg(long, env = "LUMBUNG_TOKEN_AUDIENCE", value_name = "AUDIENCE", requires = "token_issuer")]
    pub token_audience: Option<String>,
    /// File with the issuer's public keys, a JWK set; read again whenever it changes.
    #[arg(long, env = "LUMBUNG_TOKEN_JWKS_FILE", value_name = "FILE", requires = "token_issuer")]
    pub token_jwks_file: Option<PathBuf>,
    /// File with the certificate chain to serve HTTPS with, PEM.
    #[arg(long, env = "LUMBUNG_TLS_CERTIFICATE", value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// File with the certificate's private key, PEM.
    #[arg(long, env = "LUMBUNG_TLS_KEY", value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// File with the authorities whose client certificates are taken, PEM.
    #[arg(long, env = "LUMBUNG_TLS_CLIENT_CA", value_name = "FILE", requires = "tls_certificate")]
    pub tls_client_ca: Option<PathBuf>,
}

/// Limits of intake in bulk: what a file may cost, whatever it holds.
#[derive(Clone, Copy, Debug, Args)]
pub struct BatchLimits {
    /// Lines of a file.
    #[arg(long, env = "LUMBUNG_BATCH_LINES_MAX", default_value_t = 10_000, value_name = "COUNT")]
    pub batch_lines_max: usize,
    /// Largest file after decompression, in bytes.
    #[arg(long, env = "LUMBUNG_BATCH_BYTES_MAX", default_value_t = 32 * 1024 * 1024, value_name = "BYTES")]
    pub batch_bytes_max: usize,
    /// Longest line, in bytes.
    #[arg(long, env = "LUMBUNG_BATCH_LINE_BYTES_MAX", default_value_t = 256 * 1024, value_name = "BYTES")]
    pub batch_line_bytes_max: usize,
    /// How many times larger a compressed file may become, once it is larger than 1 MiB.
    #[arg(long, env = "LUMBUNG_BATCH_INFLATION_MAX", default_value_t = 250, value_name = "TIMES")]
    pub batch_inflation_max: usize,
    /// Time for the whole file to arrive, in seconds.
    #[arg(long, env = "LUMBUNG_BATCH_SECONDS_MAX", default_value_t = 600, value_name = "SECONDS")]
    pub batch_seconds_max: u64,
    /// Longest pause while a file arrives or its outcomes are read, in seconds.
    #[arg(long, env = "LUMBUNG_BATCH_PAUSE_SECONDS_MAX", default_value_t = 30, value_name = "SECONDS")]
    pub batch_pause_seconds_max: u64,
    /// Files taken in at once; one more is answered 503.
    #[arg(long, env = "LUMBUNG_BATCHES_AT_ONCE", default_value_t = 4, value_name = "COUNT")]
    pub batches_at_once: usize,
}

/// Where the files of datasets are made, and what they may cost.
#[derive(Clone, Debug, Args)]
pub struct DatasetOptions {
    /// Folder that files of datasets are made in; they have no names there and leave nothing [default: where an embedded database is, else the
    /// system's temporary folder].
    #[arg(long, env = "LUMBUNG_DATASETS_FOLDER", value_name = "FOLDER")]
    pub datasets_folder: Option<PathBuf>,
    /// Files kept for whoever asks for the same, in bytes; no file may be larger.
    #[arg(long, env = "LUMBUNG_DATASETS_BYTES_MAX", default_value_t = DATASETS_BYTES_MAX, value_name = "BYTES")]
    pub datasets_bytes_max: u64,
    /// Files made at once.
    #[arg(long, env = "LUMBUNG_DATASETS_AT_ONCE", default_value_t = 2, value_name = "COUNT")]
    pub datasets_at_once: usize,
    /// Files that may wait to be made; one more is answered 503.
    #[arg(long, env = "LUMBUNG_DATASETS_WAITING_MAX", default_value_t = 16, value_name = "COUNT")]
    pub datasets_waiting_max: usize,
}

/// Two gibibytes.
const DATASETS_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

impl Default for DatasetOptions {
    fn default() -> Self {
        Self {
            datasets_folder: None,
            datasets_bytes_max: DATASETS_BYTES_MAX,
            datasets_at_once: 2,
            datasets_waiting_max: 16,
        }
    }
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            batch_lines_max: 10_000,
            batch_bytes_max: 32 * 1024 * 1024,
            batch_line_bytes_max: 256 * 1024,
            batch_inflation_max: 250,
            batch_seconds_max: 600,
            batch_pause_seconds_max: 30,
            batches_at_once: 4,
        }
    }
}

/// How to demonstrate.
#[derive(Clone, Debug, Args)]
pub struct DemoOptions {
    /// Database to fill and keep [default: a temporary one].
    #[arg(long, env = "DATABASE_URL", value_name = "URL")]
    pub database_url: Option<String>,
    /// The files kept beside the database that is named; a temporary one has its own.
    #[command(flatten)]
    pub files: FileOptions,
    /// How to listen.
    #[command(flatten)]
    pub listen: ListenOptions,
    /// Print one line of JSON with the address and the keys instead of the guide.
    #[arg(long)]
    pub json: bool,
}

/// What to do with keys.
#[derive(Clone, Debug, Subcommand)]
pub enum KeysTask {
    /// Issue a key and print it; registers the organisation if it is new.
    Issue {
        /// Where the data is.
        #[command(flatten)]
        database: DatabaseOptions,
        /// province, regency, council, certifier, bank, ministry or auditor.
        #[arg(long, value_parser = parse_kind)]
        kind: OrganisationKind,
        /// Region of a regency, dotted, such as 64.72.
        #[arg(long, value_parser = parse_region)]
        region: Option<Region>,
        /// Name of the organisation.
        #[arg(long)]
        name: String,
        /// Code of the organisation, such as a bank's.
        #[arg(long)]
        code: Option<String>,
        /// What the key is for.
        #[arg(long)]
        label: Option<String>,
    },
    /// Put another master key in the place of the one that seals personal data, while the service runs. Nothing recorded changes; the old
    /// key is kept beside the new one until you remove it, because older backups open with it alone.
    RotateMaster {
        /// Where the data is.
        #[command(flatten)]
        database: DatabaseOptions,
        /// File with the new key, 64 hexadecimal digits [default: one is made].
        #[arg(long, value_name = "FILE")]
        new_master_key_file: Option<PathBuf>,
    },
}

fn parse_kind(text: &str) -> Result<OrganisationKind, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "use province, regency, council, certifier, bank, ministry or auditor".to_owned())
}

fn parse_verifier(text: &str) -> Result<LogVerifier, String> {
    text.parse()
}

fn parse_origin(text: &str) -> Result<String, String> {
    check_origin(text).map(|()| text.to_owned())
}

fn parse_environment(text: &str) -> Result<Environment, String> {
    serde_json::from_value(text.into()).map_err(|_| "use live or test".to_owned())
}

fn parse_region(text: &str) -> Result<Region, String> {
    Region::parse(text).map_err(|(_, why)| why.en.into_owned())
}
