//! A connection of one thread's own, kept for as long as it is good: opened when it is first needed, again after it broke, and again when
//! it has become old.

use std::time::{Duration, Instant};

use super::{AnyConnection, OpenError};

/// How old a connection may become: after a change of addresses or of the server, none keeps to the old one for longer.
pub(super) const AGE_MAX: Duration = Duration::from_mins(30);

/// See the module.
pub struct Kept<F> {
    open: F,
    connection: Option<(AnyConnection, Instant)>,
}

impl<F: FnMut() -> Result<AnyConnection, OpenError>> Kept<F> {
    /// One that is opened by this when it is needed.
    pub const fn new(open: F) -> Self {
        Self { open, connection: None }
    }

    /// The connection.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn get(&mut self) -> Result<&mut AnyConnection, OpenError> {
        let (connection, since) = match self.connection.take().filter(|(_, since)| since.elapsed() < AGE_MAX) {
            Some(kept) => kept,
            None => ((self.open)()?, Instant::now()),
        };
        Ok(&mut self.connection.insert((connection, since)).0)
    }

    /// Whether it has been opened already.
    pub const fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    /// To be told when it broke.
    pub fn broke(&mut self) {
        self.connection = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Database;

    #[test]
    fn a_connection_is_opened_again_when_it_broke_or_has_become_old() {
        let folder = tempfile::TempDir::new().unwrap();
        let (database, mut opened) = (Database::Sqlite(folder.path().join("x.db")), 0);
        let mut kept = Kept::new(|| {
            opened += 1;
            database.open_writer()
        });
        for _ in 0..3 {
            kept.get().unwrap();
        }
        kept.broke();
        kept.get().unwrap();
        if let Some((_, since)) = &mut kept.connection {
            *since = since.checked_sub(AGE_MAX).unwrap();
        }
        kept.get().unwrap();
        assert!(kept.is_open());
        drop(kept);
        assert_eq!(opened, 3);
    }
}
