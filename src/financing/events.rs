//! What happens to financings.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

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
    /// The scheme of a financing.
    Scheme {
        /// KUR mikro.
        KurMikro = "kur_mikro",
        /// KUR ritel (2014), later KUR kecil.
        KurRitel = "kur_ritel",
        /// KUR through a linkage body.
        KurLinkage = "kur_linkage",
        /// KUR super mikro (since 2020).
        KurSuperMikro = "kur_super_mikro",
        /// KUR kecil.
        KurKecil = "kur_kecil",
        /// Revolving funds of LPDB.
        Lpdb = "lpdb",
        /// A lender's own commercial loan.
        Komersial = "komersial",
        /// Another scheme.
        Lainnya = "lainnya",
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
    /// The lender reports how it stands.
    #[serde(rename = "financing.collectibility_reported")]
    CollectibilityReported(Collectibility),
    /// It is paid back.
    #[serde(rename = "financing.settled")]
    Settled {
        /// The day.
        settled_on: Date,
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
