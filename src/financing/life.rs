//! The life of a financing: which step fits when, and what it makes of it. Used by decisions, by the fold, and to tell a life again without
//! a reversed step.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::checks;
use super::events::{Collectibility, Contract, FinancingEvent as Event};
use super::scheme::Breach;
use crate::kernel::{Date, Money, Name, Number, OneOf, Refusal};

crate::words! {
    /// Where a financing stands.
    FinancingState {
        /// Asked for.
        Applied = "applied",
        /// Its papers were checked and are complete.
        Verified = "verified",
        /// The applicant was visited.
        Surveyed = "surveyed",
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
        /// Written off in the books; the debt remains.
        WrittenOff = "written_off",
        /// Given up.
        Waived = "waived",
    }
}

use FinancingState as State;

/// Every step but the application and a reversal: the command that makes it, and the states it fits.
const STEPS: &[(&str, &[State])] = &[
    ("verifications", &[State::Applied]),
    ("surveys", &[State::Applied, State::Verified, State::Surveyed]),
    ("approvals", &[State::Applied, State::Verified, State::Surveyed]),
    ("rejections", &[State::Applied, State::Verified, State::Surveyed]),
    ("withdrawals", &[State::Applied, State::Verified, State::Surveyed, State::Approved]),
    ("contracts", &[State::Approved]),
    ("disbursements", &[State::Contracted, State::Disbursed]),
    ("instalments", &[State::Disbursed]),
    ("collectibility-reports", &[State::Disbursed, State::Settled, State::WrittenOff, State::Waived]),
    ("restructurings", &[State::Disbursed]),
    ("top-ups", &[State::Disbursed]),
    ("settlements", &[State::Disbursed]),
    ("guarantee-claims", &[State::Disbursed, State::WrittenOff]),
    ("claim-payments", &[State::Disbursed, State::WrittenOff]),
    ("subrogations", &[State::Disbursed, State::Settled, State::WrittenOff, State::Waived]),
    ("write-offs", &[State::Disbursed]),
    ("recoveries", &[State::WrittenOff]),
    ("claim-waivers", &[State::WrittenOff]),
];

impl Event {
    /// The command that makes the step; nothing for the application and a reversal, which are not steps of a life.
    pub fn command(&self) -> Option<&'static str> {
        Some(match self {
            Self::Applied { .. } | Self::Reversed { .. } => return None,
            Self::Verified { .. } => "verifications",
            Self::Surveyed { .. } => "surveys",
            Self::Approved { .. } => "approvals",
            Self::Rejected { .. } => "rejections",
            Self::Withdrawn { .. } => "withdrawals",
            Self::ContractSigned(_) => "contracts",
            Self::Disbursed(_) => "disbursements",
            Self::InstalmentPaid(_) => "instalments",
            Self::CollectibilityReported(_) => "collectibility-reports",
            Self::Restructured(_) => "restructurings",
            Self::ToppedUp { .. } => "top-ups",
            Self::Settled { .. } => "settlements",
            Self::GuaranteeClaimed(_) => "guarantee-claims",
            Self::ClaimPaid(_) => "claim-payments",
            Self::Subrogated(_) => "subrogations",
            Self::WrittenOff { .. } => "write-offs",
            Self::Recovered(_) => "recoveries",
            Self::ClaimWaived { .. } => "claim-waivers",
        })
    }

    /// The day the step is about; nothing when its event says no more than when it happened.
    pub fn day(&self) -> Option<Date> {
        match self {
            Self::Applied { .. } | Self::Rejected { .. } | Self::Withdrawn { .. } | Self::Reversed { .. } => None,
            Self::Verified { verified_on: day, .. }
            | Self::Surveyed { surveyed_on: day, .. }
            | Self::Approved { approved_on: day, .. }
            | Self::ToppedUp { signed_on: day, .. }
            | Self::Settled { settled_on: day, .. }
            | Self::WrittenOff { written_off_on: day, .. }
            | Self::ClaimWaived { waived_on: day, .. } => Some(*day),
            Self::ContractSigned(contract) => Some(contract.signed_on),
            Self::Disbursed(tranche) => Some(tranche.disbursed_on),
            Self::InstalmentPaid(instalment) => Some(instalment.paid_on),
            Self::CollectibilityReported(report) => Some(report.position_date),
            Self::Restructured(terms) => Some(terms.restructured_on),
            Self::GuaranteeClaimed(claim) => Some(claim.claimed_on),
            Self::ClaimPaid(receipt) | Self::Subrogated(receipt) | Self::Recovered(receipt) => {
                Some(receipt.received_on)
            }
        }
    }
}

/// The terms in force: the contract's, as top-ups and restructurings changed them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Terms {
    /// The most that may be disbursed.
    pub plafon: Money,
    /// Yearly rate in percent, as text.
    pub annual_rate_percent: String,
    /// Months until the last instalment.
    pub tenor_months: u16,
}

/// The first payment to the debtor; what counts a beneficiary as financed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FirstDisbursement {
    /// Its event.
    pub event_id: Uuid,
    /// The day.
    pub disbursed_on: Date,
}

/// What the debtor has paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Repaid {
    /// Payments before the one that settled it.
    pub instalments: u32,
    /// Of the debt.
    pub principal: Money,
    /// Of interest or margin.
    pub interest: Money,
    /// Of penalties.
    pub penalty: Money,
    /// The day of the latest.
    pub last_paid_on: Option<Date>,
}

/// What was claimed from the guarantor, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Guarantee {
    /// Who guarantees, as named in the last claim.
    pub guarantor: Name,
    /// The day of the first claim.
    pub claimed_on: Date,
    /// Sum of the claims.
    pub claimed: Money,
    /// The day the guarantor first paid.
    pub paid_on: Option<Date>,
    /// Sum of what the guarantor paid.
    pub paid: Money,
    /// Sum of what the debtor paid the guarantor since.
    pub subrogated: Money,
}

/// What was written off, and what came in since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WriteOff {
    /// How much.
    pub amount: Money,
    /// The day.
    pub written_off_on: Date,
    /// Sum of the recoveries.
    pub recovered: Money,
    /// How much of the debt was given up, if it was.
    pub waived: Option<Money>,
}

/// A state it came into, or a plafon it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stage {
    /// The state.
    pub state: FinancingState,
    /// From this day on; never before the stage it followed, whatever the step says.
    pub since: Date,
    /// The plafon in force; null before the contract.
    pub plafon: Option<Money>,
}

/// What the steps so far make of a financing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Life {
    /// Where it stands.
    pub state: FinancingState,
    /// Since which day.
    pub state_since: Date,
    /// How it came there, this state last.
    pub stages: Vec<Stage>,
    /// What the lender agreed to.
    pub approved_amount: Option<Money>,
    /// The contract as it was signed.
    pub contract: Option<Contract>,
    /// The terms in force.
    pub terms: Option<Terms>,
    /// The limits of its scheme that the terms in force do not keep: flagged, not refused.
    #[serde(default)]
    pub breaches: Vec<Breach>,
    /// How often new terms were agreed.
    pub restructurings: u32,
    /// Numbers of the addenda that topped it up.
    #[serde(default)]
    pub top_up_akad_numbers: Vec<Number>,
    /// Sum of the tranches.
    pub disbursed: Money,
    /// Interest in arrears that became debt.
    pub capitalised: Money,
    /// The first tranche, by its day.
    pub first_disbursement: Option<FirstDisbursement>,
    /// The day of the latest tranche.
    pub last_disbursed_on: Option<Date>,
    /// What the debtor has paid.
    pub repaid: Repaid,
    /// The report of the latest position.
    pub collectibility: Option<Collectibility>,
    /// What is still owed, as last reported while the books were open; nothing once it is settled or waived.
    pub outstanding: Option<Money>,
    /// When it was paid back.
    pub settled_on: Option<Date>,
    /// What was claimed from the guarantor.
    pub guarantee: Option<Guarantee>,
    /// What was written off.
    pub write_off: Option<WriteOff>,
}

const NOTHING: Money = Money::idr(Decimal::ZERO);

fn plus(sum: Money, more: Money) -> Money {
    Money::idr(sum.amount() + more.amount())
}

impl Repaid {
    /// Adds principal, interest and penalty paid on a day.
    fn add(&mut self, (principal, interest, penalty): (Money, Money, Money), day: Date) {
        self.principal = plus(self.principal, principal);
        self.interest = plus(self.interest, interest);
        self.penalty = plus(self.penalty, penalty);
        self.last_paid_on = self.last_paid_on.max(Some(day));
    }
}

impl Life {
    /// Begins with an application.
    pub fn since(applied_on: Date) -> Self {
        Self {
            state: State::Applied,
            state_since: applied_on,
            stages: vec![Stage { state: State::Applied, since: applied_on, plafon: None }],
            approved_amount: None,
            contract: None,
            terms: None,
            breaches: Vec::new(),
            restructurings: 0,
            top_up_akad_numbers: Vec::new(),
            disbursed: NOTHING,
            capitalised: NOTHING,
            first_disbursement: None,
            last_disbursed_on: None,
            repaid: Repaid {
                instalments: 0,
                principal: NOTHING,
                interest: NOTHING,
                penalty: NOTHING,
                last_paid_on: None,
            },
            collectibility: None,
            outstanding: None,
            settled_on: None,
            guarantee: None,
            write_off: None,
        }
    }

    /// The commands that fit the state.
    pub fn allowed(&self) -> Vec<&'static str> {
        let fits = STEPS.iter().filter(|(command, _)| self.fits(command)).map(|(command, _)| *command);
        fits.chain((self.state != State::Applied).then_some("reversals")).collect()
    }

    fn fits(&self, command: &str) -> bool {
        let guaranteed = match command {
            "claim-payments" => self.guarantee.is_some(),
            "subrogations" => self.guarantee.as_ref().is_some_and(|guarantee| guarantee.paid > NOTHING),
            _ => true,
        };
        guaranteed && STEPS.iter().any(|(known, states)| *known == command && states.contains(&self.state))
    }

    /// The refusal of what does not fit the state.
    pub fn wrong_state(&self) -> Refusal {
        Refusal::wrong_state(self.state.word(), &self.allowed())
    }

    /// Whether a step fits.
    ///
    /// # Errors
    /// `wrong_state` when the step does not follow, a rule refusal when its amounts or days do not.
    pub fn check(&self, step: &Event) -> Result<(), Refusal> {
        let Some(command) = step.command() else { return Ok(()) };
        if self.fits(command) { checks::amounts_and_days(self, step) } else { Err(self.wrong_state()) }
    }

    /// What is owed to the lender by the steps: what was paid out and became debt, less the principal paid back, what the guarantor paid and
    /// what came in after a write-off. Nothing once it is settled or waived.
    pub fn expected_outstanding(&self) -> Money {
        if self.settled_on.is_some() || self.state == State::Waived {
            return NOTHING;
        }
        let others = self.guarantee.as_ref().map_or(Decimal::ZERO, |guarantee| guarantee.paid.amount())
            + self.write_off.as_ref().map_or(Decimal::ZERO, |write_off| write_off.recovered.amount());
        let owed = self.disbursed.amount() + self.capitalised.amount() - self.repaid.principal.amount() - others;
        Money::idr(owed.max(Decimal::ZERO))
    }

    /// The numbers of its contract and addenda.
    pub fn akad_numbers(&self) -> impl Iterator<Item = &Number> {
        self.contract.iter().map(|contract| &contract.akad_number).chain(&self.top_up_akad_numbers)
    }

    /// The day the lender closed its books on it: settled or written off.
    pub fn closed_on(&self) -> Option<Date> {
        self.settled_on.or(self.write_off.as_ref().map(|write_off| write_off.written_off_on))
    }

    /// The latest day anything was paid out, paid back or reported for.
    pub fn last_day(&self) -> Option<Date> {
        let reported = self.collectibility.as_ref().map(|report| report.position_date);
        [self.last_disbursed_on, self.repaid.last_paid_on, reported].into_iter().max().flatten()
    }

    fn enter(&mut self, state: State, day: Date) {
        self.state = state;
        self.state_since = self.begin_stage(day);
    }

    /// Begins a stage; since when.
    fn begin_stage(&mut self, day: Date) -> Date {
        let since = self.stages.last().map_or(day, |last| last.since.max(day));
        let plafon = self.terms.as_ref().map(|terms| terms.plafon);
        self.stages.push(Stage { state: self.state, since, plafon });
        since
    }

    /// Takes a step that fits, which happened on `day` unless it says otherwise.
    pub fn apply(&mut self, step: &Event, event_id: Uuid, day: Date) {
        let day = step.day().unwrap_or(day);
        match step {
            Event::Applied { .. } | Event::Reversed { .. } | Event::Verified { complete: false, .. } => {}
            Event::Verified { .. } => self.enter(State::Verified, day),
            Event::Surveyed { .. } => self.enter(State::Surveyed, day),
            Event::Approved { amount, .. } => {
                self.enter(State::Approved, day);
                self.approved_amount = Some(*amount);
            }
            Event::Rejected { .. } => self.enter(State::Rejected, day),
            Event::Withdrawn { .. } => self.enter(State::Withdrawn, day),
            Event::ContractSigned(contract) => {
                self.terms = Some(Terms {
                    plafon: contract.plafon,
                    annual_rate_percent: contract.annual_rate_percent.clone(),
                    tenor_months: contract.tenor_months,
                });
                self.enter(State::Contracted, day);
                self.breaches.clone_from(&contract.breaches);
                self.contract = Some(contract.clone());
            }
            Event::Disbursed(tranche) => self.pay_out(tranche.amount, event_id, day),
            Event::InstalmentPaid(paid) => {
                self.repaid.instalments += 1;
                self.repaid.add((paid.principal, paid.interest, paid.penalty), day);
            }
            Event::CollectibilityReported(report) => {
                // Reports may arrive out of order; the latest position is how it stands.
                if self.collectibility.as_ref().is_none_or(|known| known.position_date <= report.position_date) {
                    if self.state == State::Disbursed {
                        self.outstanding = Some(report.outstanding);
                    }
                    self.collectibility = Some(report.clone());
                }
            }
            Event::Restructured(new) => {
                self.restructurings += 1;
                self.capitalised = plus(self.capitalised, new.capitalised);
                if let Some(terms) = &mut self.terms {
                    terms.annual_rate_percent.clone_from(&new.annual_rate_percent);
                    terms.tenor_months = new.tenor_months;
                }
                self.breaches.clone_from(&new.breaches);
            }
            Event::ToppedUp { amount, akad_number, breaches, .. } => {
                if let Some(terms) = &mut self.terms {
                    terms.plafon = plus(terms.plafon, *amount);
                }
                self.begin_stage(day);
                self.top_up_akad_numbers.extend(akad_number.clone());
                self.breaches.clone_from(breaches);
            }
            Event::Settled { payoff, .. } => {
                if let Some(paid) = payoff {
                    self.repaid.add((paid.principal, paid.interest, paid.penalty), day);
                }
                self.enter(State::Settled, day);
                self.settled_on = Some(day);
                self.outstanding = Some(NOTHING);
            }
            aftermath => self.apply_aftermath(aftermath, day),
        }
    }

    fn pay_out(&mut self, amount: Money, event_id: Uuid, day: Date) {
        if self.state == State::Contracted {
            self.enter(State::Disbursed, day);
        }
        self.disbursed = plus(self.disbursed, amount);
        self.last_disbursed_on = self.last_disbursed_on.max(Some(day));
        if self.first_disbursement.is_none_or(|first| day < first.disbursed_on) {
            self.first_disbursement = Some(FirstDisbursement { event_id, disbursed_on: day });
        }
    }

    /// What follows when a debt goes bad.
    fn apply_aftermath(&mut self, step: &Event, day: Date) {
        match step {
            Event::GuaranteeClaimed(claim) => match &mut self.guarantee {
                Some(guarantee) => {
                    guarantee.guarantor = claim.guarantor.clone();
                    guarantee.claimed = plus(guarantee.claimed, claim.amount);
                }
                None => {
                    self.guarantee = Some(Guarantee {
                        guarantor: claim.guarantor.clone(),
                        claimed_on: day,
                        claimed: claim.amount,
                        paid_on: None,
                        paid: NOTHING,
                        subrogated: NOTHING,
                    });
                }
            },
            Event::ClaimPaid(receipt) => {
                if let Some(guarantee) = &mut self.guarantee {
                    guarantee.paid = plus(guarantee.paid, receipt.amount);
                    guarantee.paid_on = guarantee.paid_on.or(Some(day));
                }
            }
            Event::Subrogated(receipt) => {
                if let Some(guarantee) = &mut self.guarantee {
                    guarantee.subrogated = plus(guarantee.subrogated, receipt.amount);
                }
            }
            Event::WrittenOff { amount, .. } => {
                self.enter(State::WrittenOff, day);
                self.write_off =
                    Some(WriteOff { amount: *amount, written_off_on: day, recovered: NOTHING, waived: None });
            }
            Event::Recovered(receipt) => {
                if let Some(write_off) = &mut self.write_off {
                    write_off.recovered = plus(write_off.recovered, receipt.amount);
                }
            }
            Event::ClaimWaived { amount, .. } => {
                self.enter(State::Waived, day);
                self.outstanding = Some(NOTHING);
                if let Some(write_off) = &mut self.write_off {
                    write_off.waived = Some(*amount);
                }
            }
            _ => {}
        }
    }
}
