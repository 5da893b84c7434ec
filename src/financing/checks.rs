//! The amounts and days that a step must respect, beside the state it fits.

use rust_decimal::Decimal;

use super::events::FinancingEvent as Event;
use super::life::Life;
use crate::kernel::{Date, Money, Number, Refusal, Text};

/// No single amount of a financing is larger: one trillion rupiah (satu triliun). What a figure adds up always fits its column then.
const AMOUNT_MAX: Decimal = Decimal::from_parts(0xD4A5_1000, 0xE8, 0, false, 0);

/// Refuses an amount that is not positive, or too large to be meant.
///
/// # Errors
/// A rule refusal that points at `pointer`.
pub(super) fn require_amount(amount: Money, pointer: &str) -> Result<Money, Refusal> {
    require_not_negative(amount, pointer)?.require_positive(pointer)
}

/// As [`require_amount`], but nothing is an amount too.
///
/// # Errors
/// A rule refusal that points at `pointer`.
pub(super) fn require_not_negative(amount: Money, pointer: &str) -> Result<Money, Refusal> {
    if amount.amount().is_sign_negative() {
        let why = Text::fixed("Jumlah ini tidak dapat negatif.", "This amount cannot be negative.");
        return Err(Refusal::rule(pointer, "amount_negative", why));
    }
    if amount.amount() > AMOUNT_MAX {
        let why = Text::fixed(
            "Jumlah ini melebihi satu triliun rupiah; periksa nolnya.",
            "This amount is above one trillion rupiah; check its zeros.",
        );
        return Err(Refusal::rule(pointer, "amount_too_large", why));
    }
    Ok(amount)
}

fn refused(pointer: &str, code: &'static str, why: Text) -> Result<(), Refusal> {
    Err(Refusal::rule(pointer, code, why))
}

fn require_not_before(day: Date, earliest: Option<Date>, pointer: &str) -> Result<(), Refusal> {
    match earliest {
        Some(earliest) if day < earliest => Err(Refusal::rule(
            pointer,
            "before_its_cause",
            text!(
                "Hari ini mendahului {earliest}, hari dari peristiwa yang mendasarinya.",
                "This day precedes {earliest}, the day of what it follows from."
            ),
        )),
        _ => Ok(()),
    }
}

/// Whether the amounts and days of a step that fits the state fit what happened so far.
///
/// # Errors
/// A rule refusal.
pub(super) fn amounts_and_days(life: &Life, step: &Event) -> Result<(), Refusal> {
    let first_paid_out = life.first_disbursement.map(|first| first.disbursed_on);
    match step {
        Event::ContractSigned(contract) => plafon(life, contract.plafon),
        Event::Disbursed(tranche) => {
            room_in_plafon(life, tranche.amount)?;
            if life.contract.as_ref().is_some_and(|contract| tranche.disbursed_on < contract.signed_on) {
                let why = Text::fixed(
                    "Pencairan tidak dapat mendahului tanggal akad.",
                    "A disbursement cannot precede the day the contract was signed.",
                );
                return Err(Refusal::rule("/disbursed_on", "before_contract", why));
            }
            Ok(())
        }
        Event::InstalmentPaid(paid) => {
            require_not_before(paid.paid_on, first_paid_out, "/paid_on")?;
            debt_covers(life, paid.principal)
        }
        Event::CollectibilityReported(report) => {
            // A month-end of the time before is corrected even when the books are closed; none of the time after.
            if let Some(closed) = life.closed_on().filter(|closed| report.position_date >= *closed) {
                let why = text!(
                    "Pembukuan ditutup pada {closed}; laporkan hanya hari sebelumnya.",
                    "The books were closed on {closed}; report on days before that only."
                );
                return Err(Refusal::rule("/position_date", "after_closing", why));
            }
            require_not_before(report.position_date, first_paid_out, "/position_date")
        }
        Event::Restructured(terms) => require_not_before(terms.restructured_on, first_paid_out, "/restructured_on"),
        Event::ToppedUp { signed_on, akad_number, .. } => {
            require_not_before(*signed_on, life.contract.as_ref().map(|contract| contract.signed_on), "/signed_on")?;
            akad_number.as_ref().map_or(Ok(()), |number| new_akad_number(life, number))
        }
        Event::Settled { settled_on, payoff } => {
            require_not_before(*settled_on, life.last_day(), "/settled_on")?;
            payoff.as_ref().map_or(Ok(()), |payoff| debt_covers(life, payoff.principal))
        }
        _ => aftermath(life, step, first_paid_out),
    }
}

/// The same for what follows when a debt goes bad.
fn aftermath(life: &Life, step: &Event, first_paid_out: Option<Date>) -> Result<(), Refusal> {
    match step {
        Event::GuaranteeClaimed(claim) => {
            require_not_before(claim.claimed_on, first_paid_out, "/claimed_on")?;
            let claimed = life.guarantee.as_ref().map_or(Decimal::ZERO, |guarantee| guarantee.claimed.amount());
            let open = life.disbursed.amount() + life.capitalised.amount() - claimed;
            let why = text!(
                "Klaim melebihi yang dicairkan dan belum diklaim, {open}.",
                "The claim is above what was disbursed and not yet claimed, {open}."
            );
            at_most(claim.amount, open, "above_disbursed", why)
        }
        Event::ClaimPaid(receipt) => {
            let guarantee = life.guarantee.as_ref().ok_or_else(|| life.wrong_state())?;
            require_not_before(receipt.received_on, Some(guarantee.claimed_on), "/received_on")?;
            let open = guarantee.claimed.amount() - guarantee.paid.amount();
            let why = text!(
                "Pembayaran melebihi klaim yang belum dibayar, {open}; catat klaimnya lebih dahulu.",
                "The payment is above what is claimed and not yet paid, {open}; record the claim first."
            );
            at_most(receipt.amount, open, "above_claim", why)
        }
        Event::Subrogated(receipt) => {
            let guarantee = life.guarantee.as_ref().ok_or_else(|| life.wrong_state())?;
            require_not_before(receipt.received_on, guarantee.paid_on, "/received_on")?;
            let open = guarantee.paid.amount() - guarantee.subrogated.amount();
            let why = text!(
                "Subrogasi melebihi klaim yang dibayar penjamin dan belum kembali, {open}.",
                "The subrogation is above what the guarantor paid and has not had back, {open}."
            );
            at_most(receipt.amount, open, "above_claim_paid", why)
        }
        Event::WrittenOff { amount, written_off_on, .. } => {
            require_not_before(*written_off_on, life.last_day(), "/written_off_on")?;
            let expected = life.expected_outstanding();
            let owed = expected.max(life.outstanding.unwrap_or(expected)).amount();
            let why = text!(
                "Hapus buku melebihi yang masih terutang, {owed}.",
                "The write-off is above what is still owed, {owed}."
            );
            at_most(*amount, owed, "above_debt", why)
        }
        Event::Recovered(receipt) => {
            require_not_before(receipt.received_on, life.closed_on(), "/received_on")?;
            left_of_write_off(life, receipt.amount)
        }
        Event::ClaimWaived { amount, waived_on, .. } => {
            require_not_before(*waived_on, life.closed_on(), "/waived_on")?;
            left_of_write_off(life, *amount)
        }
        _ => Ok(()),
    }
}

/// What was written off and neither came in nor was given up.
fn left_of_write_off(life: &Life, amount: Money) -> Result<(), Refusal> {
    let write_off = life.write_off.as_ref().ok_or_else(|| life.wrong_state())?;
    let left = write_off.amount.amount() - write_off.recovered.amount();
    let why = text!(
        "Jumlah ini melebihi sisa hapus buku, {left}.",
        "This amount is above what is left of the write-off, {left}."
    );
    at_most(amount, left, "above_write_off", why)
}

fn at_most(amount: Money, most: Decimal, code: &'static str, why: Text) -> Result<(), Refusal> {
    if amount.amount() <= most { Ok(()) } else { refused("/amount", code, why) }
}

fn plafon(life: &Life, plafon: Money) -> Result<(), Refusal> {
    let approved = life.approved_amount.map_or(Decimal::ZERO, Money::amount);
    if plafon.amount() <= approved {
        return Ok(());
    }
    let why = text!(
        "Plafon melebihi jumlah yang disetujui, {approved}; catat persetujuan yang benar lebih dahulu.",
        "The plafon is above the approved amount, {approved}; record the right approval first."
    );
    refused("/plafon", "above_approved_amount", why)
}

fn room_in_plafon(life: &Life, amount: Money) -> Result<(), Refusal> {
    let plafon = life.terms.as_ref().map_or(Decimal::ZERO, |terms| terms.plafon.amount());
    let left = plafon - life.disbursed.amount();
    if amount.amount() <= left {
        return Ok(());
    }
    let why = text!(
        "Pencairan melebihi plafon {plafon}; yang masih dapat dicairkan {left}.",
        "The disbursement goes above the plafon of {plafon}; {left} is left."
    );
    refused("/amount", "above_plafon", why)
}

fn new_akad_number(life: &Life, number: &Number) -> Result<(), Refusal> {
    if life.akad_numbers().all(|known| known.normalised() != number.normalised()) {
        return Ok(());
    }
    let why = Text::fixed(
        "Akad atau adendum pembiayaan ini sudah bernomor demikian; adendum baru bernomor baru.",
        "The contract or an addendum of this financing has this number already; a new addendum has a new one.",
    );
    refused("/akad_number", "repeated_number", why)
}

fn debt_covers(life: &Life, principal: Money) -> Result<(), Refusal> {
    let owed = life.expected_outstanding().amount();
    if principal.amount() <= owed {
        return Ok(());
    }
    let why = text!(
        "Pokok yang dibayar melebihi pokok yang masih terutang menurut catatan, {owed}.",
        "The principal paid is above the principal still owed by the records, {owed}."
    );
    refused("/principal", "above_debt", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_amount_is_one_trillion() {
        assert_eq!(AMOUNT_MAX, Decimal::from(1_000_000_000_000_i64));
        let sen = |sen: i64| Money::idr(Decimal::new(sen, 2));
        assert!(require_amount(sen(100_000_000_000_000), "/amount").is_ok());
        assert!(require_amount(sen(100_000_000_000_001), "/amount").is_err());
        assert!(require_amount(sen(0), "/amount").is_err() && require_not_negative(sen(0), "/amount").is_ok());
        assert!(require_not_negative(sen(-1), "/amount").is_err());
    }
}
