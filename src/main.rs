//! Reads the arguments and does what they say. What it prints on standard output is the answer; everything else goes to the log.

use std::process::ExitCode;

use clap::Parser;
use lumbung::app::{Core, Place, Running};
use lumbung::config::{Arguments, DatabaseOptions, KeysTask, ServeOptions, Task};
use lumbung::kernel::Clock;
use lumbung::ledger::Ids;
use lumbung::storage::OpenError;
use lumbung::{openapi, organisations};

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info,actix_server=warn")).init();
    let result = match Arguments::parse().task {
        Task::Serve(options) => serve(&options),
        Task::Demo(_) => Ok(()),
        Task::Migrate(options) => migrate(&options),
        Task::Keys { task } => keys(task),
        Task::Openapi => {
            print!("{}", openapi::text());
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("lumbung: {why}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &ServeOptions) -> Result<(), OpenError> {
    let place = Place::of(&options.database)?;
    let listen = &options.listen;
    let core = Core::open(&place, Clock::System, Ids::Random, listen.readers, listen.queue_commands_max)?;
    let running = || async {
        Running::bind(core, listen)?.run().await.map_err(|why| OpenError(format!("the server failed: {why}")))
    };
    actix_web::rt::System::new().block_on(running())
}

fn migrate(options: &DatabaseOptions) -> Result<(), OpenError> {
    let mut connection = Place::of(options)?.database.open_writer()?;
    let steps = lumbung::storage::migrate(&mut connection)?;
    println!("schema steps taken: {steps}");
    Ok(())
}

fn keys(task: KeysTask) -> Result<(), OpenError> {
    let KeysTask::Issue { database, kind, region, name, code, label } = task;
    let core = Core::open(&Place::of(&database)?, Clock::System, Ids::Random, 1, 16)?;
    let issued = organisations::issue_key(&core.service, kind, region, &name, code.as_deref(), label.as_deref());
    core.close();
    println!("{}", issued?.text);
    Ok(())
}
