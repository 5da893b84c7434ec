//! The life of a financing: which step fits when, and what it makes of it. Used by decisions, by the fold, and to tell a life again without
//! a reversed step.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::events::{Collectibility, Contract, FinancingEvent as Event, Tranche};
use crate::kernel::{Date, Money, OneOf, Refusal, Text};

crate::words! {
    /// Where a financing stands.
    FinancingState {
        /// Asked for.
        Applied = "applied",
        /// Agreed to.
        Approved = "approved",
        /// Declined.
        Rejected = "rejected",
        /// Taken back.
        Withdrawn = "withdrawn",
        /// Signed, nothing paid out.
        Contracted = "contracted",
        /// Something is paid out.
        Disbursed = "disbursed",
        /// Paid back.
        Settled = "settled",
    }
}

impl FinancingState {
    /// The commands that fit.
    pub fn allowed(self) -> &'static [&'static str] {
        match self {
            Self::Applied => &["approvals", "rejections", "withdrawals"],
            Self::Approved => &["contracts", "withdrawals", "reversals"],
            Self::Contracted => &["disbursements", "reversals"],
            Self::Disbursed => &["disbursements", "collectibility-reports", "settlements", "reversals"],
            Self::Settled | Self::Rejected | Self::Withdrawn => &["reversals"],
        }
    }
}

/// What the steps so far make of a financing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Life {
    /// Where it stands.
    pub state: FinancingState,
    /// What the lender agreed to.
    pub approved_amount: Option<Money>,
    /// The contract.
    pub contract: Option<Contract>,
    /// Sum of the tranches.
    pub disbursed: Money,
    /// The day of the latest tranche.
    pub last_disbursed_on: Option<Date>,
    /// The last report.
    pub collectibility: Option<Collectibility>,
    /// What is still owed, as last reported.
    pub outstanding: Option<Money>,
    /// When it was paid back.
    pub settled_on: Option<Date>,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            state: FinancingState::Applied,
            approved_amount: None,
            contract: None,
            disbursed: Money::idr(Decimal::ZERO),
            last_disbursed_on: None,
            collectibility: None,
            outstanding: None,
            settled_on: None,
        }
    }
}

impl Life {
    fn require(&self, fits: &[FinancingState]) -> Result<(), Refusal> {
        if fits.contains(&self.state) {
            return Ok(());
        }
        Err(Refusal::wrong_state(self.state.word(), self.state.allowed()))
    }

    /// Whether a step fits.
    ///
    /// # Errors
    /// `wrong_state` when the step does not follow, a rule refusal when its amounts or days do not.
    pub fn check(&self, step: &Event) -> Result<(), Refusal> {
        use FinancingState as State;
        match step {
            Event::Applied { .. } | Event::Reversed { .. } => Ok(()),
            Event::Approved { .. } | Event::Rejected { .. } => self.require(&[State::Applied]),
            Event::Withdrawn { .. } => self.require(&[State::Applied, State::Approved]),
            Event::ContractSigned(contract) => {
                self.require(&[State::Approved])?;
                self.check_contract(contract)
            }
            Event::Disbursed(tranche) => {
                self.require(&[State::Contracted, State::Disbursed])?;
                self.check_tranche(tranche)
            }
            Event::CollectibilityReported(_) => self.require(&[State::Disbursed]),
            Event::Settled { settled_on } => {
                self.require(&[State::Disbursed])?;
                self.check_settlement(*settled_on)
            }
        }
    }

    fn check_contract(&self, contract: &Contract) -> Result<(), Refusal> {
        let approved = self.approved_amount.map_or(Decimal::ZERO, Money::amount);
        if contract.plafon.amount() <= approved {
            return Ok(());
        }
        Err(Refusal::rule(
            "/plafon",
            "above_approved_amount",
            text!(
                "Plafon melebihi jumlah yang disetujui, {approved}; catat persetujuan yang benar lebih dahulu.",
                "The plafon is above the approved amount, {approved}; record the right approval first."
            ),
        ))
    }

    fn check_tranche(&self, tranche: &Tranche) -> Result<(), Refusal> {
        let Some(contract) = &self.contract else {
            return Ok(());
        };
        let plafon = contract.plafon.amount();
        let left = plafon - self.disbursed.amount();
        if tranche.amount.amount() > left {
            return Err(Refusal::rule(
                "/amount",
                "above_plafon",
                text!(
                    "Pencairan melebihi plafon {plafon}; yang masih dapat dicairkan {left}.",
                    "The disbursement goes above the plafon of {plafon}; {left} is left."
                ),
            ));
        }
        if tranche.disbursed_on < contract.signed_on {
            return Err(Refusal::rule(
                "/disbursed_on",
                "before_contract",
                Text::fixed(
                    "Pencairan tidak dapat mendahului tanggal akad.",
                    "A disbursement cannot precede the day the contract was signed.",
                ),
            ));
        }
        Ok(())
    }

    fn check_settlement(&self, settled_on: Date) -> Result<(), Refusal> {
        if self.last_disbursed_on.is_none_or(|last| last <= settled_on) {
            return Ok(());
        }
        Err(Refusal::rule(
            "/settled_on",
            "before_disbursement",
            Text::fixed(
                "Pelunasan tidak dapat mendahului pencairan terakhir.",
                "A settlement cannot precede the last disbursement.",
            ),
        ))
    }

    /// Takes a step that fits.
    pub fn apply(&mut self, step: &Event) {
        use FinancingState as State;
        match step {
            Event::Applied { .. } | Event::Reversed { .. } => {}
            Event::Approved { amount, .. } => {
                self.state = State::Approved;
                self.approved_amount = Some(*amount);
            }
            Event::Rejected { .. } => self.state = State::Rejected,
            Event::Withdrawn { .. } => self.state = State::Withdrawn,
            Event::ContractSigned(contract) => {
                self.state = State::Contracted;
                self.contract = Some(contract.clone());
            }
            Event::Disbursed(tranche) => {
                self.state = State::Disbursed;
                self.last_disbursed_on = self.last_disbursed_on.max(Some(tranche.disbursed_on));
                self.disbursed = Money::idr(self.disbursed.amount() + tranche.amount.amount());
            }
            Event::CollectibilityReported(report) => {
                // Reports may arrive out of order; the latest position is how it stands.
                let newer =
                    self.collectibility.as_ref().is_none_or(|known| known.position_date <= report.position_date);
                if newer {
                    self.outstanding = Some(report.outstanding);
                    self.collectibility = Some(report.clone());
                }
            }
            Event::Settled { settled_on } => {
                self.state = State::Settled;
                self.settled_on = Some(*settled_on);
                self.outstanding = Some(Money::idr(Decimal::ZERO));
            }
        }
    }
}
