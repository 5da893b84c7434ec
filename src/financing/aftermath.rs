//! What follows when a debt goes bad: claims on the guarantor, subrogation, write-off, recoveries, waiver.
//!
//! Writing off (hapus buku) takes a debt out of the books and leaves it owed; waiving (hapus tagih) gives it up.

use deserr::Deserr;
use utoipa::ToSchema;

use super::checks::require_amount;
use super::commands::step;
use super::events::{FinancingEvent as Event, GuaranteeClaim, Receipt};
use super::state::Financing;
use crate::kernel::{Date, Faults, Money, Name, Note, Number, Refusal};
use crate::ledger::{Decide, Decision, Scene};

/// Checks the amount and the day, which is that of `occurred_at` when left out.
fn amount_and_day(
    scene: &Scene<'_, Financing>,
    amount: Money,
    (day, pointer): (Option<Date>, &str),
) -> Result<Date, Refusal> {
    scene.own()?;
    let day = day.unwrap_or_else(|| scene.occurred_at.day());
    let mut faults = Faults::default();
    faults.check(day.require_past(scene.now, pointer));
    faults.check(require_amount(amount, "/amount"));
    faults.or_refuse(())?;
    Ok(day)
}

/// Claims on the guarantor.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"guarantor": "Jamkrindo", "amount": {"value": "14000000.00", "currency": "IDR"}, "claimed_on": "2014-05-12"}))]
pub struct ClaimGuarantee {
    /// Who guarantees.
    pub guarantor: Name,
    /// How much is claimed.
    pub amount: Money,
    /// The day; that of `occurred_at` when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub claimed_on: Option<Date>,
    /// A reference.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reference: Option<Number>,
}

impl Decide for ClaimGuarantee {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        let claimed_on = amount_and_day(scene, self.amount, (self.claimed_on, "/claimed_on"))?;
        let (guarantor, reference) = (self.guarantor.clone(), self.reference.clone());
        step(scene, Event::GuaranteeClaimed(GuaranteeClaim { guarantor, amount: self.amount, claimed_on, reference }))
    }
}

/// Money that came in.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"amount": {"value": "14000000.00", "currency": "IDR"}, "received_on": "2014-05-20"}))]
pub struct ReceiveMoney {
    /// How much.
    pub amount: Money,
    /// The day; that of `occurred_at` when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub received_on: Option<Date>,
    /// A reference.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reference: Option<Number>,
}

impl ReceiveMoney {
    fn receipt(&self, scene: &Scene<'_, Financing>) -> Result<Receipt, Refusal> {
        let received_on = amount_and_day(scene, self.amount, (self.received_on, "/received_on"))?;
        Ok(Receipt { amount: self.amount, received_on, reference: self.reference.clone() })
    }
}

/// The guarantor paid.
pub struct PayClaim(pub ReceiveMoney);
/// The debtor paid the guarantor.
pub struct Subrogate(pub ReceiveMoney);
/// Something came in after the write-off.
pub struct Recover(pub ReceiveMoney);

impl Decide for PayClaim {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        step(scene, Event::ClaimPaid(self.0.receipt(scene)?))
    }
}

impl Decide for Subrogate {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        step(scene, Event::Subrogated(self.0.receipt(scene)?))
    }
}

impl Decide for Recover {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        step(scene, Event::Recovered(self.0.receipt(scene)?))
    }
}

/// Writes a financing off (hapus buku).
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"amount": {"value": "18000000.00", "currency": "IDR"}, "written_off_on": "2014-05-21", "reason": "Macet lebih dari setahun"}))]
pub struct WriteOffFinancing {
    /// How much.
    pub amount: Money,
    /// The day; that of `occurred_at` when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub written_off_on: Option<Date>,
    /// Why.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reason: Option<Note>,
}

impl Decide for WriteOffFinancing {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        let written_off_on = amount_and_day(scene, self.amount, (self.written_off_on, "/written_off_on"))?;
        step(scene, Event::WrittenOff { amount: self.amount, written_off_on, reason: self.reason.clone() })
    }
}

/// Gives the debt up (hapus tagih).
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"amount": {"value": "18000000.00", "currency": "IDR"}, "waived_on": "2014-05-22", "basis": "Keputusan direksi 12/2014"}))]
pub struct WaiveClaim {
    /// How much.
    pub amount: Money,
    /// The day; that of `occurred_at` when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub waived_on: Option<Date>,
    /// On which ground.
    pub basis: Note,
}

impl Decide for WaiveClaim {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        let waived_on = amount_and_day(scene, self.amount, (self.waived_on, "/waived_on"))?;
        step(scene, Event::ClaimWaived { amount: self.amount, waived_on, basis: self.basis.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::FinancingState;
    use super::super::stories::{contracted, date, millions, tranche};
    use super::*;
    use crate::ledger::testing::Story;

    fn received(amount: i64) -> ReceiveMoney {
        ReceiveMoney { amount: millions(amount), received_on: Some(date("2014-03-11")), reference: None }
    }

    fn receipt(amount: i64) -> Receipt {
        Receipt { amount: millions(amount), received_on: date("2014-03-11"), reference: None }
    }

    fn running() -> [Event; 4] {
        let [a, b, c] = contracted();
        [a, b, c, tranche(20, "2014-02-06")]
    }

    fn claimed(amount: i64) -> Event {
        let guarantor = Name::parse("Jamkrindo").unwrap();
        Event::GuaranteeClaimed(GuaranteeClaim {
            guarantor,
            amount: millions(amount),
            claimed_on: date("2014-03-10"),
            reference: None,
        })
    }

    fn written_off() -> Event {
        Event::WrittenOff { amount: millions(20), written_off_on: date("2014-03-10"), reason: None }
    }

    #[test]
    fn a_guarantor_pays_what_is_claimed_and_has_back_what_it_paid_at_most() {
        let [a, b, c, d] = running();
        Story::given([a.clone(), b.clone(), c.clone(), d.clone()]).when(PayClaim(received(1))).refused("wrong_state");
        let given = || Story::given([a.clone(), b.clone(), c.clone(), d.clone(), claimed(14)]);
        given().when(PayClaim(received(15))).refused_at("rule_refused", "/amount");
        given().when(PayClaim(received(14))).then([Event::ClaimPaid(receipt(14))]);
        given().when(Subrogate(received(1))).refused("wrong_state");
        let paid =
            || Story::given([a.clone(), b.clone(), c.clone(), d.clone(), claimed(14), Event::ClaimPaid(receipt(14))]);
        paid().when(Subrogate(received(15))).refused_at("rule_refused", "/amount");
        paid().when(Subrogate(received(14))).then([Event::Subrogated(receipt(14))]);
    }

    #[test]
    fn recoveries_follow_a_write_off_and_nothing_follows_a_waiver() {
        let [a, b, c, d] = running();
        Story::given([a.clone(), b.clone(), c.clone(), d.clone()]).when(Recover(received(1))).refused("wrong_state");
        let story = Story::<Financing>::given([
            a.clone(),
            b.clone(),
            c.clone(),
            d.clone(),
            written_off(),
            Event::Recovered(receipt(3)),
        ]);
        assert_eq!(story.state().life.write_off.as_ref().unwrap().recovered, millions(3));
        story.when(Recover(received(1))).then([Event::Recovered(receipt(1))]);
        let waived = Event::ClaimWaived {
            amount: millions(17),
            waived_on: date("2014-03-11"),
            basis: Note::parse("keputusan").unwrap(),
        };
        let given =
            || Story::<Financing>::given([a.clone(), b.clone(), c.clone(), d.clone(), written_off(), waived.clone()]);
        assert_eq!(given().state().life.state, FinancingState::Waived);
        given().when(Recover(received(1))).refused("wrong_state");
    }

    #[test]
    fn no_day_precedes_what_it_follows_from() {
        let [a, b, c, d] = running();
        let early = WriteOffFinancing { amount: millions(1), written_off_on: Some(date("2014-02-05")), reason: None };
        Story::given([a.clone(), b.clone(), c.clone(), d.clone()])
            .when(early)
            .refused_at("rule_refused", "/written_off_on");
        let early = ReceiveMoney { received_on: Some(date("2014-03-09")), ..received(1) };
        Story::given([a, b, c, d, written_off()]).when(Recover(early)).refused_at("rule_refused", "/received_on");
    }
}
