//! Applying for financing and every step after.

use deserr::Deserr;
use utoipa::ToSchema;
use uuid::Uuid;

use super::checks::require_amount;
use super::events::{Beneficiary, BeneficiaryKind, Contract, FinancingEvent as Event, Tranche};
use super::life::Terms;
use super::scheme::{Scheme, breaches};
use super::state::Financing;
use crate::cooperatives::{Cooperative, CooperativeStatus};
use crate::enterprises::{Enterprise, EnterpriseStatus};
use crate::kernel::problem_codes::RULE_REFUSED;
use crate::kernel::{Area, Date, Faults, Id, Money, Name, Note, Number, OrganisationKind, Refusal, Region, Text};
use crate::ledger::{Decide, Decision, Scene, Wants, World};
use crate::organisations::Organisation;

/// Longest tenor, in months: forty years.
const TENOR_MONTHS_MAX: u16 = 480;

/// Who is to be financed.
#[derive(Clone, Copy, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct BeneficiaryReference {
    /// What it is.
    pub kind: BeneficiaryKind,
    /// Which.
    pub id: Id,
}

/// Applies for financing.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"beneficiary": {"kind": "cooperative", "id": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b"}, "scheme": "kur_linkage",
    "amount": {"value": "500000000.00", "currency": "IDR"}, "purpose": "Modal kerja simpan pinjam", "tenor_months": 36}))]
pub struct Apply {
    /// Who asks.
    pub beneficiary: BeneficiaryReference,
    /// The lender, an organisation of kind `bank`; a bank may leave it out to mean itself.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub lender: Option<Id>,
    /// Under which scheme.
    pub scheme: Scheme,
    /// How much.
    pub amount: Money,
    /// For what.
    pub purpose: Name,
    /// For how many months.
    #[schema(minimum = 1, maximum = 480)]
    pub tenor_months: u16,
    /// The lender's own number of the application; unique per lender.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub lender_reference: Option<Number>,
}

pub(super) fn require_tenor(tenor_months: u16) -> Result<(), Refusal> {
    if (1..=TENOR_MONTHS_MAX).contains(&tenor_months) {
        return Ok(());
    }
    Err(Refusal::rule(
        "/tenor_months",
        "tenor_out_of_range",
        text!("Jangka waktu 1 sampai {TENOR_MONTHS_MAX} bulan.", "The tenor is 1 to {TENOR_MONTHS_MAX} months."),
    ))
}

impl Apply {
    fn region(&self, scene: &Scene<'_, Financing>) -> Result<Region, Refusal> {
        let id = self.beneficiary.id.0;
        match self.beneficiary.kind {
            BeneficiaryKind::Enterprise => {
                let enterprise = scene.named::<Enterprise>(id, "/beneficiary/id")?;
                if enterprise.status == EnterpriseStatus::Closed {
                    return Err(Refusal::rule(
                        "/beneficiary/id",
                        "enterprise_closed",
                        Text::fixed("Usaha ini sudah tutup.", "This enterprise was closed."),
                    ));
                }
                Ok(enterprise.region)
            }
            BeneficiaryKind::Cooperative => {
                let cooperative = scene.named::<Cooperative>(id, "/beneficiary/id")?;
                if cooperative.status == CooperativeStatus::Dissolved {
                    return Err(Refusal::rule(
                        "/beneficiary/id",
                        "cooperative_dissolved",
                        Text::fixed("Koperasi ini sudah bubar.", "This cooperative was dissolved."),
                    ));
                }
                Ok(cooperative.region)
            }
        }
    }

    fn lender(&self, scene: &Scene<'_, Financing>) -> Result<Uuid, Refusal> {
        let lender = match self.lender {
            Some(lender) if lender.0 == scene.actor.organisation => {
                (scene.actor.kind == OrganisationKind::Bank).then_some(lender.0)
            }
            Some(lender) => {
                let named = scene.named::<Organisation>(lender.0, "/lender")?;
                (named.kind == OrganisationKind::Bank).then_some(lender.0)
            }
            None => (scene.actor.kind == OrganisationKind::Bank).then_some(scene.actor.organisation),
        };
        lender.ok_or_else(|| {
            Refusal::rule(
                "/lender",
                "not_a_bank",
                Text::fixed("Sebutkan organisasi berjenis `bank`.", "Name an organisation of kind `bank`."),
            )
        })
    }
}

impl Decide for Apply {
    type Resource = Financing;
    const CREATES: bool = true;

    fn reads(&self, _: Option<&Financing>, _: &World, wants: &mut Wants) {
        match self.beneficiary.kind {
            BeneficiaryKind::Cooperative => wants.state::<Cooperative>(self.beneficiary.id.0),
            BeneficiaryKind::Enterprise => wants.state::<Enterprise>(self.beneficiary.id.0),
        }
        if let Some(lender) = self.lender {
            wants.state::<Organisation>(lender.0);
        }
    }

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        scene.actor.require_some_write(Area::Financings)?;
        let lender = self.lender(scene)?;
        // The right is asked before the beneficiary is looked up, so that a stranger cannot probe which ids exist.
        scene.actor.require_write(Area::Financings, crate::kernel::PROVINCE, lender)?;
        let mut faults = Faults::default();
        faults.check(require_tenor(self.tenor_months));
        faults.check(require_amount(self.amount, "/amount"));
        let region = faults.check(self.region(scene));
        let region = match region {
            Some(region) if faults.0.is_empty() => region,
            _ => return Err(Refusal::faults(&RULE_REFUSED, faults)),
        };
        Ok(Decision::one(Event::Applied {
            beneficiary: Beneficiary { kind: self.beneficiary.kind, id: self.beneficiary.id.0 },
            region,
            lender,
            scheme: self.scheme,
            amount: self.amount,
            purpose: self.purpose.clone(),
            tenor_months: self.tenor_months,
            lender_reference: self.lender_reference.clone(),
        }))
    }
}

/// The step, if it fits the life so far.
pub(super) fn step(scene: &Scene<'_, Financing>, event: Event) -> Result<Decision<Financing>, Refusal> {
    scene.own()?.life.check(&event)?;
    Ok(Decision::one(event))
}

/// Records that the papers were checked.
#[derive(Clone, Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"verified_on": "2014-03-10", "complete": true}))]
pub struct Verify {
    /// The day; that of `occurred_at` when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub verified_on: Option<Date>,
    /// Whether they are complete; yes when left out. When not, they are checked again.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub complete: Option<bool>,
    /// What was found or is missing.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub note: Option<Note>,
}

impl Decide for Verify {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        scene.own()?;
        let verified_on = self.verified_on.unwrap_or_else(|| scene.occurred_at.day());
        verified_on.require_past(scene.now, "/verified_on")?;
        step(scene, Event::Verified { verified_on, complete: self.complete.unwrap_or(true), note: self.note.clone() })
    }
}

/// Records a visit to the applicant.
#[derive(Clone, Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"surveyed_on": "2014-03-12", "recommended": true, "note": "Usaha berjalan"}))]
pub struct Survey {
    /// The day; that of `occurred_at` when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub surveyed_on: Option<Date>,
    /// Whether the surveyor recommends it.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub recommended: Option<bool>,
    /// What was found.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub note: Option<Note>,
}

impl Decide for Survey {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        scene.own()?;
        let surveyed_on = self.surveyed_on.unwrap_or_else(|| scene.occurred_at.day());
        surveyed_on.require_past(scene.now, "/surveyed_on")?;
        step(scene, Event::Surveyed { surveyed_on, recommended: self.recommended, note: self.note.clone() })
    }
}

/// Agrees to an application.
#[derive(Clone, Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"amount": {"value": "400000000.00", "currency": "IDR"}, "approved_on": "2014-03-14"}))]
pub struct Approve {
    /// To how much; what was asked for when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub amount: Option<Money>,
    /// The day; that of `occurred_at` when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub approved_on: Option<Date>,
}

impl Decide for Approve {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        let own = scene.own()?;
        let approved_on = self.approved_on.unwrap_or_else(|| scene.occurred_at.day());
        approved_on.require_past(scene.now, "/approved_on")?;
        let amount = require_amount(self.amount.unwrap_or(own.amount), "/amount")?;
        step(scene, Event::Approved { amount, approved_on })
    }
}

/// Declines an application.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Agunan tidak mencukupi"}))]
pub struct Reject {
    /// Why.
    pub reason: Note,
}

impl Decide for Reject {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        step(scene, Event::Rejected { reason: self.reason.clone() })
    }
}

/// Takes an application back.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Pemohon memilih pembiayaan lain"}))]
pub struct WithdrawApplication {
    /// Why.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reason: Option<Note>,
}

impl Decide for WithdrawApplication {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        step(scene, Event::Withdrawn { reason: self.reason.clone() })
    }
}

/// Records the signed contract.
pub type SignContract = Contract;

pub(super) fn require_rate(rate: &str) -> Result<(), Refusal> {
    let (whole, fraction) = rate.split_once('.').unwrap_or((rate, "0"));
    let digits =
        |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if digits(whole, 3) && digits(fraction, 4) {
        return Ok(());
    }
    Err(Refusal::rule(
        "/annual_rate_percent",
        "invalid_rate",
        Text::fixed(
            "Tulis suku bunga per tahun dalam persen sebagai teks, misalnya \"22.00\".",
            "Write the yearly rate in percent as text, such as \"22.00\".",
        ),
    ))
}

impl Decide for Contract {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        let own = scene.own()?;
        let mut faults = Faults::default();
        faults.check(self.signed_on.require_past(scene.now, "/signed_on"));
        faults.check(require_amount(self.plafon, "/plafon"));
        faults.check(require_tenor(self.tenor_months));
        faults.check(require_rate(&self.annual_rate_percent));
        faults.or_refuse(())?;
        let terms = Terms {
            plafon: self.plafon,
            annual_rate_percent: self.annual_rate_percent.clone(),
            tenor_months: self.tenor_months,
        };
        let breaches = breaches(own.scheme, self.signed_on, &terms);
        step(scene, Event::ContractSigned(Contract { breaches, ..self.clone() }))
    }
}

/// Records a tranche that was paid out.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"amount": {"value": "10000000.00", "currency": "IDR"}, "disbursed_on": "2014-03-21"}))]
pub struct Disburse {
    /// How much; the sum of all tranches never exceeds the plafon.
    pub amount: Money,
    /// The day; that of `occurred_at` when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub disbursed_on: Option<Date>,
    /// The lender's reference.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reference: Option<Number>,
}

impl Decide for Disburse {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        scene.own()?;
        let disbursed_on = self.disbursed_on.unwrap_or_else(|| scene.occurred_at.day());
        let mut faults = Faults::default();
        faults.check(disbursed_on.require_past(scene.now, "/disbursed_on"));
        let amount = faults.check(require_amount(self.amount, "/amount")).unwrap_or(self.amount);
        faults.or_refuse(())?;
        step(scene, Event::Disbursed(Tranche { amount, disbursed_on, reference: self.reference.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::stories::{BANK, applied, approved, contract, contracted, date, disburse, millions, tranche};
    use super::*;
    use crate::kernel::Actor;
    use crate::ledger::testing::Story;

    #[test]
    fn money_flows_only_after_the_contract() {
        Story::given([applied()]).when(disburse(1, "2014-02-06")).refused("wrong_state");
        Story::given([applied(), approved()]).when(disburse(1, "2014-02-06")).refused("wrong_state");
        Story::given(contracted()).when(disburse(1, "2014-02-06")).then([tranche(1, "2014-02-06")]);
        Story::given(contracted()).when(disburse(1, "2014-02-04")).refused_at("rule_refused", "/disbursed_on");
    }

    #[test]
    fn the_tranches_together_never_exceed_the_plafon() {
        let [a, b, c] = contracted();
        let given = || Story::<Financing>::given([a.clone(), b.clone(), c.clone(), tranche(15, "2014-02-06")]);
        given().when(disburse(6, "2014-02-07")).refused_at("rule_refused", "/amount");
        given().when(disburse(5, "2014-02-07")).then([tranche(5, "2014-02-07")]);
    }

    #[test]
    fn a_plafon_above_what_was_approved_is_refused() {
        let high = Contract { plafon: millions(21), ..contract() };
        Story::given([applied(), approved()]).when(high).refused_at("rule_refused", "/plafon");
    }

    #[test]
    fn papers_are_checked_until_they_are_complete_and_a_visit_may_follow() {
        let verified = |complete| Event::Verified { verified_on: date("2014-02-01"), complete, note: None };
        let verify = || Verify { verified_on: Some(date("2014-02-01")), ..Verify::default() };
        Story::given([applied(), verified(false)]).when(verify()).then([verified(true)]);
        Story::given([applied(), verified(true)]).when(verify()).refused("wrong_state");
        let surveyed = Event::Surveyed { surveyed_on: date("2014-02-02"), recommended: None, note: None };
        let survey = Survey { surveyed_on: Some(date("2014-02-02")), ..Survey::default() };
        Story::given([applied(), verified(true)]).when(survey).then([surveyed.clone()]);
        Story::given([applied(), surveyed]).when(Approve::default()).then_types(&["financing.approved"]);
    }

    #[test]
    fn another_bank_does_not_even_see_the_financing() {
        assert_ne!(BANK, Uuid::from_u128(0xBB));
        let other = Actor {
            organisation: Uuid::from_u128(0xBB),
            kind: OrganisationKind::Bank,
            region: crate::kernel::PROVINCE,
            key: Uuid::nil(),
            scopes: None,
        };
        Story::given([applied()]).by(other).when(Approve::default()).refused("not_found");
    }
}
