//! Plays commands on the days of 2014.

use std::cell::RefCell;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::registers::ORGANISATIONS;
use crate::kernel::{Actor, Date, Name, Note, Number, OrganisationKind, PROVINCE, Region, Timestamp};
use crate::ledger::{Context, Decide};
use crate::storage::OpenError;
use crate::web::{Problem, Service};

/// Milliseconds of 17 February 2014, 00:00 UTC: the time part of the demonstration's ids.
const IDS_FROM_MILLIS: u64 = 1_392_595_200_000;
/// How long after it happened the demonstration records something, in microseconds: two hours.
const RECORDED_AFTER_MICROS: i64 = 2 * 3600 * 1_000_000;

/// The id of the n-th resource of a kind: the same in every demonstration.
pub fn id(kind: &str, number: usize) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(format!("demonstration/{kind}/{number}").as_bytes()).into();
    let mut tail = [0; 10];
    tail.copy_from_slice(&digest[..10]);
    uuid::Builder::from_unix_timestamp_millis(IDS_FROM_MILLIS + number as u64, &tail).into_uuid()
}

type Run<'a> = Box<dyn FnOnce(&Service, Context) -> Result<(), OpenError> + 'a>;

/// Collects what is to happen, then plays it in the order of the days.
pub struct Player<'a> {
    /// Where commands go.
    pub service: &'a Service,
    script: RefCell<Vec<(Timestamp, Actor, Run<'a>)>>,
}

impl<'a> Player<'a> {
    /// A player on a service whose clock can be set.
    pub fn new(service: &'a Service) -> Self {
        Self { service, script: RefCell::new(Vec::new()) }
    }

    /// `actor` does something on a day, at nine in the morning.
    pub fn play<C: Decide>(&self, actor: &Actor, day: &str, id: Uuid, command: C) -> Result<(), OpenError> {
        self.play_late(actor, day, id, move |_| Ok(command))
    }

    /// As [`Player::play`], with a command that can be made only when its day has come.
    pub fn play_late<C: Decide>(
        &self,
        actor: &Actor,
        day: &str,
        id: Uuid,
        make: impl FnOnce(&Service) -> Result<C, OpenError> + 'a,
    ) -> Result<(), OpenError> {
        let occurred_at = parsed(Timestamp::parse(&format!("{day}T09:00:00+08:00")))?;
        let day = day.to_owned();
        let run = move |service: &Service, context: Context| {
            let answer = service.ledger.execute(id, make(service)?, context);
            answer.result.map(|_| ()).map_err(|refusal| {
                let at: Vec<&str> = refusal.faults.iter().map(|fault| fault.pointer.as_str()).collect();
                OpenError(format!("the demonstration was refused on {day}: {} {at:?}", refusal.detail.en))
            })
        };
        self.script.borrow_mut().push((occurred_at, actor.clone(), Box::new(run)));
        Ok(())
    }

    /// Plays the script, the clock going along; each thing is recorded two hours after it happened.
    pub fn run(self) -> Result<(), OpenError> {
        let mut script = self.script.into_inner();
        script.sort_by_key(|(occurred_at, ..)| *occurred_at);
        for (occurred_at, actor, run) in script {
            self.service.clock.move_to(Timestamp::from_micros(occurred_at.micros() + RECORDED_AFTER_MICROS));
            run(self.service, Context { occurred_at: Some(occurred_at), ..Context::internal(actor, "demonstration") })?;
        }
        Ok(())
    }

    /// The n-th organisation of a kind, as an actor.
    #[allow(clippy::unused_self, reason = "reads as a question to the player")]
    pub fn actor(&self, kind: OrganisationKind, nth: usize) -> Actor {
        let mut found = ORGANISATIONS.iter().enumerate().filter(|(_, organisation)| organisation.kind == kind);
        let (index, organisation) = found.nth(nth).unwrap_or((0, &ORGANISATIONS[0]));
        Actor {
            organisation: id("organisation", index),
            kind: organisation.kind,
            region: organisation.region().unwrap_or(PROVINCE),
            key: Uuid::nil(),
            scopes: None,
        }
    }

    /// The provincial office.
    pub fn province(&self) -> Actor {
        self.actor(OrganisationKind::Province, 0)
    }

    /// The office of a regency or city.
    pub fn regency(&self, region: Region) -> Actor {
        let regencies = ORGANISATIONS.iter().filter(|organisation| organisation.kind == OrganisationKind::Regency);
        let nth = regencies.take_while(|organisation| organisation.region() != Some(region)).count();
        self.actor(OrganisationKind::Regency, nth)
    }
}

/// Unwraps what was parsed from the demonstration's own text.
pub fn parsed<T>(result: Result<T, crate::kernel::Text>) -> Result<T, OpenError> {
    result.map_err(|why| OpenError(format!("the demonstration's own data: {}", why.en)))
}

/// A name.
pub fn name(text: &str) -> Result<Name, OpenError> {
    parsed(Name::parse(text))
}

/// A remark.
pub fn note(text: &str) -> Result<Note, OpenError> {
    parsed(Note::parse(text))
}

/// An official number.
pub fn number(text: &str) -> Result<Number, OpenError> {
    parsed(Number::parse(text))
}

/// A day.
pub fn date(text: &str) -> Result<Date, OpenError> {
    parsed(Date::parse(text))
}

/// A day so many days after another.
pub fn day(from: &str, later: usize) -> Result<String, OpenError> {
    Ok(date(from)?.plus_days(i32::try_from(later).unwrap_or_default()).to_string())
}

/// A problem of the toolkit.
pub fn failed(problem: &Problem) -> OpenError {
    OpenError(problem.0.detail.en.clone().into_owned())
}
