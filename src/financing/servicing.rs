//! What follows once money has flowed: reports, settlement, and undoing any step.

use deserr::Deserr;
use utoipa::ToSchema;
use uuid::Uuid;

use super::commands::step;
use super::events::{Collectibility, CollectibilityScheme, FinancingEvent as Event};
use super::state::Financing;
use crate::kernel::problem_codes::WRONG_STATE;
use crate::kernel::{Date, Faults, Id, Money, Note, OneOf, Refusal, Text};
use crate::ledger::{Decide, Decision, Scene};

/// Reports how a financing stands, as the lender classes it.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"scheme": "bank_umum", "class": 1, "days_past_due": 0, "position_date": "2014-04-30",
    "outstanding": {"value": "19250000.00", "currency": "IDR"}}))]
pub struct ReportCollectibility {
    /// The scale.
    pub scheme: CollectibilityScheme,
    /// 1 (lancar) to 5 (macet).
    #[schema(minimum = 1, maximum = 5)]
    pub class: u8,
    /// Days past due: evidence, not the rule.
    #[deserr(default)]
    #[schema(nullable = false, maximum = 36500)]
    pub days_past_due: Option<u32>,
    /// The day it is about.
    pub position_date: Date,
    /// What is still owed.
    pub outstanding: Money,
}

/// The class that days past due suggest, where the lender type has a rule we know (POJK 40/2019, POJK 33/2018).
fn suggested_class(scheme: CollectibilityScheme, days: u32) -> Option<u8> {
    match (scheme, days) {
        (CollectibilityScheme::BankUmum, 0) | (CollectibilityScheme::Bpr, 0..=30) => Some(1),
        (CollectibilityScheme::BankUmum, 1..=90) | (CollectibilityScheme::Bpr, 31..=90) => Some(2),
        (CollectibilityScheme::BankUmum, 91..=120) => Some(3),
        (CollectibilityScheme::BankUmum, 121..=180) => Some(4),
        (CollectibilityScheme::BankUmum, _) => Some(5),
        _ => None,
    }
}

impl Decide for ReportCollectibility {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        scene.own()?;
        let class_exists = match self.scheme {
            CollectibilityScheme::Ksp => [1, 3, 4, 5].contains(&self.class),
            _ => (1..=5).contains(&self.class),
        };
        let mut faults = Faults::default();
        if !class_exists {
            let why = Text::fixed(
                "Kelas 1 sampai 5; skala `ksp` tidak mempunyai kelas 2.",
                "Classes are 1 to 5; the scale `ksp` has no class 2.",
            );
            faults.add("/class", "unknown_class", why);
        }
        faults.check(self.position_date.require_past(scene.now, "/position_date"));
        if self.outstanding.amount().is_sign_negative() {
            let why = Text::fixed("Baki debet tidak dapat negatif.", "What is owed cannot be negative.");
            faults.add("/outstanding", "amount_negative", why);
        }
        faults.or_refuse(())?;
        let suggested = self.days_past_due.and_then(|days| suggested_class(self.scheme, days));
        step(
            scene,
            Event::CollectibilityReported(Collectibility {
                scheme: self.scheme,
                class: self.class,
                days_past_due: self.days_past_due,
                position_date: self.position_date,
                outstanding: self.outstanding,
                mismatch: suggested.is_some_and(|suggested| suggested != self.class),
            }),
        )
    }
}

/// Records that everything was paid back.
#[derive(Clone, Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"settled_on": "2014-05-20"}))]
pub struct Settle {
    /// The day; that of `occurred_at` when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub settled_on: Option<Date>,
}

impl Decide for Settle {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        let settled_on = self.settled_on.unwrap_or_else(|| scene.occurred_at.day());
        settled_on.require_past(scene.now, "/settled_on")?;
        step(scene, Event::Settled { settled_on })
    }
}

/// Undoes an earlier event.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"event_id": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b", "reason": "Salah rekening"}))]
pub struct Reverse {
    /// Which event; `entries` of the financing name them.
    pub event_id: Id,
    /// Why.
    pub reason: Note,
}

impl Decide for Reverse {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        let own = scene.own()?;
        let id = self.event_id.0;
        let entry = own.entries.iter().find(|entry| entry.event_id == id);
        let entry = entry.filter(|entry| !matches!(entry.event, Event::Reversed { .. }));
        let entry = entry.ok_or_else(|| {
            Refusal::rule(
                "/event_id",
                "cannot_be_reversed",
                Text::fixed(
                    "Sebutkan peristiwa pembiayaan ini setelah permohonannya; lihat `entries`. Pembatalan sendiri tidak dapat dibatalkan.",
                    "Name an event of this financing after its application; see `entries`. A reversal itself cannot be reversed.",
                ),
            )
        })?;
        if let Some(by) = entry.reversed_by {
            return Err(Refusal::wrong_state(own.life.state.word(), own.life.state.allowed())
                .with("reversed_by", by.to_string()));
        }
        let (_, contradicted) = own.without(id);
        if contradicted.is_empty() {
            return Ok(Decision::one(Event::Reversed { event_id: id, reason: self.reason.clone() }));
        }
        let list: Vec<String> = contradicted.iter().map(Uuid::to_string).collect();
        let shown = list.join(", ");
        Err(Refusal::new(
            &WRONG_STATE,
            text!(
                "Peristiwa sesudahnya bergantung padanya; batalkan lebih dahulu: {shown}.",
                "Later events depend on it; reverse these first: {shown}."
            ),
        )
        .with("contradicts", list))
    }
}

#[cfg(test)]
#[allow(clippy::many_single_char_names, reason = "events taken apart and put together again")]
mod tests {
    use super::super::commands::{Approve, Disburse};
    use super::super::events::{Beneficiary, BeneficiaryKind, Contract, Scheme, Tranche};
    use super::*;
    use crate::kernel::{Actor, Name, Number, OrganisationKind, Region};
    use crate::ledger::Resource;
    use crate::ledger::testing::{Story, event_id};
    use rust_decimal::Decimal;

    const BANK: Uuid = Uuid::from_u128(0xBA);

    fn millions(amount: i64) -> Money {
        Money::idr(Decimal::from(amount * 1_000_000))
    }

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    fn note(text: &str) -> Note {
        Note::parse(text).unwrap()
    }

    fn applied() -> Event {
        Event::Applied {
            beneficiary: Beneficiary { kind: BeneficiaryKind::Cooperative, id: Uuid::from_u128(0x15) },
            region: Region::parse("64.72").unwrap(),
            lender: BANK,
            scheme: Scheme::KurLinkage,
            amount: millions(20),
            purpose: Name::parse("Modal kerja").unwrap(),
            tenor_months: 24,
            lender_reference: None,
        }
    }

    fn approved() -> Event {
        Event::Approved { amount: millions(20), approved_on: date("2014-03-01") }
    }

    fn contract() -> Contract {
        Contract {
            akad_number: Number::parse("001/PK/2014").unwrap(),
            signed_on: date("2014-03-05"),
            plafon: millions(20),
            annual_rate_percent: "13.00".to_owned(),
            tenor_months: 24,
        }
    }

    fn tranche(amount: i64, day: &str) -> Event {
        Event::Disbursed(Tranche { amount: millions(amount), disbursed_on: date(day), reference: None })
    }

    fn disburse(amount: i64, day: &str) -> Disburse {
        Disburse { amount: millions(amount), disbursed_on: Some(date(day)), reference: None }
    }

    fn signed() -> [Event; 3] {
        [applied(), approved(), Event::ContractSigned(contract())]
    }

    fn reverse(version: i64) -> Reverse {
        Reverse { event_id: Id(event_id(version)), reason: note("salah") }
    }

    #[test]
    fn money_flows_only_after_the_contract() {
        Story::given([applied()]).when(disburse(1, "2014-03-06")).refused("wrong_state");
        Story::given([applied(), approved()]).when(disburse(1, "2014-03-06")).refused("wrong_state");
        Story::given(signed()).when(disburse(1, "2014-03-06")).then([tranche(1, "2014-03-06")]);
        Story::given(signed()).when(disburse(1, "2014-03-04")).refused_at("rule_refused", "/disbursed_on");
    }

    #[test]
    fn the_tranches_together_never_exceed_the_plafon() {
        let [a, b, c] = signed();
        let given = || Story::<Financing>::given([a.clone(), b.clone(), c.clone(), tranche(15, "2014-03-06")]);
        given().when(disburse(6, "2014-03-07")).refused_at("rule_refused", "/amount");
        given().when(disburse(5, "2014-03-07")).then([tranche(5, "2014-03-07")]);
    }

    #[test]
    fn a_plafon_above_what_was_approved_is_refused() {
        let high = Contract { plafon: millions(21), ..contract() };
        Story::given([applied(), approved()]).when(high).refused_at("rule_refused", "/plafon");
    }

    #[test]
    fn a_reversed_disbursement_gives_its_room_back_and_the_count_with_it() {
        let [a, b, c] = signed();
        let reversed = Event::Reversed { event_id: event_id(4), reason: note("salah") };
        let story = Story::<Financing>::given([a, b, c, tranche(20, "2014-03-06"), reversed]);
        assert_eq!(story.state().life.disbursed, millions(0));
        assert_eq!(story.state().life.state, super::super::FinancingState::Contracted);
        assert!(story.state().facts().is_empty());
        story.when(disburse(20, "2014-03-07")).then([tranche(20, "2014-03-07")]);
    }

    #[test]
    fn a_reversal_that_later_events_depend_on_is_refused_with_their_list() {
        let [a, b, c] = signed();
        let given = || Story::<Financing>::given([a.clone(), b.clone(), c.clone(), tranche(20, "2014-03-06")]);
        given().when(reverse(3)).refused("wrong_state");
        given().when(reverse(4)).then_types(&["financing.reversed"]);
        given().when(reverse(99)).refused_at("rule_refused", "/event_id");
    }

    #[test]
    fn the_first_tranche_counts_and_when_it_is_reversed_the_next_one_does() {
        let [a, b, c] = signed();
        let two = [a, b, c, tranche(5, "2014-03-06"), tranche(5, "2014-03-08")];
        let first = Story::<Financing>::given(two.clone()).state().facts();
        assert_eq!((first.len(), first[0].event_id), (1, event_id(4)));
        let [a, b, c, d, e] = two;
        let reversed = Event::Reversed { event_id: event_id(4), reason: note("salah") };
        let second = Story::<Financing>::given([a, b, c, d, e, reversed]).state().facts();
        assert_eq!((second.len(), second[0].event_id), (1, event_id(5)));
    }

    #[test]
    fn days_past_due_that_suggest_another_class_are_flagged_and_not_refused() {
        let report = |class, days| ReportCollectibility {
            scheme: CollectibilityScheme::BankUmum,
            class,
            days_past_due: Some(days),
            position_date: date("2014-03-11"),
            outstanding: millions(9),
        };
        assert_eq!(
            [0, 1, 90, 91, 120, 121, 180, 181].map(|days| suggested_class(CollectibilityScheme::BankUmum, days)),
            { [1, 2, 2, 3, 3, 4, 4, 5].map(Some) }
        );
        let [a, b, c] = signed();
        let given = || Story::<Financing>::given([a.clone(), b.clone(), c.clone(), tranche(10, "2014-03-06")]);
        given().when(report(1, 95)).then_types(&["financing.collectibility_reported"]);
        given().when(report(6, 0)).refused_at("rule_refused", "/class");
    }

    #[test]
    fn another_bank_does_not_even_see_the_financing() {
        let other = Actor {
            organisation: Uuid::from_u128(0xBB),
            kind: OrganisationKind::Bank,
            region: crate::kernel::PROVINCE,
            key: Uuid::nil(),
        };
        Story::given([applied()]).by(other).when(Approve::default()).refused("not_found");
    }
}
