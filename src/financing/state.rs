//! A financing as its events made it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{Beneficiary, BeneficiaryKind, FinancingEvent as Event, Scheme};
use super::life::Life;
use super::views::{self, FINANCED_COOPERATIVES, FINANCED_ENTERPRISES};
use crate::kernel::{Area, Money, Name, Number, OneOf, Region, Timestamp};
use crate::ledger::{Cell, Claim, Envelope, Fact, Resource, Stamp, Table};

/// One step of a financing's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// The event; what a reversal names.
    pub event_id: Uuid,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub event: Event,
    /// The event that undid it.
    pub reversed_by: Option<Uuid>,
}

/// A financing.
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
    /// Every step after the application, in the order of recording.
    pub entries: Vec<Entry>,
}

impl Financing {
    /// The life told again without one entry, and the ids of later entries that could not have happened then.
    pub fn without(&self, event_id: Uuid) -> (Life, Vec<Uuid>) {
        let mut life = Life::default();
        let mut contradicted = Vec::new();
        for entry in self.standing().filter(|entry| entry.event_id != event_id) {
            if life.check(&entry.event).is_ok() {
                life.apply(&entry.event);
            } else {
                contradicted.push(entry.event_id);
            }
        }
        (life, contradicted)
    }

    /// Entries that were not reversed.
    pub fn standing(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.reversed_by.is_none())
    }

    fn applied(event: &Event) -> Option<Self> {
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
            life: Life::default(),
            entries: Vec::new(),
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

    fn evolve(state: Option<Self>, event: &Event, envelope: &Envelope) -> Option<Self> {
        let Some(mut state) = state else {
            return Self::applied(event);
        };
        match event {
            Event::Applied { .. } => return None,
            Event::Reversed { event_id, .. } => {
                let (life, _) = state.without(*event_id);
                state.life = life;
                state.entries.iter_mut().find(|entry| entry.event_id == *event_id)?.reversed_by =
                    Some(envelope.event_id);
            }
            step => state.life.apply(step),
        }
        state.entries.push(Entry {
            event_id: envelope.event_id,
            occurred_at: envelope.occurred_at,
            recorded_at: envelope.recorded_at,
            event: event.clone(),
            reversed_by: None,
        });
        Some(state)
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
        let akad =
            self.life.contract.iter().map(|contract| claim("akad_number", &contract.akad_number, "/akad_number"));
        reference.chain(akad).collect()
    }
    /// The first standing disbursement counts: tranches and top-ups never add, a reversal takes away.
    fn facts(&self) -> Vec<Fact> {
        let tranches = self.standing().filter_map(|entry| match &entry.event {
            Event::Disbursed(tranche) => Some((tranche.disbursed_on, entry.event_id)),
            _ => None,
        });
        let measure = match self.beneficiary.kind {
            BeneficiaryKind::Cooperative => FINANCED_COOPERATIVES,
            BeneficiaryKind::Enterprise => FINANCED_ENTERPRISES,
        };
        let first = tranches.min_by_key(|(day, _)| *day);
        let fact = |(occurred_on, event_id)| Fact {
            measure,
            subject: self.beneficiary.id,
            region: self.region,
            value: self.scheme.word().to_owned(),
            occurred_on,
            event_id,
        };
        first.map(fact).into_iter().collect()
    }
}
