//! Looking rows up by their ids, together: one thread takes everybody who waits and asks the database once. As with the executor, the more
//! there are, the less each costs; and what is answered is read after it was asked for, so nothing is ever stale.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::connection::closed;
use super::{AnyConnection, Database, DocRow, Kept, OpenError, ReadError, postgres};

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
            let mut kept = Kept::new(move || database.open_reader());
            while let Some(first) = waiting.blocking_recv() {
                let mut all = vec![first];
                while all.len() < TOGETHER_MAX {
                    let Ok(next) = waiting.try_recv() else { break };
                    all.push(next);
                }
                answer(all, |table, ids| rows(&mut kept, table, ids));
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

fn answer(all: Vec<Wanted>, mut rows_of: impl FnMut(&str, &[Uuid]) -> Result<Vec<DocRow>, ReadError>) {
    let mut by_table: HashMap<&'static str, Vec<Wanted>> = HashMap::new();
    for wanted in all {
        by_table.entry(wanted.table).or_default().push(wanted);
    }
    for (table, wanted) in by_table {
        let ids: Vec<Uuid> = wanted.iter().map(|wanted| wanted.id).collect();
        let rows = rows_of(table, &ids).map_err(|why| why.to_string());
        let rows = rows.map(|rows| rows.into_iter().map(|row| (row.id.clone(), row)).collect::<HashMap<_, _>>());
        for Wanted { id, reply, .. } in wanted {
            // Who no longer waits needs no answer.
            let _ = reply.send(rows.as_ref().map(|rows| rows.get(&id.to_string()).cloned()).map_err(Clone::clone));
        }
    }
}

fn rows<F>(kept: &mut Kept<F>, table: &str, ids: &[Uuid]) -> Result<Vec<DocRow>, ReadError>
where
    F: FnMut() -> Result<AnyConnection, OpenError>,
{
    let ask = |kept: &mut Kept<F>| match kept.get().map_err(|why| Asked::NotOpened(why.0))? {
        AnyConnection::Postgres(connection) => postgres::rows_by_id(connection, table, ids).map_err(Asked::Failed),
        AnyConnection::Sqlite(_) => Err(Asked::NotOpened("look-ups together are for PostgreSQL".to_owned())),
    };
    let was_open = kept.is_open();
    let mut asked = ask(kept);
    // A connection that broke since it was last used says so only now.
    if was_open && matches!(&asked, Err(Asked::Failed(why)) if closed(why)) {
        kept.broke();
        asked = ask(kept);
    }
    asked.map_err(|why| {
        kept.broke();
        why.into()
    })
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
