//! What financings add to the statistics.
//!
//! Flows are posted by their events in the month of the day they are about, and taken back by a reversal. How many stand in which state, and
//! what month-end reports say, are posted by what takes the place of what. A value begins with the scheme and the beneficiary's kind.

use super::events::{Collectibility, CollectibilityScheme, FinancingEvent as Event};
use super::life::Stage;
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
    ($($name:ident $version:literal $parts:expr, $amount:literal, $monthly:literal: $id:literal / $en:literal, $formula:literal;)*) => {
        /// Every measure of this area.
        pub static MEASURES: &[MeasureDefinition] = &[$(MeasureDefinition {
            measure: $name, version: $version, parts: $parts, organisation: "lender", has_amount: $amount, monthly: $monthly, definition: Text::fixed($id, $en), formula: $formula,
        }),*];
    };
}

measures! {
    APPLIED 1 FLOW, true, false: "Permohonan pembiayaan dan jumlah yang dimohon." / "Applications and what was asked for.", "count and sum(amount) of financing.applied by the day they occurred";
    APPROVED 1 FLOW, true, false: "Persetujuan dan jumlah yang disetujui." / "Approvals and what was agreed to.", "count and sum(amount) of standing financing.approved by approved_on";
    REJECTED 1 FLOW, false, false: "Penolakan." / "Rejections.", "count of standing financing.rejected by the day they occurred";
    WITHDRAWN 1 FLOW, false, false: "Permohonan yang ditarik." / "Applications taken back.", "count of standing financing.withdrawn by the day they occurred";
    CONTRACTED 1 FLOW, true, false: "Akad dan plafonnya." / "Contracts and their plafon.", "count and sum(plafon) of standing financing.contract_signed by signed_on";
    TOPPED_UP 1 FLOW, true, false: "Suplesi dan tambahan plafonnya." / "Top-ups and what they added to the plafon.", "count and sum(amount) of standing financing.topped_up by signed_on";
    DISBURSED 1 FLOW, true, false: "Pencairan (tranche) dan jumlahnya." / "Disbursed tranches and their amount.", "count and sum(amount) of standing financing.disbursed by disbursed_on; tranches, not beneficiaries";
    PRINCIPAL 2 FLOW, true, false: "Angsuran dan pelunasan, dan pokok yang dibayarnya." / "Instalments and payoffs, and the principal they paid.", "count and sum(principal) of standing financing.instalment_paid by paid_on and of financing.settled with a payoff by settled_on";
    INTEREST 2 FLOW, true, false: "Angsuran dan pelunasan yang membayar bunga atau marjin, dan jumlahnya." / "Instalments and payoffs that paid interest or margin, and how much.", "count and sum(interest) of standing financing.instalment_paid by paid_on and of financing.settled by settled_on, with interest > 0";
    RESTRUCTURED 1 FLOW, false, false: "Restrukturisasi." / "Restructurings.", "count of standing financing.restructured by restructured_on";
    SETTLED 1 FLOW, false, false: "Pelunasan." / "Settlements.", "count of standing financing.settled by settled_on";
    CLAIMED 1 FLOW, true, false: "Klaim penjaminan dan jumlahnya." / "Guarantee claims and their amount.", "count and sum(amount) of standing financing.guarantee_claimed by claimed_on";
    CLAIM_PAID 1 FLOW, true, false: "Pembayaran klaim oleh penjamin." / "Claims paid by guarantors.", "count and sum(amount) of standing financing.claim_paid by received_on";
    SUBROGATED 1 FLOW, true, false: "Subrogasi yang diterima penjamin." / "Subrogations received by guarantors.", "count and sum(amount) of standing financing.subrogated by received_on";
    WRITTEN_OFF 1 FLOW, true, false: "Hapus buku." / "Write-offs.", "count and sum(amount) of standing financing.written_off by written_off_on";
    RECOVERED 1 FLOW, true, false: "Penerimaan setelah hapus buku." / "Recoveries after a write-off.", "count and sum(amount) of standing financing.recovered by received_on";
    WAIVED 1 FLOW, true, false: "Hapus tagih." / "Claims waived.", "count and sum(amount) of standing financing.claim_waived by waived_on";
    BY_STATE 2 &["scheme", "beneficiary_kind", "state"], true, false: "Pembiayaan yang masuk ke suatu keadaan dikurangi yang keluar darinya dalam bulan itu; dijumlahkan sampai suatu bulan: yang berada dalam keadaan itu pada akhir bulan tersebut. Jumlahnya plafon yang berlaku (sebelum akad: yang dimohon)." / "Financings that came into a state less those that left it in the month; added up to a month, those that stood in it at the month's end. The amount is the plafon in force (before the contract: what was asked for).", "count and sum(plafon) of entries into a state less exits from it, by the day of the step that caused them";
    BY_CLASS 2 &["scheme", "beneficiary_kind", "collectibility_scheme", "class"], true, true: "Pembiayaan menurut kolektibilitas yang dilaporkan untuk bulan itu, dan baki debetnya. Setiap bulan angka tersendiri; angka beberapa bulan tidak dijumlahkan, sehingga selalu dirinci menurut bulan." / "Financings by the collectibility reported for the month, and what is owed. Every month is a figure of its own; months are not added up, so they are always told apart.", "count and sum(outstanding) of the report with the latest position in each financing's month";
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
    let paid = |principal: Money, interest: Money| {
        let interest = (interest.sen() > 0).then(|| one(INTEREST).of(interest));
        [one(PRINCIPAL).of(principal)].into_iter().chain(interest)
    };
    match event {
        Event::Applied { amount, .. } => vec![one(APPLIED).of(*amount)],
        Event::Approved { amount, .. } => vec![one(APPROVED).of(*amount)],
        Event::Rejected { .. } => vec![one(REJECTED)],
        Event::Withdrawn { .. } => vec![one(WITHDRAWN)],
        Event::ContractSigned(contract) => vec![one(CONTRACTED).of(contract.plafon)],
        Event::ToppedUp { amount, .. } => vec![one(TOPPED_UP).of(*amount)],
        Event::Disbursed(tranche) => vec![one(DISBURSED).of(tranche.amount)],
        Event::InstalmentPaid(instalment) => paid(instalment.principal, instalment.interest).collect(),
        Event::CollectibilityReported(report) => of_report(financing, report),
        Event::Restructured(_) => vec![one(RESTRUCTURED)],
        Event::Settled { payoff, .. } => {
            let paid = payoff.iter().flat_map(|payoff| paid(payoff.principal, payoff.interest));
            [one(SETTLED)].into_iter().chain(paid).collect()
        }
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

/// What a financing stands for: in each state it came into one more since that day, in the state it left one less.
pub(super) fn of_state(financing: &Financing) -> Vec<Posting> {
    let posting = |stage: &Stage, day| {
        financing.posting(BY_STATE, day, &[stage.state.word()]).of(stage.plafon.unwrap_or(financing.amount))
    };
    let mut all = Vec::with_capacity(2 * financing.life.stages.len());
    let mut left = None;
    for stage in &financing.life.stages {
        all.extend(left.map(|left| posting(left, stage.since).times(-1)));
        all.push(posting(stage, stage.since));
        left = Some(stage);
    }
    all
}
