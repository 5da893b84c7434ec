//! Where a database is, with the files that belong to it, and how both are opened.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::DatabaseOptions;
use crate::kernel::Environment;
use crate::storage::{
    Checkpoints, Database, KeySource, LogIdentity, MasterKey, OpenError, Vault, lacks_nodes, migrate, mirror_of,
    pending, renew_nodes,
};

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

    /// Brings the schema up to date, opens the vault and the key of the log.
    pub(crate) fn set_up(&self) -> Result<(Arc<Vault>, Arc<Checkpoints>), OpenError> {
        let mut connection = self.database.open_writer()?;
        let steps = migrate(&mut connection)?;
        log::info!("the schema is up to date steps_taken={steps}");
        let set_up = Vault::is_set_up(&mut connection).map_err(OpenError::of)?;
        let (vault, _) = Vault::open_from(&mut connection, &self.key_source(), !set_up)?;
        if let Some(original) = mirror_of(&mut connection, &vault)? {
            let original = original.origin();
            return Err(OpenError(format!("this database is a copy of the log {original}; serve it with --read-only")));
        }
        let checkpoints = Checkpoints::own(&mut connection, &vault, &self.log)?;
        if lacks_nodes(&mut connection).map_err(OpenError::of)? {
            let made = renew_nodes(&self.database).map_err(OpenError::of)?;
            log::info!("the hashes that proofs are made of were added to an older log hashes={made}");
        }
        Ok((Arc::new(vault), Arc::new(checkpoints)))
    }

    /// Opens the vault and the checkpoints of a database that others have set up, and write.
    pub(crate) fn found(&self) -> Result<(Arc<Vault>, Arc<Checkpoints>), OpenError> {
        let not_ready = || {
            OpenError("there is nothing to read yet: start `lumbung serve` or `lumbung mirror` on it first".to_owned())
        };
        if matches!(&self.database, Database::Sqlite(path) if !path.exists()) {
            return Err(not_ready());
        }
        let mut connection = self.database.open_reader()?;
        if pending(&mut connection)? > 0 {
            return Err(OpenError("the schema is not up to date; run `lumbung migrate` first".to_owned()));
        }
        if !Vault::is_set_up(&mut connection).map_err(OpenError::of)? {
            return Err(not_ready());
        }
        let vault = Vault::open(&mut connection, &self.key_source().read(false)?)?;
        if let Some(original) = mirror_of(&mut connection, &vault)? {
            let checkpoints = Checkpoints::mirrored(original, &self.witness_file);
            return Ok((Arc::new(vault.of_copy()), Arc::new(checkpoints)));
        }
        let checkpoints = Checkpoints::own(&mut connection, &vault, &self.log)?;
        Ok((Arc::new(vault), Arc::new(checkpoints)))
    }
}
