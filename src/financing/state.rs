//! A financing as its events made it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{Beneficiary, BeneficiaryKind, FinancingEvent as Event};
use super::figures;
use super::life::{FirstDisbursement, Life};
use super::scheme::Scheme;
use super::views::{self, FINANCED_COOPERATIVES, FINANCED_ENTERPRISES};
use crate::kernel::{Area, Date, Money, Name, Number, OneOf, Region};
use crate::ledger::{Cell, Claim, Envelope, Fact, Posting, Resource, Stamp, Table};

/// A financing: what its steps made of it. The steps themselves are its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Financing {
    /// About the record.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Who is financed.
    pub beneficiary: Beneficiary,
    /// Where they are.
    pub region: Region,
    /// Who lends.
    pub lender: Uuid,
    /// Under which scheme.
    pub scheme: Scheme,
    /// How much was asked for.
    pub amount: Money,
    /// For what.
    pub purpose: Name,
    /// For how many months.
    pub tenor_months: u16,
    /// The lender's own number of the application.
    pub lender_reference: Option<Number>,
    /// How it stands.
    #[serde(flatten)]
    pub life: Life,
}

impl Financing {
    fn applied(event: &Event, envelope: &Envelope) -> Option<Self> {
        let Event::Applied { beneficiary, region, lender, scheme, amount, purpose, tenor_months, lender_reference } =
            event
        else {
            return None;
        };
        Some(Self {
            stamp: Stamp::default(),
            beneficiary: *beneficiary,
            region: *region,
            lender: *lender,
            scheme: *scheme,
            amount: *amount,
            purpose: purpose.clone(),
            tenor_months: *tenor_months,
            lender_reference: lender_reference.clone(),
            life: Life::since(envelope.occurred_at.day()),
        })
    }
}

impl Resource for Financing {
    type Event = Event;
    const KIND: &'static str = "financing";
    const TABLE: Table = views::TABLE;
    const AREA: Area = Area::Financings;
    const CLAIMS: &'static [&'static str] = &["lender_reference", "akad_number"];
    const MEASURES: &'static [&'static str] = &[FINANCED_COOPERATIVES, FINANCED_ENTERPRISES];
    /// Daily instalments of five years.
    const EVENTS_MAX: i64 = 2000;

    fn evolve(state: Option<Self>, event: &Event, envelope: &Envelope) -> Option<Self> {
        let Some(mut state) = state else {
            return Self::applied(event, envelope);
        };
        if matches!(event, Event::Applied { .. }) {
            return None;
        }
        state.life.apply(event, envelope.event_id, envelope.occurred_at.day());
        Some(state)
    }

    /// A reversal names the step it undoes.
    fn undoes(event: &Event) -> Option<Uuid> {
        match event {
            Event::Reversed { event_id, .. } => Some(*event_id),
            _ => None,
        }
    }

    fn counts_from(_: Option<&Self>, event: &Event, envelope: &Envelope) -> Date {
        event.day().unwrap_or_else(|| envelope.occurred_at.day())
    }

    /// It stands where the figures have it: in no state before the day it came into the one before.
    fn at_end_of(mut self, known: &Self, day: Date) -> Self {
        let stage = known.life.stages.iter().rfind(|stage| stage.since <= day);
        if let Some(stage) = stage.filter(|stage| stage.state != self.life.state) {
            self.life.state = stage.state;
            self.life.state_since = stage.since;
        }
        self
    }

    fn adds(&self, event: &Event, envelope: &Envelope) -> Vec<Posting> {
        figures::of_event(self, event, envelope)
    }
    fn stands_for(&self) -> Vec<Posting> {
        figures::of_state(self)
    }

    /// Since version 2 reports of collectibility tell which report of the month they replace; contracts, top-ups and restructurings which limits
    /// the terms do not keep (before, they were not held against any); settlements what was paid.
    fn schema_version(event_type: &str) -> i32 {
        match event_type {
            "financing.collectibility_reported"
            | "financing.contract_signed"
            | "financing.topped_up"
            | "financing.restructured"
            | "financing.settled" => 2,
            _ => 1,
        }
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }
    fn stamp_mut(&mut self) -> &mut Stamp {
        &mut self.stamp
    }
    fn columns(&self) -> Vec<Cell> {
        vec![
            Cell::text(self.lender),
            Cell::text(self.region),
            Cell::text(self.beneficiary.kind.word()),
            Cell::text(self.beneficiary.id),
            Cell::text(self.scheme.word()),
            Cell::text(self.life.state.word()),
            Cell::Int(self.life.collectibility.as_ref().map(|report| i64::from(report.class))),
            Cell::Int(Some(self.life.terms.as_ref().map_or(self.amount, |terms| terms.plafon).sen())),
            Cell::Int(Some(self.life.disbursed.sen())),
            Cell::Int(Some(self.life.outstanding.map_or(0, Money::sen))),
        ]
    }
    /// A financing is the lender's.
    fn home(&self) -> (Region, Uuid) {
        (self.region, self.lender)
    }
    fn claims(&self) -> Vec<Claim> {
        let claim = |namespace, number: &Number, pointer| Claim {
            namespace,
            value: format!("{}|{}", self.lender, number.normalised()),
            pointer,
            what: namespace,
        };
        let reference =
            self.lender_reference.iter().map(|number| claim("lender_reference", number, "/lender_reference"));
        reference.chain(self.life.akad_numbers().map(|number| claim("akad_number", number, "/akad_number"))).collect()
    }
    /// The first standing disbursement counts: tranches and top-ups never add, a reversal takes away.
    fn facts(&self) -> Vec<Fact> {
        let measure = match self.beneficiary.kind {
            BeneficiaryKind::Cooperative => FINANCED_COOPERATIVES,
            BeneficiaryKind::Enterprise => FINANCED_ENTERPRISES,
        };
        let fact = |first: FirstDisbursement| Fact {
            measure,
            subject: self.beneficiary.id,
            region: self.region,
            value: self.scheme.word().to_owned(),
            occurred_on: first.disbursed_on,
            event_id: first.event_id,
        };
        self.life.first_disbursement.map(fact).into_iter().collect()
    }
}
