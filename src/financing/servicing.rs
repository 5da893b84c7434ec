//! What follows once money has flowed: instalments, reports, new terms, settlement.

use deserr::Deserr;
use rust_decimal::Decimal;
use utoipa::ToSchema;
use uuid::Uuid;

use super::checks::{require_amount, require_not_negative};
use super::commands::{require_rate, require_tenor, step};
use super::events::{
    Collectibility, CollectibilityScheme, FinancingEvent as Event, Instalment, Replaced, Restructuring,
};
use super::state::Financing;
use crate::kernel::{Date, Faults, Money, Note, Number, Refusal, Text};
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

/// Whether the class is not the one the days suggest. Of a rural bank in arrears of more than 90 days we know only that it is 3 or worse.
fn mismatch(scheme: CollectibilityScheme, class: u8, days: u32) -> bool {
    let known_worse = scheme == CollectibilityScheme::Bpr && days > 90;
    suggested_class(scheme, days).map_or(known_worse && class < 3, |suggested| suggested != class)
}

impl ReportCollectibility {
    /// Whether a month that was reported on before is reported on again: then it matters what was said.
    fn looks_back(&self, own: &Financing) -> bool {
        let last = own.life.collectibility.as_ref();
        last.is_some_and(|last| self.position_date.month() <= last.position_date.month())
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

    fn require_class(&self) -> Result<(), Refusal> {
        let exists = match self.scheme {
            CollectibilityScheme::Ksp => [1, 3, 4, 5].contains(&self.class),
            _ => (1..=5).contains(&self.class),
        };
        if exists {
            return Ok(());
        }
        let why = Text::fixed(
            "Kelas 1 sampai 5; skala `ksp` tidak mempunyai kelas 2.",
            "Classes are 1 to 5; the scale `ksp` has no class 2.",
        );
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
        let mut faults = Faults::default();
        faults.check(self.require_class());
        faults.check(self.position_date.require_past(scene.now, "/position_date"));
        faults.check(require_not_negative(self.outstanding, "/outstanding"));
        if self.days_past_due.is_some_and(|days| days > DAYS_PAST_DUE_MAX) {
            let why = text!("Paling banyak {DAYS_PAST_DUE_MAX} hari.", "At most {DAYS_PAST_DUE_MAX} days.");
            faults.add("/days_past_due", "days_out_of_range", why);
        }
        faults.or_refuse(())?;
        let counting = if self.looks_back(own) { self.counting(scene)? } else { None };
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
                mismatch: self.days_past_due.is_some_and(|days| mismatch(self.scheme, self.class, days)),
                replaces,
                superseded_by,
            }),
        )
    }
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
        scene.own()?;
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
        scene.own()?;
        let signed_on = self.signed_on.unwrap_or_else(|| scene.occurred_at.day());
        let mut faults = Faults::default();
        faults.check(signed_on.require_past(scene.now, "/signed_on"));
        faults.check(require_amount(self.amount, "/amount"));
        faults.or_refuse(())?;
        step(scene, Event::ToppedUp { amount: self.amount, signed_on, akad_number: self.akad_number.clone() })
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
        scene.own()?;
        let settled_on = self.settled_on.unwrap_or_else(|| scene.occurred_at.day());
        settled_on.require_past(scene.now, "/settled_on")?;
        step(scene, Event::Settled { settled_on })
    }
}

#[cfg(test)]
mod tests {
    use super::super::stories::{contracted, date, millions, tranche};
    use super::*;
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
        assert_eq!(
            [0, 1, 90, 91, 120, 121, 180, 181].map(|days| suggested_class(CollectibilityScheme::BankUmum, days)),
            { [1, 2, 2, 3, 3, 4, 4, 5].map(Some) }
        );
        assert_eq!(
            [30, 31, 90, 91].map(|days| suggested_class(CollectibilityScheme::Bpr, days)),
            [Some(1), Some(2), Some(2), None]
        );
        let flagged = Collectibility { days_past_due: Some(95), mismatch: true, ..reported(1, "2014-03-11", 9) };
        let given = || Story::given(running());
        given().when(report(1, Some(95), "2014-03-11", 9)).then([Event::CollectibilityReported(flagged)]);
        given().when(report(6, None, "2014-03-11", 9)).refused_at("rule_refused", "/class");
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
        let more = Event::ToppedUp { amount: millions(5), signed_on: date("2014-03-01"), akad_number: None };
        let terms = Event::Restructured(Restructuring {
            restructured_on: date("2014-03-02"),
            tenor_months: 36,
            annual_rate_percent: "9.00".to_owned(),
            capitalised: millions(1),
            reason: Note::parse("banjir").unwrap(),
        });
        let story = Story::<Financing>::given([a, b, c, d, more, terms]);
        let life = &story.state().life;
        let terms = life.terms.as_ref().unwrap();
        assert_eq!((terms.plafon, terms.tenor_months, terms.annual_rate_percent.as_str()), (millions(25), 36, "9.00"));
        assert_eq!(life.expected_outstanding(), millions(11));
    }
}
