//! Where a database is, with the files that belong to it.

use std::path::PathBuf;

use crate::config::DatabaseOptions;
use crate::kernel::Environment;
use crate::storage::{Database, KeySource, LogIdentity, MasterKey, OpenError};

/// Where a database's data and key are.
#[derive(Clone, Debug)]
pub struct Place {
    /// The database.
    pub database: Database,
    /// Its master key.
    pub master_key_file: PathBuf,
    /// The master key itself, when the environment gives it.
    pub master_key: Option<MasterKey>,
    /// What was seen of its log, kept outside it.
    pub witness_file: PathBuf,
    /// Whether a database that lacks what was seen of it may be opened all the same.
    pub accept_older: bool,
    /// What its log is called and signed with.
    pub log: LogIdentity,
    /// What its keys are for.
    pub environment: Environment,
}

impl Place {
    /// Reads the options.
    ///
    /// # Errors
    /// When the URL is not understood.
    pub fn of(options: &DatabaseOptions) -> Result<Self, OpenError> {
        let database = Database::parse(&options.database_url)?;
        let files = &options.files;
        let beside = |ending: &str| match &database {
            Database::Sqlite(path) => {
                let mut beside = path.clone().into_os_string();
                beside.push(ending);
                PathBuf::from(beside)
            }
            Database::Postgres(_) => PathBuf::from(format!("lumbung{ending}")),
        };
        let master_key_file = files.master_key_file.clone().unwrap_or_else(|| beside(".key"));
        let witness_file = files.witness_file.clone().unwrap_or_else(|| beside(".head"));
        let beside_witness = || witness_file.with_extension("log-key");
        let log = LogIdentity {
            origin: options.log_origin.clone(),
            key_file: files.log_key_file.clone().unwrap_or_else(beside_witness),
            accept_new_key: options.accept_new_log_key,
        };
        let (accept_older, environment) = (options.accept_older_database, options.environment);
        let master_key = MasterKey::of_environment()?;
        Ok(Self { database, master_key_file, master_key, witness_file, accept_older, log, environment })
    }

    /// Where the master key is read.
    pub fn key_source(&self) -> KeySource {
        KeySource { file: self.master_key_file.clone(), given: self.master_key.clone() }
    }
}
