//! What the stories of this area begin with.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::commands::Disburse;
use super::events::{Beneficiary, BeneficiaryKind, Contract, FinancingEvent as Event, Tranche};
use super::scheme::Scheme;
use crate::kernel::{Date, Money, Name, Note, Number, Region};

pub(super) const BANK: Uuid = Uuid::from_u128(0xBA);

pub(super) fn millions(amount: i64) -> Money {
    Money::idr(Decimal::from(amount * 1_000_000))
}

pub(super) fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

pub(super) fn note(text: &str) -> Note {
    Note::parse(text).unwrap()
}

pub(super) fn applied() -> Event {
    Event::Applied {
        beneficiary: Beneficiary { kind: BeneficiaryKind::Cooperative, id: Uuid::from_u128(0x15) },
        region: Region::parse("64.72").unwrap(),
        lender: BANK,
        scheme: Scheme::parse("kur_linkage").unwrap(),
        amount: millions(20),
        purpose: Name::parse("Modal kerja").unwrap(),
        tenor_months: 24,
        lender_reference: None,
    }
}

pub(super) fn approved() -> Event {
    Event::Approved { amount: millions(20), approved_on: date("2014-02-01") }
}

pub(super) fn contract() -> Contract {
    Contract {
        akad_number: Number::parse("001/PK/2014").unwrap(),
        signed_on: date("2014-02-05"),
        plafon: millions(20),
        annual_rate_percent: "13.00".to_owned(),
        tenor_months: 24,
        breaches: Vec::new(),
    }
}

/// Applied for, approved and signed: twenty million on 5 February 2014.
pub(super) fn contracted() -> [Event; 3] {
    [applied(), approved(), Event::ContractSigned(contract())]
}

pub(super) fn tranche(amount: i64, day: &str) -> Event {
    Event::Disbursed(Tranche { amount: millions(amount), disbursed_on: date(day), reference: None })
}

pub(super) fn disburse(amount: i64, day: &str) -> Disburse {
    Disburse { amount: millions(amount), disbursed_on: Some(date(day)), reference: None }
}
