//! Looking rows up by their ids, together: one thread takes everybody who waits and asks the database once. As with the executor, the more
//! there are, the less each costs; and what is answered is read after it was asked for, so nothing is ever stale.

use std::collections::HashMap;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::connection::{AGE_MAX, closed};
use super::{AnyConnection, Database, DocRow, ReadError, postgres};

/// Look-ups that may wait.
const WAITING_MAX: usize = 4096;
/// Look-ups in one query.
const TOGETHER_MAX: usize = 256;

struct Wanted {
    table: &'static str,
    id: Uuid,
    reply: oneshot::Sender<Result<Option<DocRow>, String>>,
}

/// The way in. The thread ends when the last handle is dropped.
#[derive(Clone)]
pub struct Fetcher {
    queue: mpsc::Sender<Wanted>,
}

impl Fetcher {
    /// Starts the thread.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(database: Database) -> std::io::Result<Self> {
        let (queue, mut waiting) = mpsc::channel::<Wanted>(WAITING_MAX);
        std::thread::Builder::new().name("fetcher".to_owned()).spawn(move || {
            let mut link = Link { database, open: None };
            while let Some(first) = waiting.blocking_recv() {
                let mut all = vec![first];
                while all.len() < TOGETHER_MAX {
                    let Ok(next) = waiting.try_recv() else { break };
                    all.push(next);
                }
                answer(&mut link, all);
            }
        })?;
        Ok(Self { queue })
    }

    /// The row with this id.
    ///
    /// # Errors
    /// When the database cannot be read, or more wait than may.
    pub async fn fetch(&self, table: &'static str, id: Uuid) -> Result<Option<DocRow>, ReadError> {
        let (reply, answer) = oneshot::channel();
        let lost = |why: &str| ReadError::Database(why.to_owned());
        self.queue.try_send(Wanted { table, id, reply }).map_err(|_| lost("too many look-ups wait"))?;
        answer.await.map_err(|_| lost("the fetcher ended"))?.map_err(ReadError::Database)
    }
}

fn answer(link: &mut Link, all: Vec<Wanted>) {
    let mut by_table: HashMap<&'static str, Vec<Wanted>> = HashMap::new();
    for wanted in all {
        by_table.entry(wanted.table).or_default().push(wanted);
    }
    for (table, wanted) in by_table {
        let ids: Vec<Uuid> = wanted.iter().map(|wanted| wanted.id).collect();
        let rows = link.rows(table, &ids).map_err(|why| why.to_string());
        let rows = rows.map(|rows| rows.into_iter().map(|row| (row.id.clone(), row)).collect::<HashMap<_, _>>());
        for Wanted { id, reply, .. } in wanted {
            // Who no longer waits needs no answer.
            let _ = reply.send(rows.as_ref().map(|rows| rows.get(&id.to_string()).cloned()).map_err(Clone::clone));
        }
    }
}

struct Link {
    database: Database,
    open: Option<(AnyConnection, Instant)>,
}

impl Link {
    fn rows(&mut self, table: &str, ids: &[Uuid]) -> Result<Vec<DocRow>, ReadError> {
        if self.open.as_ref().is_some_and(|(_, since)| since.elapsed() > AGE_MAX) {
            self.open = None;
        }
        let kept = self.open.is_some();
        match self.ask(table, ids) {
            // A connection that broke since it was last used says so only now.
            Err(Asked::Failed(why)) if kept && closed(&why) => {
                self.open = None;
                self.ask(table, ids).map_err(ReadError::from)
            }
            result => result.map_err(|why| {
                self.open = None;
                why.into()
            }),
        }
    }

    fn ask(&mut self, table: &str, ids: &[Uuid]) -> Result<Vec<DocRow>, Asked> {
        if self.open.is_none() {
            self.open = Some((self.database.open_reader().map_err(|why| Asked::NotOpened(why.0))?, Instant::now()));
        }
        match &mut self.open {
            Some((AnyConnection::Postgres(connection), _)) => {
                postgres::rows_by_id(connection, table, ids).map_err(Asked::Failed)
            }
            _ => Err(Asked::NotOpened("look-ups together are for PostgreSQL".to_owned())),
        }
    }
}

enum Asked {
    NotOpened(String),
    Failed(diesel::result::Error),
}

impl From<Asked> for ReadError {
    fn from(why: Asked) -> Self {
        match why {
            Asked::NotOpened(why) => Self::Database(why),
            Asked::Failed(why) => why.into(),
        }
    }
}
