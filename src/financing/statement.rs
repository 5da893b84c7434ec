//! The statement: every step in the order of its day, what they add up to, and how far the lender's reports drift from that.

use std::cmp::Reverse;

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::FinancingEvent as Event;
use super::life::{FinancingState, Guarantee, Repaid, Terms, WriteOff};
use super::state::Financing;
use crate::kernel::{Date, Money, Timestamp};
use crate::ledger::Step;

/// A financing's account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Statement {
    /// The financing.
    pub financing: Uuid,
    /// Who lends.
    pub lender: Uuid,
    /// Where it stands.
    pub state: FinancingState,
    /// The log position the account is as of.
    pub as_of_position: i64,
    /// The terms in force.
    pub terms: Option<Terms>,
    /// The most that may be disbursed.
    pub plafon: Option<Money>,
    /// Sum of the tranches.
    pub disbursed: Money,
    /// Interest in arrears that became debt.
    pub capitalised: Money,
    /// What the debtor has paid.
    pub repaid: Repaid,
    /// What is owed by the steps: disbursed and capitalised, less the principal repaid, what the guarantor paid and what came in after a
    /// write-off; nothing once it is settled or waived.
    pub expected_outstanding: Money,
    /// What is owed as the lender last reported.
    pub outstanding: Option<Money>,
    /// The day of that report.
    pub position_date: Option<Date>,
    /// Reported less expected, both on the day of the last report; nothing when they agree is "0.00"; null when it is a settlement that does not
    /// tell what was paid.
    pub drift: Option<Money>,
    /// What was claimed from the guarantor.
    pub guarantee: Option<Guarantee>,
    /// What was written off.
    pub write_off: Option<WriteOff>,
    /// Every step, by the day it is about.
    pub lines: Vec<Line>,
}

/// One step.
#[derive(Debug, Serialize, ToSchema)]
pub struct Line {
    /// The day it is about.
    pub day: Date,
    /// The event; what a reversal names.
    pub event_id: Uuid,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its position in the log.
    pub position: i64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Its amount, if it has one.
    pub amount: Option<Money>,
    /// What is owed as the lender reports, in a report or a settlement.
    pub outstanding: Option<Money>,
    /// The class of a report.
    pub class: Option<u8>,
    /// What was disbursed up to and with this line.
    pub disbursed: Money,
    /// What principal was repaid up to and with this line.
    pub repaid: Money,
    /// What is owed by the steps up to and with this line.
    pub expected_outstanding: Money,
    /// Reported less expected.
    pub drift: Option<Money>,
    /// Whether it was undone; then it counts for nothing.
    pub reversed: bool,
    /// The event it undoes, when it is a reversal.
    pub reverses: Option<Uuid>,
}

/// What the steps so far add up to.
#[derive(Clone, Copy, Default)]
struct Sums {
    disbursed: Decimal,
    capitalised: Decimal,
    /// Principal paid back.
    repaid: Decimal,
    /// Paid by the guarantor, or come in after a write-off.
    others: Decimal,
}

impl Sums {
    fn add(&mut self, event: &Event) {
        match event {
            Event::Disbursed(tranche) => self.disbursed += tranche.amount.amount(),
            Event::Restructured(terms) => self.capitalised += terms.capitalised.amount(),
            Event::InstalmentPaid(paid) => self.repaid += paid.principal.amount(),
            Event::Settled { payoff: Some(paid), .. } => self.repaid += paid.principal.amount(),
            Event::ClaimPaid(receipt) | Event::Recovered(receipt) => self.others += receipt.amount.amount(),
            _ => {}
        }
    }

    fn owed(self) -> Decimal {
        (self.disbursed + self.capitalised - self.repaid - self.others).max(Decimal::ZERO)
    }
}

/// Whether nothing is owed from this step on.
const fn closes(event: &Event) -> bool {
    matches!(event, Event::Settled { .. } | Event::ClaimWaived { .. })
}

/// Whether what is owed as the lender says can be held against the steps: a settlement that does not tell what was paid cannot.
const fn comparable(event: &Event) -> bool {
    !matches!(event, Event::Settled { payoff: None, .. })
}

fn together(parts: [Money; 3]) -> Money {
    Money::idr(parts.into_iter().map(Money::amount).sum())
}

fn amount(event: &Event) -> Option<Money> {
    match event {
        Event::Applied { amount, .. }
        | Event::Approved { amount, .. }
        | Event::ToppedUp { amount, .. }
        | Event::WrittenOff { amount, .. }
        | Event::ClaimWaived { amount, .. } => Some(*amount),
        Event::ContractSigned(contract) => Some(contract.plafon),
        Event::Disbursed(tranche) => Some(tranche.amount),
        Event::InstalmentPaid(paid) => Some(together([paid.principal, paid.interest, paid.penalty])),
        Event::Settled { payoff: Some(paid), .. } => Some(together([paid.principal, paid.interest, paid.penalty])),
        Event::GuaranteeClaimed(claim) => Some(claim.amount),
        Event::ClaimPaid(receipt) | Event::Subrogated(receipt) | Event::Recovered(receipt) => Some(receipt.amount),
        _ => None,
    }
}

/// What is owed as the lender says, and the class.
fn reported(event: &Event) -> (Option<Money>, Option<u8>) {
    match event {
        Event::CollectibilityReported(report) => (Some(report.outstanding), Some(report.class)),
        Event::Settled { .. } => (Some(Money::idr(Decimal::ZERO)), None),
        _ => (None, None),
    }
}

/// The account of a financing from its steps.
pub(super) fn statement(own: &Financing, steps: Vec<Step<'_, Financing>>, as_of_position: i64) -> Statement {
    let day = |step: &Step<'_, Financing>| step.event.day().unwrap_or_else(|| step.envelope.occurred_at.day());
    let mut steps = steps;
    // On one day a report tells how the day ended, so it stands last.
    steps.sort_by_key(|step| (day(step), reported(&step.event).0.is_some(), step.envelope.position));
    let (mut sums, mut closed) = (Sums::default(), false);
    let mut lines = Vec::with_capacity(steps.len());
    for step in steps {
        let (outstanding, class) = reported(&step.event);
        if !step.undone {
            sums.add(&step.event);
            closed |= closes(&step.event);
        }
        let told = outstanding.filter(|_| !step.undone && comparable(&step.event));
        lines.push(Line {
            day: day(&step),
            event_id: step.envelope.event_id,
            event_type: step.envelope.event_type.clone(),
            position: step.envelope.position,
            recorded_at: step.envelope.recorded_at,
            amount: amount(&step.event),
            outstanding,
            class,
            disbursed: Money::idr(sums.disbursed),
            repaid: Money::idr(sums.repaid),
            expected_outstanding: Money::idr(if closed { Decimal::ZERO } else { sums.owed() }),
            drift: told.map(|said| Money::idr(said.amount() - sums.owed())),
            reversed: step.undone,
            reverses: if let Event::Reversed { event_id, .. } = step.event { Some(event_id) } else { None },
        });
    }
    let life = &own.life;
    let said = lines.iter().filter(|line| line.outstanding.is_some() && !line.reversed);
    let last_said = said.min_by_key(|line| Reverse((line.day, line.position)));
    Statement {
        financing: own.stamp.id,
        lender: own.lender,
        state: life.state,
        as_of_position,
        plafon: life.terms.as_ref().map(|terms| terms.plafon),
        terms: life.terms.clone(),
        disbursed: life.disbursed,
        capitalised: life.capitalised,
        repaid: life.repaid,
        expected_outstanding: life.expected_outstanding(),
        outstanding: life.outstanding,
        position_date: last_said.map(|line| line.day),
        drift: last_said.and_then(|line| line.drift),
        guarantee: life.guarantee.clone(),
        write_off: life.write_off.clone(),
        lines,
    }
}
