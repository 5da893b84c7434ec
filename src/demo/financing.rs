//! Four cooperatives and 24 enterprises apply at three banks; three and twenty-one are paid, one payment is reversed.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::player::{Player, date, day, id, name, note, number};
use crate::financing::{
    Apply, Approve, BeneficiaryKind, BeneficiaryReference, CollectibilityScheme, Disburse, Financing, PayInstalment,
    Reject, ReportCollectibility, Reverse, Scheme, Settle, SignContract, WithdrawApplication,
};
use crate::kernel::{Actor, Id, Money, OrganisationKind};
use crate::storage::{OpenError, ReadError};
use crate::web::Stored;

/// The enterprise whose payment is reversed.
const REVERSED: usize = 20;

fn millions(amount: i64) -> Money {
    Money::idr(Decimal::from(amount * 1_000_000))
}

fn bank(player: &Player<'_>, nth: usize) -> Actor {
    player.actor(OrganisationKind::Bank, nth % 3)
}

struct Case {
    financing: Uuid,
    bank: Actor,
    amount: i64,
    akad: String,
}

fn apply(player: &Player<'_>, kind: BeneficiaryKind, nth: usize) -> Result<Case, OpenError> {
    let (label, scheme, amount, tenor_months) = match kind {
        BeneficiaryKind::Cooperative => ("cooperative", "kur_linkage", 400 + 100 * nth, 36),
        BeneficiaryKind::Enterprise if nth.is_multiple_of(4) => ("enterprise", "kur_ritel", 60 + 5 * nth, 24),
        BeneficiaryKind::Enterprise => ("enterprise", "kur_mikro", 10 + nth % 10, 18),
    };
    let scheme = Scheme::parse(scheme).map_err(|why| OpenError(why.en.into_owned()))?;
    let amount = i64::try_from(amount).unwrap_or_default();
    let case = Case {
        financing: id(&format!("financing-{label}"), nth),
        bank: bank(player, nth),
        amount,
        akad: format!("{:03}/PK/PERAGAAN-{label}/2014", nth + 1),
    };
    let command = Apply {
        beneficiary: BeneficiaryReference { kind, id: Id(id(label, nth)) },
        lender: None,
        scheme,
        amount: millions(amount),
        purpose: name("Modal kerja")?,
        tenor_months,
        lender_reference: Some(number(&format!("DEMO-{label}-{:03}", nth + 1))?),
    };
    player.play(&case.bank, &day("2014-03-18", nth / 4)?, case.financing, command)?;
    Ok(case)
}

fn sign(player: &Player<'_>, case: &Case, on: &str) -> Result<(), OpenError> {
    player.play(&case.bank, &day(on, 0)?, case.financing, Approve { amount: None, approved_on: None })?;
    let contract = SignContract {
        akad_number: number(&case.akad)?,
        signed_on: date(&day(on, 3)?)?,
        plafon: millions(case.amount),
        annual_rate_percent: "13.00".to_owned(),
        tenor_months: 24,
        breaches: Vec::new(),
    };
    player.play(&case.bank, &day(on, 3)?, case.financing, contract)
}

fn disburse(player: &Player<'_>, case: &Case, on: &str, share: i64) -> Result<(), OpenError> {
    let amount = Money::idr(Decimal::from(case.amount * 10_000 * share));
    player.play(&case.bank, on, case.financing, Disburse { amount, disbursed_on: None, reference: None })
}

/// A first instalment: a twenty-fourth of the debt, and interest of two hundredths of it.
fn pay(player: &Player<'_>, case: &Case, on: &str) -> Result<(), OpenError> {
    let part = |share: Decimal| Money::idr((Decimal::from(case.amount * 1_000_000) * share).round_dp(2));
    let instalment = PayInstalment {
        paid_on: None,
        principal: part(Decimal::ONE / Decimal::from(24)),
        interest: Some(part(Decimal::new(2, 2))),
        penalty: None,
        reference: None,
    };
    player.play(&case.bank, on, case.financing, instalment)
}

fn report(player: &Player<'_>, case: &Case, class: u8, days: u32, share: i64) -> Result<(), OpenError> {
    let report = ReportCollectibility {
        scheme: CollectibilityScheme::BankUmum,
        class,
        days_past_due: Some(days),
        position_date: date("2014-04-30")?,
        outstanding: Money::idr(Decimal::from(case.amount * 10_000 * share)),
    };
    player.play(&case.bank, "2014-05-02", case.financing, report)
}

/// From March to May.
pub fn applications_and_disbursements(player: &Player<'_>) -> Result<(), OpenError> {
    for nth in 0..4 {
        let case = apply(player, BeneficiaryKind::Cooperative, nth)?;
        if nth == 3 {
            let reason = note("Batas linkage tahun berjalan telah terpakai")?;
            player.play(&case.bank, "2014-04-01", case.financing, Reject { reason })?;
            continue;
        }
        let on = day("2014-04-02", 6 * nth)?;
        sign(player, &case, &on)?;
        disburse(player, &case, &day(&on, 5)?, 60)?;
        if nth == 0 {
            disburse(player, &case, "2014-05-05", 40)?;
            report(player, &case, 1, 0, 58)?;
        }
    }
    for nth in 0..24 {
        let case = apply(player, BeneficiaryKind::Enterprise, nth)?;
        let on = day("2014-04-08", nth)?;
        match nth {
            21 => {
                let reason = note("Agunan tambahan tidak mencukupi")?;
                player.play(&case.bank, &on, case.financing, Reject { reason })?;
            }
            22 => {
                let reason = Some(note("Pemohon memakai modal sendiri")?);
                player.play(&case.bank, &on, case.financing, WithdrawApplication { reason })?;
            }
            23 => {
                player.play(&case.bank, &on, case.financing, Approve { amount: None, approved_on: None })?;
            }
            _ => {
                sign(player, &case, &on)?;
                disburse(player, &case, &day(&on, 6)?, 100)?;
            }
        }
        match nth {
            0..=2 => report(player, &case, 1, 0, 95)?,
            3 => report(player, &case, 2, 12, 97)?,
            4 => report(player, &case, 1, 35, 98)?,
            6..=10 => pay(player, &case, &day("2014-05-15", nth - 6)?)?,
            5 => {
                player.play(&case.bank, "2014-05-20", case.financing, Settle::default())?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// One payment went to the wrong account and is undone: twenty-one become twenty.
pub fn reversal(player: &Player<'_>) -> Result<(), OpenError> {
    let financing = id("financing-enterprise", REVERSED);
    player.play_late(&bank(player, REVERSED), "2014-05-21", financing, move |service| {
        let failed = |why: ReadError| OpenError(why.to_string());
        let mut connection = service.readers.get()?;
        let row = Financing::find(&mut connection, &financing.to_string()).map_err(failed)?;
        let state: Option<Financing> =
            row.map(|row| serde_json::from_str(&row.doc)).transpose().map_err(|why| failed(why.into()))?;
        let payment = state.and_then(|state| state.life.first_disbursement.map(|first| first.event_id));
        let payment = payment.ok_or_else(|| OpenError("the demonstration has no payment to reverse".to_owned()))?;
        Ok(Reverse { event_id: Id(payment), reason: note("Dana masuk ke rekening yang salah")? })
    })
}
