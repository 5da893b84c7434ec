//! Reads the arguments and does what they say. What it prints on standard output is the answer; everything else goes to the log.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use lumbung::app::{Core, Place, Running};
use lumbung::config::{Arguments, DatabaseOptions, DemoOptions, FileOptions, KeysTask, ServeOptions, Task};
use lumbung::kernel::Clock;
use lumbung::ledger::Ids;
use lumbung::storage::OpenError;
use lumbung::{maintenance, openapi, organisations};

/// Requests are parsed on one thread and decided on another; this allocator takes back what another thread allocated without a lock.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let filter = env_logger::Env::default().default_filter_or("info,actix_server=warn");
    env_logger::Builder::from_env(filter)
        .format(|line, record| {
            let (now, level, target) = (Clock::System.now(), record.level(), record.target());
            writeln!(line, "{now} {level:<5} {target}: {}", record.args())
        })
        .init();
    let result = match Arguments::parse().task {
        Task::Serve(options) => serve(&options),
        Task::Demo(options) => demo(&options),
        Task::Mirror(options) => {
            Place::of(&options.database).and_then(|place| said(lumbung::mirror::mirror(&place, &options)?))
        }
        Task::Migrate(options) => migrate(&options),
        Task::Keys { task } => keys(task),
        Task::Verify(options) => Place::of(&options).and_then(|place| said(maintenance::verify(&place)?)),
        Task::Rebuild(options) => Place::of(&options).and_then(|place| said(maintenance::rebuild(&place)?)),
        Task::Backup { database, file } => {
            Place::of(&database).and_then(|place| said(maintenance::backup(&place, &file)?))
        }
        Task::Health { bind, tls_certificate } => maintenance::health(bind, tls_certificate.as_deref()).and_then(said),
        Task::Generate { database, events } => {
            Place::of(&database).and_then(|place| said(lumbung::demo::generate(&place, events)?))
        }
        Task::LogKey(options) => log_key(&options),
        Task::Openapi => said(openapi::text()),
        Task::Datasets => said(lumbung::datasets::markdown()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // The log may be switched off; this line is for whoever typed the command.
            let _ = writeln!(std::io::stderr(), "lumbung: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Prints what a task came to, and ends the line. Whoever reads may stop at any time, as `head` does.
#[allow(clippy::needless_pass_by_value, reason = "the end of a chain of tasks that may fail")]
fn said(text: String) -> Result<(), OpenError> {
    match writeln!(std::io::stdout(), "{}", text.trim_end_matches('\n')) {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(OpenError(format!("the answer cannot be printed: {why}")))
        }
        _ => Ok(()),
    }
}

fn serve(options: &ServeOptions) -> Result<(), OpenError> {
    let place = Place::of(&options.database)?;
    let listen = &options.listen;
    let core = if options.read_only {
        Core::open_read_only(&place, Clock::System, listen.readers)?
    } else {
        Core::open_with(&place, Clock::System, Ids::Random, listen.readers, listen.executor_limits())?
    };
    let running = || async {
        Running::bind(core, listen)?.run().await.map_err(|why| OpenError(format!("the server failed: {why}")))
    };
    actix_web::rt::System::new().block_on(running())
}

/// Serves the demonstration. A temporary database is removed again at the end.
fn demo(options: &DemoOptions) -> Result<(), OpenError> {
    let folder = std::env::temp_dir().join(format!("lumbung-demo-{}", uuid::Uuid::now_v7()));
    let temporary = options.database_url.is_none();
    let database = if let Some(named) = options.database_url.clone() {
        DatabaseOptions::for_test(named, options.files.clone())
    } else {
        std::fs::create_dir(&folder).map_err(|why| OpenError(format!("cannot make {}: {why}", folder.display())))?;
        let url = format!("sqlite:{}", folder.join("lumbung.db").display());
        DatabaseOptions::for_test(url, FileOptions::default())
    };
    let served = serve_demo(&database, options);
    if temporary && let Err(why) = std::fs::remove_dir_all(&folder) {
        log::warn!("the temporary database could not be removed path={} error={why}", folder.display());
    }
    served
}

fn serve_demo(database: &DatabaseOptions, options: &DemoOptions) -> Result<(), OpenError> {
    let place = Place::of(database)?;
    let guide = lumbung::demo::prepare(&place)?;
    let listen = &options.listen;
    let core = Core::open_with(&place, Clock::System, Ids::Random, listen.readers, listen.executor_limits())?;
    let running = || async {
        let running = Running::bind(core, listen)?;
        let url = running.url();
        let text = if options.json { guide.to_json(&url) } else { guide.to_text(&url) };
        said(text)?;
        running.run().await.map_err(|why| OpenError(format!("the server failed: {why}")))
    };
    actix_web::rt::System::new().block_on(running())
}

fn migrate(options: &DatabaseOptions) -> Result<(), OpenError> {
    let mut connection = Place::of(options)?.database.open_writer()?;
    let steps = lumbung::storage::migrate(&mut connection)?;
    said(format!("schema steps taken: {steps}"))
}

fn log_key(options: &DatabaseOptions) -> Result<(), OpenError> {
    let core = Core::open(&Place::of(options)?, Clock::System, Ids::Random, 1, 16)?;
    let verifier = core.service.checkpoints.verifier().to_string();
    core.close();
    said(verifier)
}

fn keys(task: KeysTask) -> Result<(), OpenError> {
    let (database, kind, region, name, code, label) = match task {
        KeysTask::Issue { database, kind, region, name, code, label } => (database, kind, region, name, code, label),
        KeysTask::RotateMaster { database, new_master_key_file } => {
            return said(maintenance::rotate(&Place::of(&database)?, new_master_key_file.as_deref())?);
        }
    };
    let core = Core::open(&Place::of(&database)?, Clock::System, Ids::Random, 1, 16)?;
    let issued = organisations::issue_key(&core.service, kind, region, &name, code.as_deref(), label.as_deref());
    core.close();
    said(issued?.text)
}
