//! What financings add to the statistics.
//!
//! Flows are posted by their events in the month of the day they are about, and taken back by a reversal. How many stand in which state, and
//! what month-end reports say, are posted by what takes the place of what. A value begins with the scheme and the beneficiary's kind.

use super::events::{Collectibility, CollectibilityScheme, FinancingEvent as Event};
use super::state::Financing;
use crate::kernel::{Date, MeasureDefinition, Money, OneOf, Text};
use crate::ledger::{Envelope, Posting};

const APPLIED: &str = "financings_applied";
const APPROVED: &str = "financings_approved";
const REJECTED: &str = "financings_rejected";
const WITHDRAWN: &str = "financings_withdrawn";
const CONTRACTED: &str = "financings_contracted";
const TOPPED_UP: &str = "financings_topped_up";
const DISBURSED: &str = "financings_disbursed";
const PRINCIPAL: &str = "principal_repaid";
const INTEREST: &str = "interest_paid";
const RESTRUCTURED: &str = "financings_restructured";
const SETTLED: &str = "financings_settled";
const CLAIMED: &str = "guarantees_claimed";
const CLAIM_PAID: &str = "guarantees_paid";
const SUBROGATED: &str = "guarantees_subrogated";
const WRITTEN_OFF: &str = "financings_written_off";
const RECOVERED: &str = "write_offs_recovered";
const WAIVED: &str = "financings_waived";
const BY_STATE: &str = "financings_by_state";
const BY_CLASS: &str = "financings_by_collectibility";

const FLOW: &[&str] = &["scheme", "beneficiary_kind"];

macro_rules! measures {
    ($($name:ident $parts:expr, $amount:literal: $id:literal / $en:literal, $formula:literal;)*) => {
        /// Every measure of this area.
        pub static MEASURES: &[MeasureDefinition] = &[$(MeasureDefinition {
            measure: $name, version: 1, parts: $parts, organisation: "lender", has_amount: $amount, definition: Text::fixed($id, $en), formula: $formula,
        }),*];
    };
}

measures! {
    APPLIED FLOW, true: "Permohonan pembiayaan dan jumlah yang dimohon." / "Applications and what was asked for.", "count and sum(amount) of financing.applied by the day they occurred";
    APPROVED FLOW, true: "Persetujuan dan jumlah yang disetujui." / "Approvals and what was agreed to.", "count and sum(amount) of standing financing.approved by approved_on";
    REJECTED FLOW, false: "Penolakan." / "Rejections.", "count of standing financing.rejected by the day they occurred";
    WITHDRAWN FLOW, false: "Permohonan yang ditarik." / "Applications taken back.", "count of standing financing.withdrawn by the day they occurred";
    CONTRACTED FLOW, true: "Akad dan plafonnya." / "Contracts and their plafon.", "count and sum(plafon) of standing financing.contract_signed by signed_on";
    TOPPED_UP FLOW, true: "Suplesi dan tambahan plafonnya." / "Top-ups and what they added to the plafon.", "count and sum(amount) of standing financing.topped_up by signed_on";
    DISBURSED FLOW, true: "Pencairan (tranche) dan jumlahnya." / "Disbursed tranches and their amount.", "count and sum(amount) of standing financing.disbursed by disbursed_on; tranches, not beneficiaries";
    PRINCIPAL FLOW, true: "Angsuran dan pokok yang dibayar." / "Instalments and the principal they paid.", "count and sum(principal) of standing financing.instalment_paid by paid_on";
    INTEREST FLOW, true: "Angsuran yang membayar bunga atau marjin, dan jumlahnya." / "Instalments that paid interest or margin, and how much.", "count and sum(interest) of standing financing.instalment_paid with interest > 0 by paid_on";
    RESTRUCTURED FLOW, false: "Restrukturisasi." / "Restructurings.", "count of standing financing.restructured by restructured_on";
    SETTLED FLOW, false: "Pelunasan." / "Settlements.", "count of standing financing.settled by settled_on";
    CLAIMED FLOW, true: "Klaim penjaminan dan jumlahnya." / "Guarantee claims and their amount.", "count and sum(amount) of standing financing.guarantee_claimed by claimed_on";
    CLAIM_PAID FLOW, true: "Pembayaran klaim oleh penjamin." / "Claims paid by guarantors.", "count and sum(amount) of standing financing.claim_paid by received_on";
    SUBROGATED FLOW, true: "Subrogasi yang diterima penjamin." / "Subrogations received by guarantors.", "count and sum(amount) of standing financing.subrogated by received_on";
    WRITTEN_OFF FLOW, true: "Hapus buku." / "Write-offs.", "count and sum(amount) of standing financing.written_off by written_off_on";
    RECOVERED FLOW, true: "Penerimaan setelah hapus buku." / "Recoveries after a write-off.", "count and sum(amount) of standing financing.recovered by received_on";
    WAIVED FLOW, true: "Hapus tagih." / "Claims waived.", "count and sum(amount) of standing financing.claim_waived by waived_on";
    BY_STATE &["scheme", "beneficiary_kind", "state"], true: "Pembiayaan menurut keadaannya, pada bulan masuk ke keadaan itu; jumlahnya plafon yang berlaku (sebelum akad: yang dimohon)." / "Financings by the state they are in, in the month they entered it; the amount is the plafon in force (before the contract: what was asked for).", "count and sum(plafon) of financings by state and state_since; add up the months to have all that stand in a state";
    BY_CLASS &["scheme", "beneficiary_kind", "collectibility_scheme", "class"], true: "Pembiayaan menurut kolektibilitas yang dilaporkan untuk bulan itu, dan baki debetnya." / "Financings by the collectibility reported for the month, and what is owed.", "count and sum(outstanding) of the report with the latest position in each financing's month";
}

impl Financing {
    fn posting(&self, measure: &'static str, day: Date, more: &[&str]) -> Posting {
        let value = [&[self.scheme.word(), self.beneficiary.kind.word()], more].concat();
        Posting::one(measure, day, self.region, self.lender, &value)
    }

    fn class(&self, report: &Collectibility, scheme: CollectibilityScheme, class: u8, owed: Money) -> Posting {
        self.posting(BY_CLASS, report.position_date, &[scheme.word(), &class.to_string()]).of(owed)
    }
}

/// What an event adds.
pub(super) fn of_event(financing: &Financing, event: &Event, envelope: &Envelope) -> Vec<Posting> {
    let day = event.day().unwrap_or_else(|| envelope.occurred_at.day());
    let one = |measure| financing.posting(measure, day, &[]);
    match event {
        Event::Applied { amount, .. } => vec![one(APPLIED).of(*amount)],
        Event::Approved { amount, .. } => vec![one(APPROVED).of(*amount)],
        Event::Rejected { .. } => vec![one(REJECTED)],
        Event::Withdrawn { .. } => vec![one(WITHDRAWN)],
        Event::ContractSigned(contract) => vec![one(CONTRACTED).of(contract.plafon)],
        Event::ToppedUp { amount, .. } => vec![one(TOPPED_UP).of(*amount)],
        Event::Disbursed(tranche) => vec![one(DISBURSED).of(tranche.amount)],
        Event::InstalmentPaid(paid) => {
            let interest = (paid.interest.sen() > 0).then(|| one(INTEREST).of(paid.interest));
            [one(PRINCIPAL).of(paid.principal)].into_iter().chain(interest).collect()
        }
        Event::CollectibilityReported(report) => of_report(financing, report),
        Event::Restructured(_) => vec![one(RESTRUCTURED)],
        Event::Settled { .. } => vec![one(SETTLED)],
        Event::GuaranteeClaimed(claim) => vec![one(CLAIMED).of(claim.amount)],
        Event::ClaimPaid(receipt) => vec![one(CLAIM_PAID).of(receipt.amount)],
        Event::Subrogated(receipt) => vec![one(SUBROGATED).of(receipt.amount)],
        Event::WrittenOff { amount, .. } => vec![one(WRITTEN_OFF).of(*amount)],
        Event::Recovered(receipt) => vec![one(RECOVERED).of(receipt.amount)],
        Event::ClaimWaived { amount, .. } => vec![one(WAIVED).of(*amount)],
        Event::Verified { .. } | Event::Surveyed { .. } | Event::Reversed { .. } => Vec::new(),
    }
}

/// A report counts for its month instead of the one it replaces, unless a later position of the month is known already.
fn of_report(financing: &Financing, report: &Collectibility) -> Vec<Posting> {
    if report.superseded_by.is_some() {
        return Vec::new();
    }
    let before = report.replaces.as_ref();
    let before = before.map(|old| financing.class(report, old.scheme, old.class, old.outstanding).times(-1));
    [financing.class(report, report.scheme, report.class, report.outstanding)].into_iter().chain(before).collect()
}

/// What a financing stands for in its state.
pub(super) fn of_state(financing: &Financing) -> Vec<Posting> {
    let life = &financing.life;
    let amount = life.terms.as_ref().map_or(financing.amount, |terms| terms.plafon);
    vec![financing.posting(BY_STATE, life.state_since, &[life.state.word()]).of(amount)]
}
