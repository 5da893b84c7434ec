//! The composition root: routes, middleware in order, start, graceful stop. Used by `main` and by the tests alike.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::header;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, get, web};
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::{Config as SwaggerConfig, SwaggerUi};

use crate::config::{DatabaseOptions, ListenOptions};
use crate::kernel::Clock;
use crate::ledger::{AfterCommit, Event, Ids, Kind, Ledger, Limits, Resource};
use crate::storage::{
    AnyConnection, Database, Fetcher, OpenError, ReadError, Readers, Vault, Watcher, Witness, head_position, migrate,
    open_store,
};
use crate::web::{
    Keyring, KnownRoutes, LOOK_EVERY, Language, Metrics, Problem, Routes, Service, around, health, json_reply,
    method_not_allowed_or_not_found, metrics, no_such_command, problem_page,
};
use crate::{
    assessments, batches, certifications, codes, cooperatives, enterprises, financing, managers, openapi,
    organisations, programmes, regions, statistics, timeline, trainings,
};

/// Every route of the service, in one list.
pub fn routes(config: &mut ServiceConfig) {
    config.service(utoipa_actix_web::scope("/v1").configure(areas).configure(batches::http::routes));
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
        .configure(organisations::http::routes)
        .configure(regions::http::routes)
        .configure(codes::http::routes);
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

/// Where a database's data and key are.
#[derive(Clone, Debug)]
pub struct Place {
    /// The database.
    pub database: Database,
    /// Its master key.
    pub master_key_file: PathBuf,
    /// What was seen of its log, kept outside it.
    pub witness_file: PathBuf,
    /// Whether a database that lacks what was seen of it may be opened all the same.
    pub accept_older: bool,
}

impl Place {
    /// Reads the options.
    ///
    /// # Errors
    /// When the URL is not understood.
    pub fn of(options: &DatabaseOptions) -> Result<Self, OpenError> {
        let database = Database::parse(&options.database_url)?;
        let beside = |ending: &str| match &database {
            Database::Sqlite(path) => {
                let mut beside = path.clone().into_os_string();
                beside.push(ending);
                PathBuf::from(beside)
            }
            Database::Postgres(_) => PathBuf::from(format!("lumbung{ending}")),
        };
        let master_key_file = options.master_key_file.clone().unwrap_or_else(|| beside(".key"));
        let witness_file = options.witness_file.clone().unwrap_or_else(|| beside(".head"));
        Ok(Self { database, master_key_file, witness_file, accept_older: options.accept_older_database })
    }
}

/// The service without its HTTP server: what command-line tasks, the demonstration and the server share.
pub struct Core {
    /// Handles for handlers.
    pub service: Service,
    executor: JoinHandle<()>,
    watcher: Watcher,
    witness: Arc<Witness>,
}

impl Core {
    /// Opens the database, brings its schema up to date, opens the vault, starts the executor.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn open(place: &Place, clock: Clock, ids: Ids, readers: u32, queue_commands: usize) -> Result<Self, OpenError> {
        let limits = Limits { queue_commands, ..Limits::default() };
        Self::open_with(place, clock, ids, readers, limits)
    }

    /// As [`Core::open`], with all limits of the executor.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn open_with(place: &Place, clock: Clock, ids: Ids, readers: u32, limits: Limits) -> Result<Self, OpenError> {
        let vault = {
            let mut connection = place.database.open_writer()?;
            let steps = migrate(&mut connection)?;
            log::info!("the schema is up to date steps_taken={steps}");
            let set_up = Vault::is_set_up(&mut connection).map_err(OpenError::of)?;
            let master_key = Vault::master_key(&place.master_key_file, !set_up)?;
            Arc::new(Vault::open(&mut connection, &master_key)?)
        };
        let witness = Arc::new(Witness::new(&place.witness_file, &vault));
        let readers = Readers::open(&place.database, readers)?;
        if !place.accept_older {
            witness.check(&mut *readers.get()?)?;
        }
        let store = open_store(&place.database)?;
        let keyring = Keyring::new(organisations::SOURCE);
        let metrics = Arc::new(Metrics::new().map_err(OpenError::of)?);
        let (ledger, executor) =
            Ledger::start(store, clock.clone(), ids, limits, after_commit(keyring.clone(), metrics.clone()))
                .map_err(|why| OpenError(format!("the executor cannot be started: {why}")))?;
        let looking = keyring.clone();
        let (following, counting) = (witness.clone(), metrics.clone());
        let follow = move |connection: &mut AnyConnection| {
            looking.look(connection)?;
            counting.head_is(head_position(connection)?);
            following.follow(connection)
        };
        let watcher = Watcher::start(place.database.clone(), LOOK_EVERY, follow)
            .map_err(|why| OpenError(format!("the watcher cannot be started: {why}")))?;
        let together = (!place.database.is_embedded()).then(|| Fetcher::start(place.database.clone())).transpose();
        let fetcher = together.map_err(|why| OpenError(format!("the fetcher cannot be started: {why}")))?;
        let service = Service { ledger, readers, fetcher, vault, clock, metrics, keyring, gathering: None };
        Ok(Self { service, executor, watcher, witness })
    }

    /// Finishes what was accepted and closes.
    pub fn close(self) {
        let Self { service, executor, watcher, witness } = self;
        let readers = service.readers.clone();
        drop(service);
        if executor.join().is_err() {
            log::error!("the executor ended by a panic");
        }
        drop(watcher);
        let noted = readers.get().map_err(ReadError::from).and_then(|mut reader| witness.note(&mut reader));
        if let Err(why) = noted {
            log::warn!("the last position could not be noted error={why}");
        }
    }
}

/// What follows every commit, before its commands are answered.
fn after_commit(keyring: Arc<Keyring>, metrics: Arc<Metrics>) -> AfterCommit {
    Box::new(move |committed| {
        metrics.committed(committed);
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
    /// Stops it.
    pub handle: ServerHandle,
    server: Server,
    core: Core,
}

impl Running {
    /// Binds the port and puts the server together.
    ///
    /// # Errors
    /// A sentence for the operator, such as that the port is taken.
    pub fn bind(core: Core, options: &ListenOptions) -> Result<Self, OpenError> {
        let refused = |why: std::io::Error| OpenError(format!("cannot listen on {}: {why}", options.bind));
        let listener = TcpListener::bind(options.bind).map_err(|why| match why.kind() {
            std::io::ErrorKind::AddrInUse => OpenError(format!(
                "cannot listen on {}: another program has this port; choose another with --bind, or port 0 for a free one",
                options.bind
            )),
            _ => refused(why),
        })?;
        let address = listener.local_addr().map_err(refused)?;
        let document = openapi::document();
        let text = web::Bytes::from(openapi::text_of(&document));
        let methods = Arc::new(openapi::methods(&document));
        let commands = Arc::new(openapi::commands(&document));
        let known = web::Data::new(KnownRoutes(methods.clone()));
        let service = web::Data::new(core.service.clone());
        let batches = web::Data::new(batches::Batches::new(options.batches));
        let body_bytes_max = options.body_bytes_max;
        let factory = move || {
            let (methods, text) = (methods.clone(), text.clone());
            let lines = Rc::new(routes_of_lines(service.clone(), commands.clone()));
            App::new()
                .app_data(service.clone())
                .app_data(batches.clone())
                .app_data(known.clone())
                .app_data(lines)
                .app_data(web::PayloadConfig::new(body_bytes_max))
                // Runs from the bottom up: compression is outermost, so that problem documents pass it finished.
                .wrap(from_fn(around))
                .wrap(Compress::default())
                .into_utoipa_app()
                .configure(routes)
                .into_app()
                .route(
                    "/openapi.json",
                    web::get().to(move || {
                        let document = open_document(text.clone());
                        async move { document }
                    }),
                )
                .route("/docs", web::get().to(|| async { to_docs() }))
                .service(SwaggerUi::new("/docs/{_:.*}").config(SwaggerConfig::from("/openapi.json")))
                .default_service(web::to(move |request: HttpRequest| {
                    let response = method_not_allowed_or_not_found(&methods, &request);
                    async move { response }
                }))
        };
        let server = HttpServer::new(factory)
            .workers(options.workers.max(1))
            // As many threads as there are readers: more would only wait for one, and for each other.
            .worker_max_blocking_threads((options.readers as usize).div_ceil(options.workers.max(1)).max(1))
            .shutdown_timeout(options.shutdown_seconds)
            .listen(listener)
            .map_err(refused)?
            .run();
        Ok(Self { address, handle: server.handle(), server, core })
    }

    /// Serves until it is told to stop, then finishes what was accepted.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self) -> std::io::Result<()> {
        log::info!("serving url=http://{}", self.address);
        let result = self.server.await;
        self.core.close();
        log::info!("stopped");
        result
    }
}

fn open_document(text: web::Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(text)
}

fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}
