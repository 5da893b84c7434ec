//! How many events there are of each type. Positions are final, so what was counted once is never counted again: each question counts on from
//! where the last one ended.

use std::collections::{BTreeMap, HashMap};

use tokio::sync::Mutex;

use crate::storage::{Counted, Sieve, count_events};
use crate::web::{Problem, Service};

/// Positions counted in one read.
const POSITIONS_MAX: i64 = 50_000;

/// The counts so far.
#[derive(Default)]
pub struct Counts {
    so_far: Mutex<(i64, HashMap<Counted, i64>)>,
}

impl Counts {
    /// Counts on up to a position; tells how many events of each type the sieve lets through.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn by_type(
        &self,
        service: &Service,
        sieve: &Sieve,
        up_to: i64,
    ) -> Result<(i64, BTreeMap<String, i64>), Problem> {
        let mut so_far = self.so_far.lock().await;
        while so_far.0 < up_to {
            let span = (so_far.0, up_to.min(so_far.0 + POSITIONS_MAX));
            for (counted, number) in service.read(move |connection| Ok(count_events(connection, span)?)).await? {
                *so_far.1.entry(counted).or_default() += number;
            }
            so_far.0 = span.1;
        }
        let mut by_type: BTreeMap<String, i64> = BTreeMap::new();
        for (counted, number) in so_far.1.iter().filter(|(counted, _)| sieve.admits_counted(counted)) {
            *by_type.entry(counted.1.clone()).or_default() += number;
        }
        Ok((so_far.0, by_type))
    }
}
