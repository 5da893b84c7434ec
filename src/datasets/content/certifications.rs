//! Rows of certifications.

use super::super::row::{Row, Value, maybe, number, text};
use super::row_of;
use crate::certifications::Certification;

/// A certification. Its manager is an id; who that is, nobody learns here.
pub(in crate::datasets) fn certification(own: &Certification) -> Row {
    let certificate = own.certificate.as_ref();
    row_of(
        &own.stamp,
        [
            ("id", text(own.stamp.id)),
            ("manager", text(own.manager)),
            ("region", text(own.region)),
            ("scheme", text(&own.scheme)),
            ("certifier", text(own.certifier)),
            ("state", text(own.state)),
            ("attempt", maybe(own.attempt, number)),
            ("put_forward_on", Value::Date(own.put_forward_on)),
            ("assessed_on", maybe(own.assessed_on, Value::Date)),
            ("appeal_outcome", maybe(own.appeal.as_ref().and_then(|appeal| appeal.outcome), text)),
            ("certificate_number", maybe(certificate, |it| text(&it.certificate_number))),
            (
                "registration_number",
                maybe(certificate.and_then(|certificate| certificate.registration_number.as_ref()), text),
            ),
            ("issued_on", maybe(certificate, |it| Value::Date(it.issued_on))),
            ("valid_until", maybe(certificate, |it| Value::Date(it.valid_until))),
            ("role", maybe(certificate.and_then(|certificate| certificate.role), text)),
            ("surveillances", number(own.surveillances.len())),
            ("renews", maybe(own.renews.as_ref(), |link| text(link.certification))),
            ("renewed_by", maybe(own.renewed_by.as_ref(), |link| text(link.certification))),
        ],
    )
}
