//! What happens to financings.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::scheme::{Breach, Scheme};
use crate::kernel::{Date, Faults, Money, Name, Note, Number, Region};

crate::words! {
    /// Who is financed.
    BeneficiaryKind {
        /// A cooperative.
        Cooperative = "cooperative",
        /// An enterprise.
        Enterprise = "enterprise",
    }
}

crate::words! {
    /// The scale a collectibility class is on; the classes mean other days with other lenders.
    CollectibilityScheme {
        /// Commercial banks (POJK 40/2019).
        BankUmum = "bank_umum",
        /// Rural banks (POJK 33/2018).
        Bpr = "bpr",
        /// Savings-and-loan cooperatives.
        Ksp = "ksp",
        /// LPDB.
        Lpdb = "lpdb",
    }
}

/// Who is financed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Beneficiary {
    /// What it is.
    pub kind: BeneficiaryKind,
    /// Which.
    pub id: Uuid,
}

/// The contract (akad).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"akad_number": "001/PK/2014", "signed_on": "2014-03-20", "plafon": {"value": "20000000.00", "currency": "IDR"},
    "annual_rate_percent": "22.00", "tenor_months": 24}))]
pub struct Contract {
    /// Its number, as printed; unique per lender.
    pub akad_number: Number,
    /// The day it was signed.
    pub signed_on: Date,
    /// The most that may be disbursed.
    pub plafon: Money,
    /// Yearly rate in percent, as text.
    #[schema(max_length = 10, pattern = r"^[0-9]{1,3}(\.[0-9]{1,4})?$")]
    pub annual_rate_percent: String,
    /// Months until the last instalment.
    #[schema(minimum = 1, maximum = 480)]
    pub tenor_months: u16,
    /// The limits of its scheme that it does not keep: flagged, not refused.
    #[serde(default)]
    #[deserr(skip)]
    #[schema(read_only)]
    pub breaches: Vec<Breach>,
}

/// A disbursed tranche.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tranche {
    /// How much.
    pub amount: Money,
    /// The day.
    pub disbursed_on: Date,
    /// The lender's reference.
    pub reference: Option<Number>,
}

/// A payment of the debtor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Instalment {
    /// The day.
    pub paid_on: Date,
    /// What it paid of the debt.
    pub principal: Money,
    /// What it paid of interest or margin.
    pub interest: Money,
    /// What it paid of penalties.
    pub penalty: Money,
    /// The lender's reference.
    pub reference: Option<Number>,
}

/// A month-end report of the lender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Collectibility {
    /// The scale.
    pub scheme: CollectibilityScheme,
    /// 1 (lancar) to 5 (macet), as reported.
    pub class: u8,
    /// Days past due: evidence, not the rule.
    pub days_past_due: Option<u32>,
    /// The day it is about.
    pub position_date: Date,
    /// What is still owed, as reported.
    pub outstanding: Money,
    /// Whether the days would suggest another class.
    pub mismatch: bool,
    /// The report that counted for the month until this one came.
    #[serde(default)]
    pub replaces: Option<Replaced>,
    /// The report that counts for the month although this one came later: its position is a later day of the month.
    #[serde(default)]
    pub superseded_by: Option<Uuid>,
}

/// The report that another one took the place of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replaced {
    /// Its event.
    pub event_id: Uuid,
    /// Its scale.
    pub scheme: CollectibilityScheme,
    /// Its class.
    pub class: u8,
    /// What it said was owed.
    pub outstanding: Money,
}

/// What the payment that settled a debt was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Payoff {
    /// What it paid of the debt.
    pub principal: Money,
    /// What it paid of interest or margin.
    pub interest: Money,
    /// What it paid of penalties.
    pub penalty: Money,
    /// The lender's reference.
    pub reference: Option<Number>,
}

/// New terms for a running financing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Restructuring {
    /// The day they were agreed.
    pub restructured_on: Date,
    /// Months until the last instalment, counted from the contract.
    pub tenor_months: u16,
    /// Yearly rate in percent, as text.
    pub annual_rate_percent: String,
    /// Interest in arrears that became debt.
    pub capitalised: Money,
    /// Why.
    pub reason: Note,
    /// The limits of the scheme that the terms do not keep from now on.
    #[serde(default)]
    pub breaches: Vec<Breach>,
}

/// A claim on the guarantor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GuaranteeClaim {
    /// Who guarantees, such as Jamkrindo, Askrindo or Jamkrida.
    pub guarantor: Name,
    /// How much is claimed.
    pub amount: Money,
    /// The day.
    pub claimed_on: Date,
    /// The guarantor's or lender's reference.
    pub reference: Option<Number>,
}

/// Money that came in: from the guarantor, from the debtor to the guarantor, or after a write-off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// How much.
    pub amount: Money,
    /// The day.
    pub received_on: Date,
    /// A reference.
    pub reference: Option<Number>,
}

/// An event of a financing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum FinancingEvent {
    /// Somebody asks a lender for money.
    #[serde(rename = "financing.applied")]
    Applied {
        /// Who asks.
        beneficiary: Beneficiary,
        /// Where they are.
        region: Region,
        /// Who is asked.
        lender: Uuid,
        /// Under which scheme.
        scheme: Scheme,
        /// How much.
        amount: Money,
        /// For what.
        purpose: Name,
        /// For how many months.
        tenor_months: u16,
        /// The lender's own number of the application.
        lender_reference: Option<Number>,
    },
    /// The papers were checked.
    #[serde(rename = "financing.verified")]
    Verified {
        /// The day.
        verified_on: Date,
        /// Whether they are complete; when not, they are checked again.
        complete: bool,
        /// What was found or is missing.
        note: Option<Note>,
    },
    /// The applicant was visited.
    #[serde(rename = "financing.surveyed")]
    Surveyed {
        /// The day.
        surveyed_on: Date,
        /// Whether the surveyor recommends it, if they say.
        recommended: Option<bool>,
        /// What was found.
        note: Option<Note>,
    },
    /// The lender agrees.
    #[serde(rename = "financing.approved")]
    Approved {
        /// To how much.
        amount: Money,
        /// The day.
        approved_on: Date,
    },
    /// The lender declines.
    #[serde(rename = "financing.rejected")]
    Rejected {
        /// Why.
        reason: Note,
    },
    /// The applicant takes it back.
    #[serde(rename = "financing.withdrawn")]
    Withdrawn {
        /// Why.
        reason: Option<Note>,
    },
    /// The contract was signed.
    #[serde(rename = "financing.contract_signed")]
    ContractSigned(Contract),
    /// A tranche was paid out.
    #[serde(rename = "financing.disbursed")]
    Disbursed(Tranche),
    /// The debtor paid.
    #[serde(rename = "financing.instalment_paid")]
    InstalmentPaid(Instalment),
    /// The lender reports how it stands.
    #[serde(rename = "financing.collectibility_reported")]
    CollectibilityReported(Collectibility),
    /// New terms were agreed (restrukturisasi).
    #[serde(rename = "financing.restructured")]
    Restructured(Restructuring),
    /// The plafon was raised (suplesi).
    #[serde(rename = "financing.topped_up")]
    ToppedUp {
        /// By how much.
        amount: Money,
        /// The day it was signed.
        signed_on: Date,
        /// Number of the addendum; unique per lender, like the contract's.
        akad_number: Option<Number>,
        /// The limits of the scheme that the terms do not keep from now on.
        #[serde(default)]
        breaches: Vec<Breach>,
    },
    /// It is paid back.
    #[serde(rename = "financing.settled")]
    Settled {
        /// The day.
        settled_on: Date,
        /// What was paid, where the lender says.
        #[serde(default)]
        payoff: Option<Payoff>,
    },
    /// The lender claims on the guarantor.
    #[serde(rename = "financing.guarantee_claimed")]
    GuaranteeClaimed(GuaranteeClaim),
    /// The guarantor paid.
    #[serde(rename = "financing.claim_paid")]
    ClaimPaid(Receipt),
    /// The debtor paid the guarantor, who stands in the lender's place (subrogasi).
    #[serde(rename = "financing.subrogated")]
    Subrogated(Receipt),
    /// It was written off in the lender's books (hapus buku); the debt remains.
    #[serde(rename = "financing.written_off")]
    WrittenOff {
        /// How much.
        amount: Money,
        /// The day.
        written_off_on: Date,
        /// Why.
        reason: Option<Note>,
    },
    /// Something came in after the write-off.
    #[serde(rename = "financing.recovered")]
    Recovered(Receipt),
    /// The debt itself was given up (hapus tagih).
    #[serde(rename = "financing.claim_waived")]
    ClaimWaived {
        /// How much.
        amount: Money,
        /// The day.
        waived_on: Date,
        /// On which ground.
        basis: Note,
    },
    /// An earlier event is undone.
    #[serde(rename = "financing.reversed")]
    Reversed {
        /// Which.
        event_id: Uuid,
        /// Why.
        reason: Note,
    },
}
