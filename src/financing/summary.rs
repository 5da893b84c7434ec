//! What financings add up to, now, for whoever asks: told apart as they like, within what their rights reach.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::views::{SummaryParams, SummaryPart, SummaryRow};
use crate::kernel::{Money, OneOf, Refusal};
use crate::storage::ReadError;

/// Financings of one combination, added up.
#[derive(Debug, Serialize, ToSchema)]
pub struct FinancingSum {
    /// How many.
    pub count: i64,
    /// Plafon in force; before the contract, what was asked for.
    pub plafon: Money,
    /// Paid out.
    pub disbursed: Money,
    /// Owed, as last reported while the books were open (a debt that was written off is still owed); nothing of what is settled or waived.
    pub outstanding: Money,
    /// What they are told apart by, each under its own name; null where there is none yet, such as a class never reported.
    #[serde(flatten)]
    #[schema(additional_properties, value_type = Object)]
    pub apart: Map<String, Value>,
}

/// Reads `by`.
///
/// # Errors
/// `invalid_parameter`.
pub(super) fn told_apart(params: &SummaryParams) -> Result<Vec<SummaryPart>, Refusal> {
    let by = params.by.as_deref().unwrap_or("state");
    let names: Vec<&str> = by.split(',').filter(|_| !by.is_empty()).collect();
    let part = |(place, name): (usize, &&str)| {
        if names[..place].contains(name) {
            return Err(Refusal::named_twice("?by", name));
        }
        serde_json::from_value::<SummaryPart>(Value::from(*name)).map_err(|_| {
            let why = text!(
                "Tidak dapat dirinci menurut `{name}`; pilih dari: lender, scheme, region, beneficiary_kind, state, collectibility.",
                "Financings cannot be told apart by `{name}`; choose from: lender, scheme, region, beneficiary_kind, state, collectibility."
            );
            Refusal::parameter("?by", "unknown_part", why)
        })
    };
    names.iter().enumerate().map(part).collect()
}

/// A sum in two parts: billions of sen, and the rest.
fn rupiah(parts: &str) -> Result<Money, ReadError> {
    let corrupt = || ReadError::Corrupt(format!("a sum cannot be read: {parts}"));
    let (high, low) = parts.split_once(',').ok_or_else(corrupt)?;
    let number = |text: &str| text.parse::<i128>().map_err(|_| corrupt());
    Ok(Money::idr(Decimal::from_i128_with_scale(number(high)? * 1_000_000_000 + number(low)?, 2)))
}

/// A row as it is shown.
pub(super) fn shown(row: &SummaryRow, by: &[SummaryPart]) -> Result<FinancingSum, ReadError> {
    let value = |part: SummaryPart, text: &str| match (part, text.parse::<i64>()) {
        (_, Err(_)) if text.is_empty() => Value::Null,
        (SummaryPart::Collectibility, Ok(class)) => Value::from(class),
        _ => Value::from(text),
    };
    Ok(FinancingSum {
        count: row.count,
        plafon: rupiah(&row.plafon)?,
        disbursed: rupiah(&row.disbursed)?,
        outstanding: rupiah(&row.outstanding)?,
        apart: by
            .iter()
            .zip(row.key.split('|'))
            .map(|(part, text)| (part.word().to_owned(), value(*part, text)))
            .collect(),
    })
}
