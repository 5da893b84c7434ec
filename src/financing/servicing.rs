//! What follows once money has flowed: instalments, reports, new terms, settlement.

use deserr::Deserr;
use rust_decimal::Decimal;
use utoipa::ToSchema;
use uuid::Uuid;

use super::checks::{require_amount, require_not_negative};
use super::commands::{require_rate, require_tenor, step};
use super::events::{
    Collectibility, CollectibilityScheme, FinancingEvent as Event, Instalment, Payoff, Replaced, Restructuring,
};
use super::life::Terms;
use super::scheme::{Breach, breaches};
use super::state::Financing;
use crate::kernel::codelists::code_list;
use crate::kernel::{Date, Faults, Money, Note, Number, OneOf, Refusal, Text};
use crate::ledger::{Decide, Decision, Scene, Wants, World};

/// Most days past due: a hundred years.
const DAYS_PAST_DUE_MAX: u32 = 36_500;
const NOTHING: Money = Money::idr(Decimal::ZERO);

/// Records a payment of the debtor.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"paid_on": "2014-04-21", "principal": {"value": "833333.33", "currency": "IDR"},
    "interest": {"value": "366666.67", "currency": "IDR"}}))]
pub struct PayInstalment {
    /// The day; that of `occurred_at` when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub paid_on: Option<Date>,
    /// What it paid of the debt.
    pub principal: Money,
    /// What it paid of interest or margin.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub interest: Option<Money>,
    /// What it paid of penalties.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub penalty: Option<Money>,
    /// The lender's reference.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reference: Option<Number>,
}

impl Decide for PayInstalment {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        scene.own()?;
        let paid_on = self.paid_on.unwrap_or_else(|| scene.occurred_at.day());
        let (interest, penalty) = (self.interest.unwrap_or(NOTHING), self.penalty.unwrap_or(NOTHING));
        let mut faults = Faults::default();
        faults.check(paid_on.require_past(scene.now, "/paid_on"));
        faults.check(require_not_negative(self.principal, "/principal"));
        faults.check(require_not_negative(interest, "/interest"));
        faults.check(require_not_negative(penalty, "/penalty"));
        if faults.0.is_empty() && [self.principal, interest, penalty].iter().all(|part| part.amount().is_zero()) {
            let why = Text::fixed("Angsuran ini tidak membayar apa pun.", "This instalment pays nothing.");
            faults.add("/principal", "amount_not_positive", why);
        }
        faults.or_refuse(())?;
        let reference = self.reference.clone();
        step(
            scene,
            Event::InstalmentPaid(Instalment { paid_on, principal: self.principal, interest, penalty, reference }),
        )
    }
}

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

/// A class of a lender type, as the code list `collectibility` has it on a day, and the days past due it covers, where they are known.
struct Class {
    class: u8,
    days: Option<(u32, Option<u32>)>,
}

/// The classes of a lender type on a day.
fn classes(scheme: CollectibilityScheme, day: Date) -> Vec<Class> {
    let entries = code_list("collectibility").into_iter().flat_map(|list| &list.entries);
    let entries = entries.filter(|entry| entry.more.get("lender_type").is_some_and(|of| *of == scheme.word()));
    let number = |value: Option<&serde_json::Value>| u32::try_from(value?.as_u64()?).ok();
    let read = |more: &serde_json::Map<String, serde_json::Value>| {
        let class = number(more.get("class"))?.try_into().ok()?;
        let days = number(more.get("days_from")).map(|from| (from, number(more.get("days_to"))));
        Some(Class { class, days })
    };
    entries.filter(|entry| entry.holds_on(day)).filter_map(|entry| read(&entry.more)).collect()
}

/// Whether the class is not the one the days suggest. Days beyond what is known of the better classes suggest a worse one.
fn mismatch(classes: &[Class], class: u8, days: u32) -> bool {
    let covers = |(from, to): (u32, Option<u32>)| from <= days && to.is_none_or(|to| days <= to);
    let known = || classes.iter().filter_map(|known| Some((known.class, known.days?)));
    match known().find(|(_, bounds)| covers(*bounds)) {
        Some((suggested, _)) => suggested != class,
        None => known().any(|(known, (_, to))| known == class && to.is_some_and(|to| to < days)),
    }
}

impl ReportCollectibility {
    /// Whether a month that was reported on before is reported on again: then it matters what was said.
    fn looks_back(&self, own: &Financing) -> bool {
        let last = own.life.collectibility.as_ref();
        last.is_some_and(|last| self.position_date.month() <= last.position_date.month() && !self.says_the_same(last))
    }

    /// Whether a report of the same day said just this.
    fn says_the_same(&self, known: &Collectibility) -> bool {
        let (own, other) = (
            (self.scheme, self.class, self.days_past_due, self.position_date, self.outstanding),
            (known.scheme, known.class, known.days_past_due, known.position_date, known.outstanding),
        );
        own == other
    }

    /// The report that counts for the month so far: that of the latest position, of two of the same day the later one.
    fn counting(&self, scene: &Scene<'_, Financing>) -> Result<Option<(Uuid, Collectibility)>, Refusal> {
        let steps = scene.steps()?;
        let reports = steps.into_iter().filter(|step| !step.undone).filter_map(|step| match step.event {
            Event::CollectibilityReported(report) => Some((step.envelope.event_id, report)),
            _ => None,
        });
        let month = self.position_date.month();
        Ok(reports.filter(|(_, report)| report.position_date.month() == month).max_by_key(|(_, it)| it.position_date))
    }

    fn require_class(&self, classes: &[Class]) -> Result<(), Refusal> {
        if classes.iter().any(|known| known.class == self.class) {
            return Ok(());
        }
        let list = classes.iter().map(|known| known.class.to_string()).collect::<Vec<_>>().join(", ");
        let scheme = self.scheme.word();
        let why = text!("Kelas dalam skala `{scheme}`: {list}.", "The classes of the scale `{scheme}` are {list}.");
        Err(Refusal::rule("/class", "unknown_class", why))
    }
}

impl Decide for ReportCollectibility {
    type Resource = Financing;

    fn reads(&self, own: Option<&Financing>, _: &World, wants: &mut Wants) {
        if let Some(own) = own.filter(|own| self.looks_back(own)) {
            wants.past::<Financing>(own.stamp.id);
        }
    }

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        let own = scene.own()?;
        let classes = classes(self.scheme, self.position_date);
        let mut faults = Faults::default();
        faults.check(self.require_class(&classes));
        faults.check(self.position_date.require_past(scene.now, "/position_date"));
        faults.check(require_not_negative(self.outstanding, "/outstanding"));
        if self.days_past_due.is_some_and(|days| days > DAYS_PAST_DUE_MAX) {
            let why = text!("Paling banyak {DAYS_PAST_DUE_MAX} hari.", "At most {DAYS_PAST_DUE_MAX} days.");
            faults.add("/days_past_due", "days_out_of_range", why);
        }
        faults.or_refuse(())?;
        let counting = if self.looks_back(own) { self.counting(scene)? } else { None };
        let known = counting.as_ref().map(|(_, known)| known).or(own.life.collectibility.as_ref());
        if known.is_some_and(|known| self.says_the_same(known)) {
            return Ok(Decision::nothing());
        }
        let later = counting.as_ref().filter(|(_, known)| known.position_date > self.position_date);
        let superseded_by = later.map(|(event_id, _)| *event_id);
        let replaces = counting.filter(|_| superseded_by.is_none()).map(|(event_id, known)| Replaced {
            event_id,
            scheme: known.scheme,
            class: known.class,
            outstanding: known.outstanding,
        });
        step(
            scene,
            Event::CollectibilityReported(Collectibility {
                scheme: self.scheme,
                class: self.class,
                days_past_due: self.days_past_due,
                position_date: self.position_date,
                outstanding: self.outstanding,
                mismatch: self.days_past_due.is_some_and(|days| mismatch(&classes, self.class, days)),
                replaces,
                superseded_by,
            }),
        )
    }
}

/// The limits of its scheme that a financing will not keep once its terms are changed.
fn breaches_after(own: &Financing, change: impl FnOnce(&mut Terms)) -> Vec<Breach> {
    let (Some(contract), Some(mut terms)) = (&own.life.contract, own.life.terms.clone()) else { return Vec::new() };
    change(&mut terms);
    breaches(own.scheme, contract.signed_on, &terms)
}

/// Records new terms (restrukturisasi).
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"restructured_on": "2014-05-12", "tenor_months": 36, "annual_rate_percent": "12.00", "reason": "Banjir merusak usaha"}))]
pub struct Restructure {
    /// The day they were agreed; that of `occurred_at` when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub restructured_on: Option<Date>,
    /// Months until the last instalment, counted from the contract.
    #[schema(minimum = 1, maximum = 480)]
    pub tenor_months: u16,
    /// Yearly rate in percent, as text.
    #[schema(max_length = 10, pattern = r"^[0-9]{1,3}(\.[0-9]{1,4})?$")]
    pub annual_rate_percent: String,
    /// Interest in arrears that becomes debt.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub capitalised: Option<Money>,
    /// Why.
    pub reason: Note,
}

impl Decide for Restructure {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        let own = scene.own()?;
        let restructured_on = self.restructured_on.unwrap_or_else(|| scene.occurred_at.day());
        let capitalised = self.capitalised.unwrap_or(NOTHING);
        let mut faults = Faults::default();
        faults.check(restructured_on.require_past(scene.now, "/restructured_on"));
        faults.check(require_tenor(self.tenor_months));
        faults.check(require_rate(&self.annual_rate_percent));
        faults.check(require_not_negative(capitalised, "/capitalised"));
        faults.or_refuse(())?;
        let terms = Restructuring {
            restructured_on,
            tenor_months: self.tenor_months,
            annual_rate_percent: self.annual_rate_percent.clone(),
            capitalised,
            reason: self.reason.clone(),
            breaches: breaches_after(own, |terms| terms.annual_rate_percent.clone_from(&self.annual_rate_percent)),
        };
        step(scene, Event::Restructured(terms))
    }
}

/// Raises the plafon (suplesi).
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"amount": {"value": "5000000.00", "currency": "IDR"}, "signed_on": "2014-05-12", "akad_number": "001/ADD/2014"}))]
pub struct TopUp {
    /// By how much.
    pub amount: Money,
    /// The day it was signed; that of `occurred_at` when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub signed_on: Option<Date>,
    /// Number of the addendum; unique per lender, like the contract's.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub akad_number: Option<Number>,
}

impl Decide for TopUp {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        let own = scene.own()?;
        let signed_on = self.signed_on.unwrap_or_else(|| scene.occurred_at.day());
        let mut faults = Faults::default();
        faults.check(signed_on.require_past(scene.now, "/signed_on"));
        faults.check(require_amount(self.amount, "/amount"));
        faults.or_refuse(())?;
        let raise = |terms: &mut Terms| terms.plafon = Money::idr(terms.plafon.amount() + self.amount.amount());
        let breaches = breaches_after(own, raise);
        step(scene, Event::ToppedUp { amount: self.amount, signed_on, akad_number: self.akad_number.clone(), breaches })
    }
}

/// Records that everything was paid back, and how much the last payment was, where the lender says.
#[derive(Clone, Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"settled_on": "2014-05-20", "principal": {"value": "15000000.00", "currency": "IDR"}}))]
pub struct Settle {
    /// The day; that of `occurred_at` when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub settled_on: Option<Date>,
    /// What the payment paid of the debt. Without any amount it is not known what was paid, and no drift is told.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub principal: Option<Money>,
    /// What it paid of interest or margin.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub interest: Option<Money>,
    /// What it paid of penalties.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub penalty: Option<Money>,
    /// The lender's reference.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reference: Option<Number>,
}

impl Decide for Settle {
    type Resource = Financing;

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        scene.own()?;
        let settled_on = self.settled_on.unwrap_or_else(|| scene.occurred_at.day());
        let parts = [(self.principal, "/principal"), (self.interest, "/interest"), (self.penalty, "/penalty")];
        let mut faults = Faults::default();
        faults.check(settled_on.require_past(scene.now, "/settled_on"));
        for (part, pointer) in parts {
            part.map(|part| faults.check(require_not_negative(part, pointer)));
        }
        let paid = parts.iter().any(|(part, _)| part.is_some());
        if self.reference.is_some() && !paid {
            let why = Text::fixed(
                "Rujukan tanpa jumlah; sebutkan `principal` yang dibayar.",
                "A reference without an amount; say what `principal` was paid.",
            );
            faults.add("/principal", "missing_amount", why);
        }
        faults.or_refuse(())?;
        let payoff = paid.then(|| Payoff {
            principal: self.principal.unwrap_or(NOTHING),
            interest: self.interest.unwrap_or(NOTHING),
            penalty: self.penalty.unwrap_or(NOTHING),
            reference: self.reference.clone(),
        });
        step(scene, Event::Settled { settled_on, payoff })
    }
}

#[cfg(test)]
mod tests {
    use super::super::scheme::BreachKind;
    use super::super::stories::{contracted, date, millions, tranche};
    use super::*;
    use crate::ledger::Resource;
    use crate::ledger::testing::{Story, event_id};

    fn report(class: u8, days: Option<u32>, day: &str, owed: i64) -> ReportCollectibility {
        ReportCollectibility {
            scheme: CollectibilityScheme::BankUmum,
            class,
            days_past_due: days,
            position_date: date(day),
            outstanding: millions(owed),
        }
    }

    fn reported(class: u8, day: &str, owed: i64) -> Collectibility {
        Collectibility {
            scheme: CollectibilityScheme::BankUmum,
            class,
            days_past_due: None,
            position_date: date(day),
            outstanding: millions(owed),
            mismatch: false,
            replaces: None,
            superseded_by: None,
        }
    }

    fn running() -> [Event; 4] {
        let [a, b, c] = contracted();
        [a, b, c, tranche(10, "2014-02-06")]
    }

    #[test]
    fn days_past_due_that_suggest_another_class_are_flagged_and_not_refused() {
        let fitting = |scheme, days| {
            let classes = classes(scheme, date("2014-03-11"));
            (1..=5).filter(|class| !mismatch(&classes, *class, days)).collect::<Vec<u8>>()
        };
        let bank = [(0, 1), (1, 2), (90, 2), (91, 3), (120, 3), (121, 4), (180, 4), (181, 5)];
        for (days, class) in bank {
            assert_eq!(fitting(CollectibilityScheme::BankUmum, days), [class], "{days}");
        }
        // Of a rural bank in arrears of more than 90 days we know only that it is 3 or worse, of the others nothing.
        assert_eq!([30, 31, 90].map(|days| fitting(CollectibilityScheme::Bpr, days)), [vec![1], vec![2], vec![2]]);
        assert_eq!(fitting(CollectibilityScheme::Bpr, 91), [3, 4, 5]);
        assert_eq!(fitting(CollectibilityScheme::Lpdb, 91), [1, 2, 3, 4, 5]);
        let flagged = Collectibility { days_past_due: Some(95), mismatch: true, ..reported(1, "2014-03-11", 9) };
        let given = || Story::given(running());
        given().when(report(1, Some(95), "2014-03-11", 9)).then([Event::CollectibilityReported(flagged)]);
        given().when(report(6, None, "2014-03-11", 9)).refused_at("rule_refused", "/class");
        let of_a_cooperative =
            |class| ReportCollectibility { scheme: CollectibilityScheme::Ksp, ..report(class, None, "2014-03-11", 9) };
        given().when(of_a_cooperative(2)).refused_at("rule_refused", "/class");
        given().when(of_a_cooperative(3)).then_types(&["financing.collectibility_reported"]);
        given().when(report(1, None, "2014-02-05", 9)).refused_at("rule_refused", "/position_date");
        given().when(report(1, None, "2014-02-28", -1)).refused_at("rule_refused", "/outstanding");
    }

    #[test]
    fn of_the_reports_of_a_month_the_latest_position_counts_once() {
        let [a, b, c, d] = running();
        let known = Event::CollectibilityReported(reported(1, "2014-02-28", 10));
        let given = || Story::given([a.clone(), b.clone(), c.clone(), d.clone(), known.clone()]);
        given().when(report(1, None, "2014-03-11", 9)).then([Event::CollectibilityReported(reported(
            1,
            "2014-03-11",
            9,
        ))]);
        let replaces = Some(Replaced {
            event_id: event_id(5),
            scheme: CollectibilityScheme::BankUmum,
            class: 1,
            outstanding: millions(10),
        });
        let corrected = Collectibility { replaces, ..reported(2, "2014-02-28", 10) };
        given().when(report(2, None, "2014-02-28", 10)).then([Event::CollectibilityReported(corrected)]);
        let late = Collectibility { superseded_by: Some(event_id(5)), ..reported(1, "2014-02-15", 10) };
        given().when(report(1, None, "2014-02-15", 10)).then([Event::CollectibilityReported(late)]);
    }

    #[test]
    fn what_a_report_says_already_is_not_recorded_again_unless_something_else_was_said_since() {
        let [a, b, c, d] = running();
        let february = Event::CollectibilityReported(reported(1, "2014-02-28", 10));
        let march = Event::CollectibilityReported(reported(1, "2014-03-10", 9));
        let given = |more: &[Event]| {
            let begun = [a.clone(), b.clone(), c.clone(), d.clone(), february.clone()];
            Story::given(begun.into_iter().chain(more.iter().cloned()))
        };
        given(&[]).when(report(1, None, "2014-02-28", 10)).then([]);
        given(std::slice::from_ref(&march)).when(report(1, None, "2014-02-28", 10)).then([]);
        let undone = Event::Reversed { event_id: event_id(5), reason: Note::parse("salah").unwrap() };
        given(&[undone]).when(report(1, None, "2014-02-28", 10)).then([february.clone()]);
        let replaces = Some(Replaced {
            event_id: event_id(5),
            scheme: CollectibilityScheme::BankUmum,
            class: 1,
            outstanding: millions(10),
        });
        let corrected = Event::CollectibilityReported(Collectibility { replaces, ..reported(2, "2014-02-28", 10) });
        given(&[corrected]).when(report(1, None, "2014-02-28", 10)).then_types(&["financing.collectibility_reported"]);
    }

    #[test]
    fn no_instalment_pays_more_than_is_owed() {
        let pay = |principal| PayInstalment {
            paid_on: Some(date("2014-03-06")),
            principal: millions(principal),
            interest: None,
            penalty: None,
            reference: None,
        };
        let given = || Story::given(running());
        given().when(pay(11)).refused_at("rule_refused", "/principal");
        given().when(pay(0)).refused_at("rule_refused", "/principal");
        given().when(pay(10)).then_types(&["financing.instalment_paid"]);
        let early = PayInstalment { paid_on: Some(date("2014-02-05")), ..pay(1) };
        given().when(early).refused_at("rule_refused", "/paid_on");
    }

    #[test]
    fn a_top_up_gives_room_and_new_terms_replace_the_old() {
        let [a, b, c, d] = running();
        let more = Event::ToppedUp {
            amount: millions(5),
            signed_on: date("2014-03-01"),
            akad_number: None,
            breaches: Vec::new(),
        };
        let terms = Event::Restructured(Restructuring {
            restructured_on: date("2014-03-02"),
            tenor_months: 36,
            annual_rate_percent: "9.00".to_owned(),
            capitalised: millions(1),
            reason: Note::parse("banjir").unwrap(),
            breaches: Vec::new(),
        });
        let story = Story::<Financing>::given([a, b, c, d, more, terms]);
        let life = &story.state().life;
        let terms = life.terms.as_ref().unwrap();
        assert_eq!((terms.plafon, terms.tenor_months, terms.annual_rate_percent.as_str()), (millions(25), 36, "9.00"));
        assert_eq!(life.expected_outstanding(), millions(11));
    }

    #[test]
    fn later_terms_are_held_against_the_limits_of_the_contracts_day() {
        let top_up = |amount, number: Option<&str>| TopUp {
            amount: millions(amount),
            signed_on: Some(date("2014-03-01")),
            akad_number: number.map(|number| Number::parse(number).unwrap()),
        };
        let given = |more: &[Event]| Story::<Financing>::given(running().into_iter().chain(more.iter().cloned()));
        let raised = given(&[]).when(top_up(900_000, Some("ADD-A"))).events();
        let [Event::ToppedUp { breaches, .. }] = raised.as_slice() else { panic!("{raised:?}") };
        assert_eq!(breaches.iter().map(|breach| breach.kind).collect::<Vec<_>>(), [BreachKind::AboveCeiling]);
        let story = given(&raised);
        assert_eq!(story.state().life.breaches, *breaches);
        // An addendum has a number of its own, among those of the contract and of all addenda.
        for taken in ["add-a", "001/PK/2014"] {
            given(&raised).when(top_up(1, Some(taken))).refused_at("rule_refused", "/akad_number");
        }
        let second = given(&raised).when(top_up(1, Some("ADD-B"))).events();
        let both: Vec<Event> = raised.iter().chain(&second).cloned().collect();
        assert_eq!(given(&both).state().claims().iter().filter(|claim| claim.namespace == "akad_number").count(), 3);
    }

    #[test]
    fn a_payoff_pays_the_debt_and_is_repaid_principal() {
        let settle = |principal| Settle {
            settled_on: Some(date("2014-03-06")),
            principal: Some(millions(principal)),
            ..Settle::default()
        };
        Story::given(running()).when(settle(11)).refused_at("rule_refused", "/principal");
        let settled = Story::given(running()).when(settle(10)).events();
        let story = Story::<Financing>::given(running().into_iter().chain(settled));
        let life = &story.state().life;
        assert_eq!((life.repaid.principal, life.repaid.instalments), (millions(10), 0));
        assert_eq!(life.expected_outstanding(), NOTHING);
        let unsaid = Settle { settled_on: Some(date("2014-03-06")), ..Settle::default() };
        Story::given(running()).when(unsaid).then([Event::Settled { settled_on: date("2014-03-06"), payoff: None }]);
        let number = Settle { reference: Some(Number::parse("R-1").unwrap()), ..Settle::default() };
        Story::given(running()).when(number).refused_at("rule_refused", "/principal");
    }
}
