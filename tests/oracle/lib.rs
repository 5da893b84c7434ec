//! The rights against an independent oracle: the table of the contract written as Cedar policies must give the same answer to every request.
//! `cargo test -p lumbung-oracle`; it needs no database.
#![cfg(test)]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may fail loudly")]

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression, Schema, ValidationMode, Validator,
};
use lumbung::kernel::{
    Action, Actor, Area, OneOf, OrganisationKind as Kind, REGIONS, Region, ScopeWord, Scopes, personal_data, reach,
};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

/// What the table does not say; the list may only shrink.
const EXCEPTIONS_MAX: usize = 3;

const KINDS: [Kind; 7] =
    [Kind::Province, Kind::Regency, Kind::Council, Kind::Certifier, Kind::Bank, Kind::Ministry, Kind::Auditor];

/// Every area with the type its records have among the policies. An area that is new and has none does not compile in [`type_of`].
const AREAS: [Area; 14] = [
    Area::Organisations,
    Area::Cooperatives,
    Area::Managers,
    Area::Assessments,
    Area::Determinations,
    Area::Candidates,
    Area::Certificates,
    Area::Enterprises,
    Area::Financings,
    Area::Trainings,
    Area::Programmes,
    Area::Regions,
    Area::Log,
    Area::Audit,
];

const fn type_of(area: Area) -> &'static str {
    match area {
        Area::Organisations => "Organisation",
        Area::Cooperatives => "Cooperative",
        Area::Managers => "Manager",
        Area::Assessments => "Assessment",
        Area::Determinations => "Determination",
        Area::Candidates => "Candidate",
        Area::Certificates => "Certificate",
        Area::Enterprises => "Enterprise",
        Area::Financings => "Financing",
        Area::Trainings => "Training",
        Area::Programmes => "Programme",
        Area::Regions => "Designation",
        Area::Log => "LogEntry",
        Area::Audit => "Look",
    }
}

const ACTIONS: [(Action, &str); 7] = [
    (Action::Write, "write"),
    (Action::Read, "read"),
    (Action::ReadInFull, "read_in_full"),
    (Action::SeePerson, "see_person"),
    (Action::SeeRestricted, "see_restricted"),
    (Action::Disclose, "disclose"),
    (Action::SeeWorksheet, "see_worksheet"),
];

struct Oracle {
    schema: Schema,
    policies: PolicySet,
}

static ORACLE: LazyLock<Oracle> = LazyLock::new(|| Oracle {
    schema: Schema::from_cedarschema_str(include_str!("rights.cedarschema")).unwrap().0,
    policies: include_str!("rights.cedar").parse().unwrap(),
});

fn uid(kind: &str, id: &str) -> EntityUid {
    let kind: EntityTypeName = kind.parse().unwrap();
    EntityUid::from_type_name_and_id(kind, EntityId::new(id))
}

fn entity(own: EntityUid, more: Vec<(&str, RestrictedExpression)>, parents: &[EntityUid]) -> Entity {
    let more: HashMap<_, _> = more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Entity::new(own, more, parents.iter().cloned().collect::<HashSet<_>>()).unwrap()
}

/// What the policies say; nothing when they do not know such a request.
fn oracle(actor: &Actor, action: &str, area: Area, region: Region, owner: Uuid) -> Option<bool> {
    let at = |region: Region| RestrictedExpression::new_entity_uid(uid("Region", region.code()));
    let text = |text: String| RestrictedExpression::new_string(text);
    let caller = uid("Caller", &actor.organisation.to_string());
    let record = uid(type_of(area), "the record");
    let regions = REGIONS.iter().map(|entry| {
        let province = (entry.code != "64").then(|| uid("Region", "64"));
        entity(uid("Region", entry.code), Vec::new(), province.as_slice())
    });
    let mut confined = vec![("region", at(actor.region))];
    if let Some(scopes) = &actor.scopes {
        let words = words_of(scopes).into_iter().map(text);
        confined.push(("scopes", RestrictedExpression::new_set(words)));
    }
    let own = entity(caller.clone(), confined, &[uid("Kind", actor.kind.word())]);
    let belongs_to = RestrictedExpression::new_entity_uid(uid("Caller", &owner.to_string()));
    let [read_scope, write_scope] = ["read", "write"].map(|right| text(format!("{}:{right}", area.word())));
    let more =
        vec![("region", at(region)), ("owner", belongs_to), ("read_scope", read_scope), ("write_scope", write_scope)];
    let shown = entity(record.clone(), more, &[]);
    let entities = Entities::from_entities(regions.chain([own, shown]), None).unwrap();
    let request = Request::new(caller, uid("Action", action), record, Context::empty(), Some(&ORACLE.schema)).ok()?;
    let response = Authorizer::new().is_authorized(&request, &ORACLE.policies, &entities);
    assert_eq!(response.diagnostics().errors().count(), 0);
    Some(response.decision() == Decision::Allow)
}

/// Scopes as a key's document tells them.
fn words_of(scopes: &Scopes) -> Vec<String> {
    let told = serde_json::to_value(scopes).unwrap();
    told.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// No scopes, and some: of the areas asked for often, and none at all.
fn scopes() -> impl Strategy<Value = Option<Scopes>> {
    let word = (select(&AREAS[..]), select(&["read", "write"][..]))
        .prop_map(|(area, right)| format!("{}:{right}", area.word()))
        .boxed();
    let word = prop_oneof![1 => Just("read".to_owned()), 6 => word];
    let some = prop::collection::vec(word, 0..8)
        .prop_map(|words| Scopes::of(words.iter().map(|word| ScopeWord::parse(word).unwrap()).collect()));
    prop_oneof![Just(None), some.prop_map(Some)]
}

fn regions() -> impl Strategy<Value = Region> {
    select(REGIONS.iter().map(|entry| Region::parse(entry.code).unwrap()).collect::<Vec<_>>())
}

/// One of a few organisations, so that records are often the caller's own.
fn organisations() -> impl Strategy<Value = Uuid> {
    (1u128..4).prop_map(Uuid::from_u128)
}

/// A caller: a regency has a region of its own, everybody else the province; half of them by a key that is confined.
fn actors() -> impl Strategy<Value = Actor> {
    let own = regions().prop_filter("a regency's", |region| !region.is_province());
    (select(&KINDS[..]), own, organisations(), scopes()).prop_map(|(kind, own, organisation, scopes)| {
        let region = if kind == Kind::Regency { own } else { Region::parse("64").unwrap() };
        Actor { organisation, kind, region, scopes, ..Actor::service() }
    })
}

#[test]
fn the_policies_fit_their_schema_and_their_exceptions_do_not_grow() {
    let validated = Validator::new(ORACLE.schema.clone()).validate(&ORACLE.policies, ValidationMode::Strict);
    let faults: Vec<String> = validated.validation_errors().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let exceptions = ORACLE.policies.policies().filter(|policy| policy.annotation("exception").is_some()).count();
    assert!(exceptions <= EXCEPTIONS_MAX, "{exceptions} exceptions");
}

/// Every kind, action and area, with records of the caller's and of others.
#[test]
fn every_cell_of_the_table_is_as_the_policies_say() {
    let (own, other) = (Region::parse("64.72").unwrap(), Region::parse("64.71").unwrap());
    let (me, somebody) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let mut permitted = 0;
    for kind in KINDS {
        let region = if kind == Kind::Regency { own } else { Region::parse("64").unwrap() };
        let actor = Actor { organisation: me, kind, region, ..Actor::service() };
        for (action, name) in ACTIONS {
            for area in AREAS {
                for (region, owner) in [(own, me), (own, somebody), (other, me), (other, somebody)] {
                    let ours = reach(&actor, action, area).admits(region, owner);
                    let theirs = oracle(&actor, name, area, region, owner);
                    assert_eq!(ours, theirs.unwrap_or(false), "{kind} {name} {area:?} of {region} by {owner}");
                    permitted += usize::from(ours);
                }
            }
        }
    }
    assert!((400..1000).contains(&permitted), "{permitted}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_request_is_answered_as_the_policies_answer_it(
        actor in actors(), (action, name) in select(&ACTIONS[..]), area in select(&AREAS[..]), region in regions(), owner in organisations(),
    ) {
        let ours = reach(&actor, action, area).admits(region, owner);
        prop_assert_eq!(ours, oracle(&actor, name, area, region, owner).unwrap_or(false));
        for area in [Area::Managers, Area::Enterprises] {
            let [person, restricted] =
                ["see_person", "see_restricted"].map(|action| oracle(&actor, action, area, region, owner).unwrap());
            prop_assert_eq!(personal_data(&actor, area, (region, owner), false), person);
            prop_assert_eq!(personal_data(&actor, area, (region, owner), true), person && restricted);
        }
    }

    /// No part of a record is seen by whom the record is not shown to, and nobody reads in full who does not read.
    #[test]
    fn parts_are_seen_within_what_is_read(actor in actors(), area in select(&AREAS[..]), region in regions(), owner in organisations()) {
        let reads = reach(&actor, Action::Read, area).admits(region, owner);
        for (action, name) in ACTIONS {
            prop_assert!(reads || action == Action::Write || !reach(&actor, action, area).admits(region, owner), "{}", name);
        }
    }
}
