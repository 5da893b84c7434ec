//! Rows of financings and of the reports on them.

use super::super::row::{Row, Value, maybe, number, text};
use super::row_of;
use crate::financing::{Collectibility, Financing, FinancingEvent};
use crate::kernel::Date;
use crate::ledger::{Event, Step, steps};

/// A financing, without its purpose, which is free text.
pub(in crate::datasets) fn financing(own: &Financing) -> Row {
    let life = &own.life;
    let (contract, terms) = (life.contract.as_ref(), life.terms.as_ref());
    let (report, guarantee) = (life.collectibility.as_ref(), life.guarantee.as_ref());
    let write_off = life.write_off.as_ref();
    row_of(
        &own.stamp,
        [
            ("id", text(own.stamp.id)),
            ("beneficiary_kind", text(own.beneficiary.kind)),
            ("beneficiary", text(own.beneficiary.id)),
            ("region", text(own.region)),
            ("lender", text(own.lender)),
            ("scheme", text(crate::kernel::OneOf::word(own.scheme))),
            ("amount", Value::Money(own.amount)),
            ("applied_tenor_months", number(own.tenor_months)),
            ("lender_reference", maybe(own.lender_reference.as_ref(), text)),
            ("state", text(life.state)),
            ("state_since", Value::Date(life.state_since)),
            ("approved_amount", maybe(life.approved_amount, Value::Money)),
            ("akad_number", maybe(contract, |it| text(&it.akad_number))),
            ("signed_on", maybe(contract, |it| Value::Date(it.signed_on))),
            ("plafon", maybe(terms, |it| Value::Money(it.plafon))),
            ("annual_rate_percent", maybe(terms, |it| text(&it.annual_rate_percent))),
            ("tenor_months", maybe(terms, |it| number(it.tenor_months))),
            ("restructurings", number(life.restructurings)),
            ("disbursed", Value::Money(life.disbursed)),
            ("capitalised", Value::Money(life.capitalised)),
            ("first_disbursed_on", maybe(life.first_disbursement, |it| Value::Date(it.disbursed_on))),
            ("last_disbursed_on", maybe(life.last_disbursed_on, Value::Date)),
            ("instalments", number(life.repaid.instalments)),
            ("repaid_principal", Value::Money(life.repaid.principal)),
            ("repaid_interest", Value::Money(life.repaid.interest)),
            ("repaid_penalty", Value::Money(life.repaid.penalty)),
            ("last_paid_on", maybe(life.repaid.last_paid_on, Value::Date)),
            ("expected_outstanding", Value::Money(life.expected_outstanding())),
            ("collectibility_scheme", maybe(report, |it| text(it.scheme))),
            ("collectibility_class", maybe(report, |it| number(it.class))),
            ("days_past_due", maybe(report.and_then(|it| it.days_past_due), number)),
            ("position_date", maybe(report, |it| Value::Date(it.position_date))),
            ("outstanding", maybe(life.outstanding, Value::Money)),
            ("settled_on", maybe(life.settled_on, Value::Date)),
            ("guarantee_claimed", maybe(guarantee, |it| Value::Money(it.claimed))),
            ("guarantee_paid", maybe(guarantee, |it| Value::Money(it.paid))),
            ("subrogated", maybe(guarantee, |it| Value::Money(it.subrogated))),
            ("written_off", maybe(write_off, |it| Value::Money(it.amount))),
            ("written_off_on", maybe(write_off, |it| Value::Date(it.written_off_on))),
            ("recovered", maybe(write_off, |it| Value::Money(it.recovered))),
            ("waived", maybe(write_off.and_then(|it| it.waived), Value::Money)),
        ],
    )
}

/// Every report of collectibility on a financing, those that were undone marked; of a day, those of its position or an earlier one.
///
/// # Errors
/// When an event does not decode.
pub(in crate::datasets) fn reports(own: &Financing, events: &[Event], day: Option<Date>) -> Result<Vec<Row>, String> {
    let steps = steps::<Financing>(events)?;
    let reports: Vec<_> = steps
        .iter()
        .filter_map(|step| match &step.event {
            FinancingEvent::CollectibilityReported(report) => Some((step, report)),
            _ => None,
        })
        .filter(|(_, report)| day.is_none_or(|day| report.position_date <= day))
        .collect();
    // A report of a later day has taken no other's place yet.
    let told = |id: &uuid::Uuid| reports.iter().any(|(step, _)| step.envelope.event_id == *id);
    let row = |(step, report): &(&Step<'_, Financing>, &Collectibility)| {
        vec![
            ("report", text(step.envelope.event_id)),
            ("financing", text(own.stamp.id)),
            ("lender", text(own.lender)),
            ("region", text(own.region)),
            ("scheme", text(crate::kernel::OneOf::word(own.scheme))),
            ("position_date", Value::Date(report.position_date)),
            ("collectibility_scheme", text(report.scheme)),
            ("class", number(report.class)),
            ("days_past_due", maybe(report.days_past_due, number)),
            ("outstanding", Value::Money(report.outstanding)),
            ("mismatch", Value::Boolean(report.mismatch)),
            ("replaces", maybe(report.replaces.as_ref(), |it| text(it.event_id))),
            ("superseded_by", maybe(report.superseded_by.filter(told), text)),
            ("reversed", Value::Boolean(step.undone)),
            ("recorded_at", Value::Instant(step.envelope.recorded_at)),
            ("position", Value::Integer(step.envelope.position)),
        ]
    };
    Ok(reports.iter().map(row).collect())
}
