//! How many requests an address or an organisation may send in a while, and what it is told about that.
//!
//! A quota is so many requests a second with what ten seconds give as a reserve (GCRA, by `governor`), told by the header fields of
//! draft-ietf-httpapi-ratelimit-headers. Counting is this process's own. An address that is unlimited is not counted at all.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota as Rate, RateLimiter};
use uuid::Uuid;

use super::client::Neighbourhood;
use super::guard::Guard;
use super::problem::Problem;
use crate::kernel::problem_codes::RATE_LIMITED;
use crate::kernel::{Actor, Refusal};

/// The window of a quota, in seconds: so much of it can be used at once.
const WINDOW_SECONDS: u32 = 10;
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// All quotas; those that are switched off are none.
#[derive(Default)]
pub struct Quotas {
    /// Requests of an address, whatever they ask and whoever sends them.
    pub address: Option<Quota<Neighbourhood>>,
    /// Keys of an address that had to be looked up: a wrong one has to be every time.
    pub key_lookups: Option<Quota<Neighbourhood>>,
    /// Requests of an organisation, and lines of its files.
    pub organisation: Option<Quota<Uuid>>,
    /// The same of a key that is confined to scopes, which is to leave something of its organisation's quota to the others.
    pub key: Option<Quota<Uuid>>,
}

impl Quotas {
    /// Forgets who has not been seen for a window.
    pub fn sweep(&self) {
        for quota in [&self.address, &self.key_lookups].into_iter().flatten() {
            quota.sweep();
        }
        [&self.organisation, &self.key].into_iter().flatten().for_each(Quota::sweep);
    }
}

/// One quota, for each of its keys.
pub struct Quota<K: Hash + Eq + Clone> {
    name: &'static str,
    whole: NonZeroU32,
    per_second: NonZeroU32,
    limiter: Limiter<K>,
}

/// How a quota stands after a request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    name: &'static str,
    whole: u32,
    remaining: u32,
    /// Until all is there again; when nothing is left, until the request may come again.
    seconds: u64,
}

/// The quotas a request was counted in.
#[derive(Default)]
struct Standings(Vec<Standing>);

impl<K: Hash + Eq + Clone> Quota<K> {
    /// So many requests a second; none for 0.
    pub fn per_second(name: &'static str, requests: u32) -> Option<Self> {
        let per_second = NonZeroU32::new(requests)?;
        let whole = per_second.saturating_mul(NonZeroU32::new(WINDOW_SECONDS)?);
        let rate = Rate::per_second(per_second).allow_burst(whole);
        let limiter = RateLimiter::hashmap(rate).with_middleware::<StateInformationMiddleware>();
        Some(Self { name, whole, per_second, limiter })
    }

    /// Counts so many requests; more than a whole quota count as a whole one, or they could never come.
    fn count(&self, key: &K, requests: NonZeroU32) -> Result<Standing, Standing> {
        let Self { name, whole, per_second, .. } = *self;
        let standing = |remaining: u32, seconds: u64| Standing { name, whole: whole.get(), remaining, seconds };
        match self.limiter.check_key_n(key, requests.min(whole)) {
            Ok(Ok(state)) => {
                let remaining = state.remaining_burst_capacity();
                Ok(standing(
                    remaining,
                    u64::from((whole.get() - remaining.min(whole.get())).div_ceil(per_second.get())),
                ))
            }
            Ok(Err(until)) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                Err(standing(0, wait.saturating_add(Duration::from_millis(999)).as_secs().max(1)))
            }
            // The quota was cut to fit.
            Err(_) => Err(standing(0, u64::from(WINDOW_SECONDS))),
        }
    }

    fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

impl Standing {
    fn policy(&self) -> String {
        format!("\"{}\";q={};w={WINDOW_SECONDS}", self.name, self.whole)
    }

    fn state(&self) -> String {
        format!("\"{}\";r={};t={}", self.name, self.remaining, self.seconds)
    }

    fn problem(&self) -> Problem {
        let Self { name, whole, seconds, .. } = self;
        let why = text!(
            "Kuota `{name}` habis: {whole} permintaan tiap {WINDOW_SECONDS} detik. Coba lagi setelah {seconds} detik.",
            "The quota `{name}` is used up: {whole} requests in {WINDOW_SECONDS} seconds. Try again after {seconds} seconds."
        );
        Refusal::new(&RATE_LIMITED, why)
            .with("reason", format!("quota_{}", name.replace('-', "_")))
            .with("violated_policies", vec![*name])
            .with("retry_after_seconds", *seconds)
            .into()
    }
}

/// Counts a request in a quota and notes how that stands, for the headers of the answer.
fn count<K: Hash + Eq + Clone>(
    request: &impl HttpMessage,
    quota: Option<&Quota<K>>,
    key: impl FnOnce() -> K,
    requests: u32,
) -> Result<(), Problem> {
    let Some((quota, requests)) = quota.zip(NonZeroU32::new(requests)) else {
        return Ok(());
    };
    let counted = quota.count(&key(), requests);
    let (Ok(standing) | Err(standing)) = &counted;
    let mut extensions = request.extensions_mut();
    if extensions.get::<Standings>().is_none() {
        extensions.insert(Standings::default());
    }
    if let Some(Standings(standings)) = extensions.get_mut() {
        standings.retain(|other| other.name != standing.name);
        standings.push(standing.clone());
    }
    counted.map(|_| ()).map_err(|standing| standing.problem())
}

/// Counts a request for the address it comes from.
pub(super) fn count_for_address(request: &impl HttpMessage, guard: &Guard, from: Neighbourhood) -> Result<(), Problem> {
    count(request, guard.quotas.address.as_ref(), || from, 1)
}

/// Counts a key that is to be looked up for the address it comes from.
///
/// # Errors
/// `rate_limited`.
pub(super) fn count_key_lookup(request: &HttpRequest) -> Result<(), Problem> {
    match Guard::counting(request) {
        Some((guard, from)) => count(request, guard.quotas.key_lookups.as_ref(), || from, 1),
        None => Ok(()),
    }
}

/// Counts requests, or the lines of a file, for the organisation that sent them, and for its key if that is confined to scopes.
///
/// # Errors
/// `rate_limited`.
pub fn count_for_organisation(request: &HttpRequest, actor: &Actor, requests: usize) -> Result<(), Problem> {
    let Some((guard, _)) = Guard::counting(request) else {
        return Ok(());
    };
    let requests = u32::try_from(requests).unwrap_or(u32::MAX);
    if actor.scopes.is_some() {
        count(request, guard.quotas.key.as_ref(), || actor.key, requests)?;
    }
    count(request, guard.quotas.organisation.as_ref(), || actor.organisation, requests)
}

/// Tells how the quotas stand in which the request was counted.
pub(super) fn tell(request: &HttpRequest, headers: &mut HeaderMap) {
    let extensions = request.extensions();
    let Some(Standings(standings)) = extensions.get() else { return };
    let list = |one: fn(&Standing) -> String| standings.iter().map(one).collect::<Vec<_>>().join(", ");
    for (name, text) in [(RATE_LIMIT_POLICY, list(Standing::policy)), (RATE_LIMIT, list(Standing::state))] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_window_full_at_once_and_then_so_many_a_second() {
        let quota = Quota::<u8>::per_second("organisation", 1).unwrap();
        let one = NonZeroU32::MIN;
        for taken in 1..=10 {
            let standing = quota.count(&7, one).unwrap();
            assert_eq!((standing.remaining, standing.whole, standing.seconds), (10 - taken, 10, u64::from(taken)));
        }
        let refused = quota.count(&7, one).unwrap_err();
        assert_eq!(refused.policy(), "\"organisation\";q=10;w=10");
        assert_eq!(refused.state(), "\"organisation\";r=0;t=1");
        // Somebody else is not concerned.
        assert!(quota.count(&8, one).is_ok());
    }

    #[test]
    fn a_file_costs_its_lines_and_at_most_the_whole() {
        let quota = Quota::<u8>::per_second("organisation", 5).unwrap();
        assert_eq!(quota.count(&1, NonZeroU32::new(20).unwrap()).unwrap().remaining, 30);
        let refused = quota.count(&1, NonZeroU32::new(40).unwrap()).unwrap_err();
        assert!((2..=3).contains(&refused.seconds), "{refused:?}");
        assert_eq!(quota.count(&2, NonZeroU32::MAX).unwrap().remaining, 0);
    }

    #[test]
    fn a_quota_of_none_is_none() {
        assert!(Quota::<u8>::per_second("address", 0).is_none());
        assert!(Quota::<u8>::per_second("address", u32::MAX).is_some());
    }

    #[test]
    fn who_is_not_seen_any_more_is_forgotten() {
        let quota = Quota::<u32>::per_second("address", 1000).unwrap();
        for key in 0..1000 {
            quota.count(&key, NonZeroU32::MIN).unwrap();
        }
        assert_eq!(quota.limiter.len(), 1000);
        std::thread::sleep(Duration::from_millis(20));
        quota.sweep();
        assert!(quota.limiter.is_empty(), "{}", quota.limiter.len());
    }
}
