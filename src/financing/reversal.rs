//! Undoing a step: the life is told again without it, unless later steps depend on it.

use deserr::Deserr;
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{Collectibility, FinancingEvent as Event};
use super::life::Life;
use super::state::Financing;
use crate::kernel::problem_codes::WRONG_STATE;
use crate::kernel::{Faults, Id, Note, Refusal, Text};
use crate::ledger::{Decide, Decision, Scene, Step, Wants, World};

/// Undoes an earlier event.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"event_id": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b", "reason": "Salah rekening"}))]
pub struct Reverse {
    /// Which event; the history and the statement of the financing name them.
    pub event_id: Id,
    /// Why.
    pub reason: Note,
}

/// The later steps that could not have happened, or would say something else, without the step `undone`.
fn depend_on(undone: Uuid, steps: &[Step<'_, Financing>]) -> Vec<Uuid> {
    let mut dependent = Vec::new();
    let mut life: Option<Life> = None;
    for step in steps.iter().filter(|step| !step.undone && step.envelope.event_id != undone) {
        let (id, day) = (step.envelope.event_id, step.envelope.occurred_at.day());
        match &mut life {
            None => life = Some(Life::since(day)),
            Some(life) if life.check(&step.event).is_ok() && !refers_to(&step.event, undone) => {
                life.apply(&step.event, id, day);
            }
            Some(_) => dependent.push(id),
        }
    }
    dependent
}

/// A report that replaces another of its month, or gives way to it, depends on that one.
fn refers_to(event: &Event, other: Uuid) -> bool {
    let Event::CollectibilityReported(Collectibility { replaces, superseded_by, .. }) = event else { return false };
    *superseded_by == Some(other) || replaces.as_ref().is_some_and(|replaced| replaced.event_id == other)
}

impl Decide for Reverse {
    type Resource = Financing;

    fn reads(&self, own: Option<&Financing>, _: &World, wants: &mut Wants) {
        if let Some(own) = own {
            wants.past::<Financing>(own.stamp.id);
        }
    }

    fn decide(&self, scene: &Scene<'_, Financing>) -> Result<Decision<Financing>, Refusal> {
        scene.own()?;
        let steps = scene.steps()?;
        let id = self.event_id.0;
        let step = steps.iter().find(|step| step.envelope.event_id == id);
        let step = step.filter(|step| step.event.command().is_some()).ok_or_else(|| {
            Refusal::rule(
                "/event_id",
                "cannot_be_reversed",
                Text::fixed(
                    "Sebutkan peristiwa pembiayaan ini setelah permohonannya; lihat riwayatnya (`history`). Pembatalan sendiri tidak dapat dibatalkan.",
                    "Name an event of this financing after its application; see its `history`. A reversal itself cannot be reversed.",
                ),
            )
        })?;
        if step.undone {
            let by = steps.iter().find(|step| matches!(step.event, Event::Reversed { event_id, .. } if event_id == id));
            let by = by.map(|step| step.envelope.event_id.to_string()).unwrap_or_default();
            let why = text!("Peristiwa ini sudah dibatalkan oleh {by}.", "This event was reversed by {by} already.");
            return Err(Refusal::new(&WRONG_STATE, why).with("reversed_by", by));
        }
        let dependent = depend_on(id, &steps);
        if dependent.is_empty() {
            return Ok(Decision::one(Event::Reversed { event_id: id, reason: self.reason.clone() }));
        }
        let list: Vec<String> = dependent.iter().map(Uuid::to_string).collect();
        let shown = list.join(", ");
        let why = text!(
            "Peristiwa sesudahnya bergantung padanya; batalkan lebih dahulu: {shown}.",
            "Later events depend on it; reverse these first: {shown}."
        );
        Err(Refusal::new(&WRONG_STATE, why).with("contradicts", list))
    }
}

#[cfg(test)]
#[allow(clippy::many_single_char_names, reason = "events taken apart and put together again")]
mod tests {
    use super::super::commands::Disburse;
    use super::super::events::{CollectibilityScheme, Replaced};
    use super::super::stories::{contracted, date, disburse, millions, note, tranche};
    use super::*;
    use crate::ledger::Resource;
    use crate::ledger::testing::{Story, event_id};

    fn reverse(version: i64) -> Reverse {
        Reverse { event_id: Id(event_id(version)), reason: note("salah") }
    }

    fn reversed(version: i64) -> Event {
        Event::Reversed { event_id: event_id(version), reason: note("salah") }
    }

    fn report(class: u8, replaces: Option<i64>) -> Event {
        let replaces = replaces.map(|version| Replaced {
            event_id: event_id(version),
            scheme: CollectibilityScheme::Bpr,
            class: 1,
            outstanding: millions(9),
        });
        Event::CollectibilityReported(Collectibility {
            scheme: CollectibilityScheme::Bpr,
            class,
            days_past_due: None,
            position_date: date("2014-02-28"),
            outstanding: millions(9),
            mismatch: false,
            replaces,
            superseded_by: None,
        })
    }

    #[test]
    fn a_reversed_disbursement_gives_its_room_back_and_the_count_with_it() {
        let [a, b, c] = contracted();
        let before = Story::<Financing>::given([a.clone(), b.clone(), c.clone()]);
        let story = Story::<Financing>::given([a, b, c, tranche(20, "2014-03-06"), reversed(4)]);
        assert_eq!(story.state().life, before.state().life);
        assert!(story.state().facts().is_empty());
        let again: Disburse = disburse(20, "2014-03-07");
        story.when(again).then([tranche(20, "2014-03-07")]);
    }

    #[test]
    fn a_reversal_that_later_events_depend_on_is_refused_with_their_list() {
        let [a, b, c] = contracted();
        let given = || Story::<Financing>::given([a.clone(), b.clone(), c.clone(), tranche(20, "2014-03-06")]);
        given().when(reverse(3)).refused("wrong_state");
        given().when(reverse(4)).then_types(&["financing.reversed"]);
        given().when(reverse(1)).refused_at("rule_refused", "/event_id");
        given().when(reverse(99)).refused_at("rule_refused", "/event_id");
        let twice = Story::<Financing>::given([a, b, c, tranche(20, "2014-03-06"), reversed(4)]);
        twice.when(reverse(4)).refused("wrong_state");
    }

    #[test]
    fn the_first_tranche_counts_and_when_it_is_reversed_the_next_one_does() {
        let [a, b, c] = contracted();
        let two = [a, b, c, tranche(5, "2014-03-06"), tranche(5, "2014-03-08")];
        let first = Story::<Financing>::given(two.clone()).state().facts();
        assert_eq!((first.len(), first[0].event_id), (1, event_id(4)));
        let [a, b, c, d, e] = two;
        let second = Story::<Financing>::given([a, b, c, d, e, reversed(4)]).state().facts();
        assert_eq!((second.len(), second[0].event_id), (1, event_id(5)));
    }

    #[test]
    fn a_report_that_another_replaced_stays_until_that_one_is_reversed() {
        let [a, b, c] = contracted();
        let steps = [a, b, c, tranche(10, "2014-02-06"), report(1, None), report(3, Some(5))];
        Story::<Financing>::given(steps.clone()).when(reverse(5)).refused("wrong_state");
        Story::<Financing>::given(steps.clone()).when(reverse(6)).then_types(&["financing.reversed"]);
        let [a, b, c, d, e, f] = steps;
        let story = Story::<Financing>::given([a, b, c, d, e, f, reversed(6)]);
        assert_eq!(story.state().life.collectibility.as_ref().unwrap().class, 1);
        story.when(reverse(5)).then_types(&["financing.reversed"]);
    }
}
