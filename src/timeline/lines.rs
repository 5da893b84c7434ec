//! Which events stand on the line, and what is told of them.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::{Date, Timestamp};
use crate::ledger::Event;

crate::words! {
    /// What a line is about.
    LineKind {
        /// The cooperative itself.
        Cooperative = "cooperative",
        /// Its health.
        Health = "health",
        /// Certificates of its managers.
        Certificate = "certificate",
        /// Its financing.
        Financing = "financing",
    }
}

/// One line.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineLine {
    /// The day it happened.
    pub on: Date,
    /// What it is about.
    pub kind: LineKind,
    /// The type of the event.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The event.
    pub event_id: Uuid,
    /// Its position in the log.
    pub position: i64,
    /// The resource it is of.
    pub resource: Uuid,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What it says, in short.
    #[schema(value_type = Object)]
    pub data: Map<String, Value>,
}

/// The member that tells the day, if the event has one, and the members that are told.
type Told = (LineKind, &'static str, &'static [&'static str]);

/// What is told of each type of event; nothing of a type that does not stand here. No worksheets, no reasons, no people.
fn told(event_type: &str) -> Option<Told> {
    use LineKind as K;
    Some(match event_type {
        "cooperative.registered" => (K::Cooperative, "", &["name", "kind", "region"]),
        "cooperative.legal_entity_ratified" => (K::Cooperative, "ratified_on", &["number"]),
        "cooperative.licence_granted" => (K::Cooperative, "", &["kind", "number"]),
        "cooperative.deactivated" | "cooperative.reactivated" | "cooperative.dissolved" => (K::Cooperative, "", &[]),
        "cooperative.health_rated" => (K::Health, "determined_on", &["category", "book_year", "regulation"]),
        "assessment.submitted" => (K::Health, "", &["regulation", "book_year"]),
        "assessment.returned" | "assessment.withdrawn" => (K::Health, "", &[]),
        "certification.certificate_issued" | "certification.renewal_issued" => {
            (K::Certificate, "issued_on", &["valid_until", "role"])
        }
        "certification.suspended" | "certification.reinstated" | "certification.revoked" => (K::Certificate, "", &[]),
        "financing.applied" => (K::Financing, "", &["lender", "scheme", "amount"]),
        "financing.approved" => (K::Financing, "approved_on", &["amount"]),
        "financing.rejected" | "financing.withdrawn" => (K::Financing, "", &[]),
        "financing.contract_signed" => (K::Financing, "signed_on", &["plafon", "tenor_months"]),
        "financing.disbursed" => (K::Financing, "disbursed_on", &["amount"]),
        "financing.topped_up" => (K::Financing, "signed_on", &["amount"]),
        "financing.restructured" => (K::Financing, "restructured_on", &["tenor_months"]),
        "financing.collectibility_reported" => (K::Financing, "position_date", &["scheme", "class", "outstanding"]),
        "financing.settled" => (K::Financing, "settled_on", &[]),
        "financing.guarantee_claimed" => (K::Financing, "claimed_on", &["guarantor", "amount"]),
        "financing.claim_paid" => (K::Financing, "received_on", &["amount"]),
        "financing.written_off" => (K::Financing, "written_off_on", &["amount"]),
        "financing.claim_waived" => (K::Financing, "waived_on", &["amount"]),
        "financing.reversed" => (K::Financing, "", &["event_id"]),
        _ => return None,
    })
}

/// The line of an event, if its type stands on the line.
pub(super) fn line(event: &Event) -> Option<TimelineLine> {
    let envelope = &event.envelope;
    let (kind, day, members) = told(&envelope.event_type)?;
    let data: Value = serde_json::from_str(&event.data).ok()?;
    let on = data[day].as_str().and_then(|text| Date::parse(text).ok());
    let told = members.iter().filter_map(|name| Some(((*name).to_owned(), data.get(*name)?.clone())));
    Some(TimelineLine {
        on: on.unwrap_or_else(|| envelope.occurred_at.day()),
        kind,
        event_type: envelope.event_type.clone(),
        event_id: envelope.event_id,
        position: envelope.position,
        resource: envelope.stream_id,
        occurred_at: envelope.occurred_at,
        recorded_at: envelope.recorded_at,
        data: told.collect(),
    })
}
