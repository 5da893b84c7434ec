//! How often an organisation may come upon a registered person it may not see.
//!
//! An identity number is registered once, so whoever registers somebody learns whether the number is known. That cannot be hidden; but it is
//! recorded as a look, and whoever comes upon strangers too often registers no identity numbers for a while. Each stranger costs an
//! interval, and as many intervals as make a window may be owed (GCRA). What one file finds is found, so more may be owed, and is waited for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::problem::Problem;
use crate::kernel::Refusal;
use crate::kernel::problem_codes::RATE_LIMITED;

/// Strangers an organisation may come upon in a minute.
const A_MINUTE: u32 = 20;
const WINDOW: Duration = Duration::from_mins(1);

/// Until when each organisation's strangers are paid for.
#[derive(Default)]
pub struct Guesses(Mutex<HashMap<Uuid, Instant>>);

impl Guesses {
    fn owed(&self) -> MutexGuard<'_, HashMap<Uuid, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses whoever came upon too many.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn require_room(&self, organisation: Uuid) -> Result<(), Problem> {
        self.room_at(organisation, Instant::now())
    }

    fn room_at(&self, organisation: Uuid, now: Instant) -> Result<(), Problem> {
        let owed = self.owed().get(&organisation).map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        // One interval at least must be free.
        let wait = (owed + WINDOW / A_MINUTE).saturating_sub(WINDOW);
        if wait.is_zero() {
            return Ok(());
        }
        let seconds = wait.as_secs() + 1;
        let why = text!(
            "Terlalu banyak nik_orang yang ternyata terdaftar di tempat lain: paling banyak {A_MINUTE} tiap menit. Coba lagi setelah {seconds} detik.",
            "Too many a nik_orang turned out to be registered elsewhere: {A_MINUTE} a minute at most. Try again after {seconds} seconds."
        );
        let refusal = Refusal::new(&RATE_LIMITED, why).with("reason", "persons_met");
        Err(refusal.with("retry_after_seconds", seconds).into())
    }

    /// Counts strangers that an organisation came upon.
    pub fn count(&self, organisation: Uuid, strangers: u32) {
        if strangers > 0 {
            self.count_at(organisation, strangers, Instant::now());
        }
    }

    fn count_at(&self, organisation: Uuid, strangers: u32, now: Instant) {
        let mut owed = self.owed();
        owed.retain(|_, until| *until > now);
        *owed.entry(organisation).or_insert(now) += WINDOW / A_MINUTE * strangers;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_strangers_a_minute_and_what_one_file_found_beyond_is_waited_for() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let wait = |seconds| {
            let refused = guesses.room_at(one, now + Duration::from_secs(seconds)).err();
            refused.map(|problem| problem.0.members["retry_after_seconds"].as_u64().unwrap())
        };
        for _ in 0..A_MINUTE {
            assert_eq!(wait(0), None);
            guesses.count_at(one, 1, now);
        }
        assert_eq!((wait(0), wait(2), wait(3)), (Some(4), Some(2), None));
        assert!(guesses.room_at(other, now).is_ok());
        guesses.count_at(one, 500, now);
        assert_eq!((wait(0), wait(1502), wait(1503)), (Some(1504), Some(2), None));
        // Who owes nothing any more is forgotten.
        guesses.count_at(other, 1, now + Duration::from_hours(1));
        assert_eq!(guesses.owed().len(), 1);
    }
}
