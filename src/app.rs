//! The composition root: routes, middleware in order, start, graceful stop. Used by `main` and by the tests alike.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::header;
use actix_web::middleware::{Compress, from_fn};
use actix_web::rt::signal::unix::{SignalKind, signal};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, get, web};
use futures_util::future::select;
use socket2::SockRef;
use tokio::sync::Semaphore;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::{Config as SwaggerConfig, SwaggerUi};

use crate::config::{AccessOptions, ListenOptions};
use crate::datasets::{Shelf, ShelfLimits};
use crate::kernel::Clock;
use crate::ledger::{AfterCommit, Event, Ids, Kind, Ledger, Limits, Resource};
pub use crate::place::Place;
use crate::storage::{
    AnyConnection, Checkpoints, Documents, Fetcher, OpenError, ReadError, Readers, Tail, Vault, Watcher, Witness,
    head_position, open_store,
};
use crate::web::{
    Connections, Guard, Keyring, KnownRoutes, LEASE, LOOK_EVERY, Language, Metrics, Problem, READS_AT_ONCE_MAX, Routes,
    Service, Tokens, UseWriter, around, health, json_reply, method_not_allowed_or_not_found, metrics, no_such_command,
    problem_page,
};
#[cfg(feature = "rustls")]
use crate::web::{peer_certificate, tls_config};
use crate::{
    assessments, audit, batches, certifications, codes, cooperatives, datasets, enterprises, feed, financing, managers,
    openapi, organisations, programmes, proofs, regions, statistics, timeline, trainings,
};

/// Every route of the service, in one list.
pub fn routes(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/v1")
            .configure(areas)
            .configure(datasets::http::routes)
            .configure(batches::http::routes)
            .configure(feed::http::routes),
    );
    config.service(health::get_livez).service(health::get_readyz).service(metrics::get_metrics).service(get_problem);
}

/// The routes of all areas: what a line of a batch can be sent to.
fn areas(config: &mut ServiceConfig) {
    config
        .configure(cooperatives::http::routes)
        .configure(managers::http::routes)
        .configure(assessments::http::routes)
        .configure(certifications::http::routes)
        .configure(enterprises::http::routes)
        .configure(trainings::http::routes)
        .configure(financing::http::routes)
        .configure(programmes::http::routes)
        .configure(statistics::http::routes)
        .configure(timeline::http::routes)
        .configure(audit::http::routes)
        .configure(organisations::http::routes)
        .configure(regions::http::routes)
        .configure(codes::http::routes)
        .configure(proofs::http::routes);
}

/// The same routes within the process, for the lines of batches.
fn routes_of_lines(service: web::Data<Service>, commands: Arc<Vec<(String, Vec<&'static str>)>>) -> Routes {
    Routes::new(move || {
        let commands = commands.clone();
        App::new()
            .app_data(service.clone())
            .into_utoipa_app()
            .service(utoipa_actix_web::scope("/v1").configure(areas))
            .into_app()
            .default_service(web::to(move |request: HttpRequest| {
                let response = no_such_command(&commands, &request);
                async move { response }
            }))
    })
}

/// Every kind of resource there is.
pub fn kinds() -> [Kind; 10] {
    [
        Kind::of::<organisations::Organisation>(),
        Kind::of::<cooperatives::Cooperative>(),
        Kind::of::<managers::Manager>(),
        Kind::of::<assessments::Assessment>(),
        Kind::of::<certifications::Certification>(),
        Kind::of::<enterprises::Enterprise>(),
        Kind::of::<trainings::Training>(),
        Kind::of::<financing::Financing>(),
        Kind::of::<programmes::Programme>(),
        Kind::of::<regions::RegionRecord>(),
    ]
}

/// Explain a kind of problem
///
/// Where the `type` of every problem document leads.
#[utoipa::path(tag = "service", security(()), params(("code" = String, Path, description = "The problem's code", example = "wrong_state")),
    responses((status = 200, description = "Title, status and advice", body = serde_json::Value)))]
#[get("/problems/{code}")]
async fn get_problem(request: HttpRequest, code: web::Path<String>) -> Result<HttpResponse, Problem> {
    Ok(json_reply(&problem_page(&code, Language::of(request.headers()))?))
}

/// The service without its HTTP server: what command-line tasks, the demonstration and the server share.
pub struct Core {
    /// Handles for handlers.
    pub service: Service,
    /// Absent when nothing is written.
    executor: Option<JoinHandle<()>>,
    watcher: Watcher,
    use_writer: Option<UseWriter>,
    witness: Arc<Witness>,
}

impl Core {
    /// Opens the database, brings its schema up to date, opens the vault, starts the executor.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn open(place: &Place, clock: Clock, ids: Ids, readers: u32, queue_commands: usize) -> Result<Self, OpenError> {
        // A task waits for its own commands, however many it sends.
        let limits = Limits { queue_commands, queue_wait: None, ..Limits::default() };
        Self::open_with(place, clock, ids, readers, limits)
    }

    /// As [`Core::open`], with all limits of the executor.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn open_with(place: &Place, clock: Clock, ids: Ids, readers: u32, limits: Limits) -> Result<Self, OpenError> {
        let set_up = place.set_up()?;
        let documents = place.database.is_embedded().then(|| Arc::new(Documents::new(LEASE)));
        Self::start(place, set_up, clock, readers, documents.clone(), |clock, after_commit| {
            let store = open_store(&place.database, documents)?;
            let started = Ledger::start(store, clock, ids, limits, after_commit);
            let (ledger, executor) =
                started.map_err(|why| OpenError(format!("the executor cannot be started: {why}")))?;
            Ok((ledger, Some(executor)))
        })
    }

    /// Opens a database to read from it alone, such as the copy of another log. Every command is refused.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn open_read_only(place: &Place, clock: Clock, readers: u32) -> Result<Self, OpenError> {
        let found = place.found()?;
        Self::start(place, found, clock, readers, None, |_, _| Ok((Ledger::read_only(), None)))
    }

    fn start(
        place: &Place,
        (vault, checkpoints): (Arc<Vault>, Arc<Checkpoints>),
        clock: Clock,
        readers: u32,
        documents: Option<Arc<Documents>>,
        ledger: impl FnOnce(Clock, AfterCommit) -> Result<(Ledger, Option<JoinHandle<()>>), OpenError>,
    ) -> Result<Self, OpenError> {
        let witness = Arc::new(Witness::new(&place.witness_file, &vault));
        let readers = Readers::open(&place.database, readers)?;
        if !place.accept_older {
            witness.check(&mut *readers.get()?)?;
        }
        let metrics = Arc::new(Metrics::new().map_err(OpenError::of)?);
        let keyring = Keyring::new(organisations::SOURCE, metrics.look_ups());
        let tail = Tail::start(place.database.clone())
            .map_err(|why| OpenError(format!("the tail cannot be started: {why}")))?;
        let (ledger, executor) = ledger(clock.clone(), after_commit(keyring.clone(), metrics.clone(), tail.clone()))?;
        let (looking, keeping) = (keyring.clone(), documents.clone());
        let key_source = place.key_source();
        let (following, counting, waking, sealing) = (witness.clone(), metrics.clone(), tail.clone(), vault.clone());
        let follow = move |connection: &mut AnyConnection| {
            looking.look(connection)?;
            keeping.as_ref().map_or(Ok(()), |documents| documents.look(connection))?;
            sealing.follow(connection, &key_source)?;
            counting.head_is(head_position(connection)?);
            waking.moved();
            following.follow(connection)
        };
        let watcher = Watcher::start(place.database.clone(), LOOK_EVERY, follow)
            .map_err(|why| OpenError(format!("the watcher cannot be started: {why}")))?;
        let together = (!place.database.is_embedded()).then(|| Fetcher::start(place.database.clone())).transpose();
        let fetcher = together.map_err(|why| OpenError(format!("the fetcher cannot be started: {why}")))?;
        // Where nothing is written, not even that is.
        let uses = executor.is_some().then(|| UseWriter::start(place.database.clone(), keyring.uses())).transpose();
        let use_writer = uses.map_err(|why| OpenError(format!("the writer of key uses cannot be started: {why}")))?;
        let service = Service {
            ledger,
            readers,
            fetcher,
            documents,
            vault,
            clock,
            metrics,
            keyring,
            tail,
            checkpoints,
            reads: Arc::new(Semaphore::new(READS_AT_ONCE_MAX)),
            environment: place.environment,
            tokens: None,
            guesses: Arc::default(),
            gathering: None,
        };
        Ok(Self { service, executor, watcher, use_writer, witness })
    }

    /// Finishes what was accepted and closes.
    pub fn close(self) {
        let Self { service, executor, watcher, use_writer, witness } = self;
        let readers = service.readers.clone();
        drop(service);
        if executor.is_some_and(|executor| executor.join().is_err()) {
            log::error!("the executor ended by a panic");
        }
        drop((watcher, use_writer));
        let noted = readers.get().map_err(ReadError::from).and_then(|mut reader| witness.note(&mut reader));
        if let Err(why) = noted {
            log::warn!("the last position could not be noted error={why}");
        }
    }
}

/// What follows every commit, before its commands are answered.
fn after_commit(keyring: Arc<Keyring>, metrics: Arc<Metrics>, tail: Tail) -> AfterCommit {
    Box::new(move |committed| {
        metrics.committed(committed);
        tail.moved();
        let of_organisation = |event: &Event| event.envelope.stream_kind == organisations::Organisation::KIND;
        if committed.batch.events.iter().any(of_organisation) {
            keyring.forget();
        }
    })
}

/// A server that listens and waits to be run.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether it serves HTTPS.
    encrypted: bool,
    /// Stops it.
    pub handle: ServerHandle,
    server: Server,
    core: Core,
    guard: Arc<Guard>,
    connections: Arc<Connections>,
}

impl Running {
    /// Binds the port and puts the server together.
    ///
    /// # Errors
    /// A sentence for the operator, such as that the port is taken.
    pub fn bind(core: Core, options: &ListenOptions) -> Result<Self, OpenError> {
        let listener = listen(options)?;
        let refused = |why: std::io::Error| OpenError(format!("cannot listen on {}: {why}", options.bind));
        let address = listener.local_addr().map_err(refused)?;
        let document = openapi::document();
        let text = web::Bytes::from(openapi::text_of(&document));
        let (methods, commands) = (Arc::new(openapi::methods(&document)), Arc::new(openapi::commands(&document)));
        let known = web::Data::new(KnownRoutes { methods: methods.clone(), public: openapi::public(&document) });
        let service = web::Data::new(Service { tokens: open_tokens(&options.access)?, ..core.service.clone() });
        let batches = web::Data::new(batches::Batches::new(options.batches));
        let feed = web::Data::new(feed::http::Feed::default());
        let streams = feed.streams.clone();
        let shelf = web::Data::new(shelf_of(&core.service, options));
        let guard = web::Data::new(options.guard());
        let guarding = guard.clone().into_inner();
        let body_bytes_max = options.body_bytes_max;
        let factory = move || {
            let (methods, text) = (methods.clone(), text.clone());
            let lines = Rc::new(routes_of_lines(service.clone(), commands.clone()));
            App::new()
                .app_data(service.clone())
                .app_data(batches.clone())
                .app_data(feed.clone())
                .app_data(shelf.clone())
                .app_data(guard.clone())
                .app_data(known.clone())
                .app_data(lines)
                .app_data(web::PayloadConfig::new(body_bytes_max))
                // Runs from the bottom up: compression is outermost, so that problem documents pass it finished.
                .wrap(from_fn(around))
                .wrap(Compress::default())
                .into_utoipa_app()
                .configure(routes)
                .into_app()
                .configure(move |config| description(config, text))
                .default_service(web::to(move |request: HttpRequest| {
                    let response = method_not_allowed_or_not_found(&methods, &request);
                    async move { response }
                }))
        };
        let (workers, limits) = (options.workers.max(1), &options.guard);
        let connections = Connections::within(options.connection_limits());
        let opening = connections.clone();
        let server = HttpServer::new(factory)
            .workers(workers)
            .on_connect(move |stream, data| {
                opening.opened(stream, data);
                #[cfg(feature = "rustls")]
                peer_certificate(stream, data);
            })
            .max_connections(limits.connections_max.div_ceil(workers).max(1))
            .keep_alive(Duration::from_secs(limits.idle_seconds_max.max(1)))
            .client_request_timeout(Duration::from_secs(limits.head_seconds_max))
            // As many threads as there are readers: more would only wait for one, and for each other.
            .worker_max_blocking_threads((options.readers as usize).div_ceil(workers).max(1))
            .shutdown_timeout(options.shutdown_seconds)
            .shutdown_signal(async move {
                told_to_stop().await;
                streams.close();
            });
        #[cfg(feature = "rustls")]
        let server = match open_tls(&options.access)? {
            Some(config) => server.listen_rustls_0_23(listener, config),
            None => server.listen(listener),
        };
        #[cfg(not(feature = "rustls"))]
        let server = no_tls(&options.access).map(|()| server.listen(listener))?;
        let server = server.map_err(refused)?.run();
        let encrypted = options.access.tls_certificate.is_some();
        Ok(Self { address, encrypted, handle: server.handle(), server, core, guard: guarding, connections })
    }

    /// The URL it serves.
    pub fn url(&self) -> String {
        let scheme = if self.encrypted { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until it is told to stop, then finishes what was accepted.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self) -> std::io::Result<()> {
        log::info!("serving url={}", self.url());
        let sweeping = actix_web::rt::spawn(sweep(self.guard, self.connections, self.core.service.metrics.clone()));
        let result = self.server.await;
        sweeping.abort();
        self.core.close();
        log::info!("stopped");
        result
    }
}

/// Comes with SIGTERM or SIGINT: what streams has to end before the server waits for open requests.
async fn told_to_stop() {
    let interrupted = Box::pin(actix_web::rt::signal::ctrl_c());
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        let _ = interrupted.await;
        return;
    };
    select(interrupted, Box::pin(terminated.recv())).await;
}

/// The shelf of datasets' files. That nothing can be written there is told at the start; all else is served without it.
fn shelf_of(service: &Service, options: &ListenOptions) -> Shelf {
    let wanted = &options.datasets;
    let folder = wanted.datasets_folder.clone().unwrap_or_else(|| service.readers.folder());
    if let Err(why) = tempfile::tempfile_in(&folder) {
        log::warn!("datasets cannot be made: the folder cannot be written to path={} error={why}", folder.display());
    }
    let limits = ShelfLimits {
        folder,
        bytes_max: wanted.datasets_bytes_max,
        makers_max: wanted.datasets_at_once.max(1),
        waiting_max: wanted.datasets_waiting_max,
    };
    Shelf::new(limits, service.readers.clone())
}

/// How often quotas forget who is gone, and the log tells how many requests were turned away.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Connections the system keeps that are not accepted yet; a burst of new ones finds room there.
const BACKLOG: i32 = 1024;

async fn sweep(guard: Arc<Guard>, connections: Arc<Connections>, metrics: Arc<Metrics>) {
    let mut told = 0;
    loop {
        actix_web::rt::time::sleep(SWEEP_EVERY).await;
        guard.quotas.sweep();
        let cut = connections.cut();
        if cut > 0 {
            log::info!("quiet connections were cut connections={cut}");
        }
        let turned_away = metrics.turned_away_so_far();
        if turned_away > told {
            log::warn!("requests were turned away, see /metrics for why requests={}", turned_away - told);
            told = turned_away;
        }
    }
}

/// Listens; whoever is accepted there and reads nothing of what is sent for too long is cut off by the system.
fn listen(options: &ListenOptions) -> Result<TcpListener, OpenError> {
    let refused = |why: std::io::Error| OpenError(format!("cannot listen on {}: {why}", options.bind));
    let listener = TcpListener::bind(options.bind).map_err(|why| match why.kind() {
        std::io::ErrorKind::AddrInUse => OpenError(format!(
            "cannot listen on {}: another program has this port; choose another with --bind, or port 0 for a free one",
            options.bind
        )),
        _ => refused(why),
    })?;
    let socket = SockRef::from(&listener);
    socket.listen(BACKLOG).map_err(refused)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(Duration::from_secs(options.guard.unread_seconds_max))).map_err(refused)?;
    Ok(listener)
}

/// Reads the token issuer's keys, when there is one.
fn open_tokens(access: &AccessOptions) -> Result<Option<Arc<Tokens>>, OpenError> {
    match (&access.token_issuer, &access.token_audience, &access.token_jwks_file) {
        (Some(issuer), Some(audience), Some(file)) => Ok(Some(Arc::new(Tokens::open(issuer, audience, file)?))),
        _ => Ok(None),
    }
}

/// Reads the certificate, when there is one.
#[cfg(feature = "rustls")]
fn open_tls(access: &AccessOptions) -> Result<Option<rustls::ServerConfig>, OpenError> {
    match (&access.tls_certificate, &access.tls_key) {
        (Some(certificate), Some(key)) => tls_config(certificate, key, access.tls_client_ca.as_deref()).map(Some),
        _ => Ok(None),
    }
}

#[cfg(not(feature = "rustls"))]
fn no_tls(access: &AccessOptions) -> Result<(), OpenError> {
    let built = || OpenError("this program was built without TLS; build it with the feature `rustls`".to_owned());
    access.tls_certificate.as_ref().map_or(Ok(()), |_| Err(built()))
}

/// The description of the API, and its pages.
fn description(config: &mut web::ServiceConfig, text: web::Bytes) {
    let document = web::get().to(move || {
        let document = HttpResponse::Ok().content_type("application/json").body(text.clone());
        async move { document }
    });
    config
        .route("/openapi.json", document)
        .route("/docs", web::get().to(|| async { to_docs() }))
        .service(SwaggerUi::new("/docs/{_:.*}").config(SwaggerConfig::from("/openapi.json")));
}

fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}
