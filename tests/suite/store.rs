//! The conformance suite of a store, and of the ledger on top of it. A second database goes through it unchanged.

use std::collections::BTreeMap;
use std::sync::{Arc, Barrier};

use diesel::connection::SimpleConnection;
use lumbung::cooperatives::{AmendCooperative, Cooperative, CooperativeKind, RegisterCooperative};
use lumbung::kernel::{Actor, Clock, Date, Name, Number, PROVINCE, Refusal, Timestamp};
use lumbung::ledger::{
    Answer, Batch, Cell, Claim, ColumnType, Context, Decide, Decision, Envelope, Event, Fact, FactChange, Frontier,
    Head, Ids, Ledger, Limits, Receipt, Scene, StateRow, Store, SubjectKey, Table,
};
use lumbung::storage::{AnyConnection, Database, current_facts, facts_of, head_position, open_store, stream_up_to};
use tempfile::TempDir;
use uuid::Uuid;

use super::place::{migrated_database, on_postgres};

/// A database of its own.
struct Place {
    database: Database,
    _folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self { database: migrated_database(&folder), _folder: folder }
    }

    fn store(&self) -> Box<dyn Store> {
        open_store(&self.database, None).unwrap()
    }

    fn reader(&self) -> AnyConnection {
        self.database.open_reader().unwrap()
    }

    /// Runs statements as a mistaken hand at the database would.
    fn tamper(&self, statements: &str) -> Result<(), String> {
        self.database.open_writer().unwrap().batch_execute(statements).map_err(|why| why.to_string())
    }

    fn ledger(&self, limits: Limits) -> (Ledger, std::thread::JoinHandle<()>) {
        Ledger::start(self.store(), Clock::System, Ids::Random, limits, Box::new(|_| ())).unwrap()
    }

    fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for id in self.ids() {
            events.extend(stream_up_to(&mut self.reader(), "cooperative", id, i64::MAX).unwrap());
        }
        events.sort_by_key(|event| event.envelope.position);
        events
    }

    fn ids(&self) -> Vec<Uuid> {
        use diesel::prelude::*;
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            stream_id: String,
        }
        let mut connection = self.database.open_writer().unwrap();
        let rows = diesel::sql_query("SELECT DISTINCT stream_id FROM events").load::<Row>(&mut connection).unwrap();
        rows.iter().map(|row| Uuid::parse_str(&row.stream_id).unwrap()).collect()
    }
}

const TABLE: Table = Table {
    name: "programmes",
    columns: &[
        ("region", ColumnType::Text),
        ("state", ColumnType::Text),
        ("starts_on", ColumnType::Text),
        ("ends_on", ColumnType::Text),
    ],
};

fn event(position: i64, stream: u128, version: i64) -> Event {
    let envelope = Envelope {
        position,
        event_id: Uuid::from_u128(0xE000 + u128::try_from(position).unwrap()),
        stream_kind: "cooperative".to_owned(),
        stream_id: Uuid::from_u128(stream),
        version,
        event_type: "test.happened".to_owned(),
        schema_version: 1,
        actor: Uuid::nil(),
        organisation: Uuid::nil(),
        occurred_at: Timestamp::from_micros(position),
        recorded_at: Timestamp::from_micros(position),
        correlation_id: "c".to_owned(),
        causation_id: (position > 1).then(|| Uuid::from_u128(0xE001)),
        region: Some(PROVINCE),
        owner: (position > 1).then(|| Uuid::from_u128(7)),
    };
    Event::seal(envelope, "{\"a\":1}".to_owned()).unwrap()
}

/// A batch of events that follow `head`.
fn batch(head: &Head, events: Vec<Event>) -> Batch {
    let mut head = head.clone();
    for event in &events {
        head.frontier.push(event.leaf_hash);
        head.position = event.envelope.position;
        head.recorded_at = event.envelope.recorded_at;
    }
    Batch { events, head, ..Batch::default() }
}

#[test]
fn a_new_log_is_empty_and_what_is_committed_is_read_back_to_the_byte() {
    let place = Place::new();
    let mut store = place.store();
    let head = store.begin().unwrap();
    assert_eq!(head, Head { position: 0, recorded_at: Timestamp::from_micros(0), frontier: Frontier::default() });
    let written = batch(&head, vec![event(1, 7, 1), event(2, 7, 2)]);
    store.commit(&written).unwrap();
    assert_eq!(store.begin().unwrap(), written.head);
    store.rollback();
    let read = stream_up_to(&mut place.reader(), "cooperative", Uuid::from_u128(7), i64::MAX).unwrap();
    assert_eq!(read, written.events);
    assert!(read.iter().all(|event| event.recomputed_hash().unwrap() == event.leaf_hash));
}

#[test]
fn events_can_be_neither_changed_nor_deleted_nor_left_out_nor_replaced() {
    let place = Place::new();
    let mut store = place.store();
    let head = store.begin().unwrap();
    store.commit(&batch(&head, vec![event(1, 7, 1)])).unwrap();
    let own: &[&str] = if on_postgres() {
        &[
            "TRUNCATE events",
            "SET session_replication_role = replica; DELETE FROM events",
            "INSERT INTO events SELECT * FROM events ON CONFLICT (position) DO UPDATE SET data = '{}'",
        ]
    } else {
        &["INSERT OR REPLACE INTO events SELECT * FROM events"]
    };
    for statement in ["UPDATE events SET data = '{}'", "DELETE FROM events"].iter().chain(own) {
        let refused = place.tamper(statement).unwrap_err();
        assert!(refused.contains("append-only"), "{statement}: {refused}");
    }
    for (position, stream, version) in [(3, 8, 1), (1, 8, 1), (2, 7, 1)] {
        let head = store.begin().unwrap();
        assert!(store.commit(&batch(&head, vec![event(position, stream, version)])).is_err(), "{position} {version}");
        store.rollback();
    }
    assert_eq!(head_position(&mut place.reader()).unwrap(), 1);
}

#[test]
fn states_claims_receipts_and_keys_come_back_and_a_later_state_takes_the_earlier_ones_place() {
    let place = Place::new();
    let mut store = place.store();
    let claim = Claim { namespace: "badan_hukum", value: "64.72|1".to_owned(), pointer: "/x", what: "x" };
    let person = Claim::person("hash".to_owned());
    let (holder, organisation) = (Uuid::from_u128(7), Uuid::from_u128(1));
    let receipt = Receipt {
        organisation,
        key: "k".to_owned(),
        fingerprint: [3; 32],
        created: true,
        stream_kind: "cooperative".to_owned(),
        stream_id: holder,
        version: 1,
        position: 1,
        refusal: Some("{}".to_owned()),
        recorded_at: Timestamp::from_micros(5),
    };
    let text = |text: &str| Cell::Text(Some(text.to_owned()));
    let state = |version: i64, doc: &str| StateRow {
        table: TABLE,
        id: holder,
        version,
        position: version,
        is_new: version == 1,
        columns: vec![text("64"), text("launched"), text("2014-02-17"), text("2014-05-27")],
        doc: doc.to_owned(),
    };
    let key = SubjectKey {
        subject: Uuid::from_u128(0x5B),
        holder,
        lookup: Some("hash".to_owned()),
        wrapped: vec![1, 2],
        wrapped_by: Vec::new(),
        is_new: true,
    };
    let head = store.begin().unwrap();
    assert_eq!(store.states(&TABLE, &[holder]).unwrap(), []);
    assert_eq!(store.claims(&[claim.clone(), person.clone()]).unwrap(), []);
    let first = Batch {
        states: vec![state(1, "{\"n\":1}")],
        claims: vec![(claim.clone(), holder)],
        receipts: vec![receipt.clone()],
        subject_keys: vec![key],
        ..batch(&head, vec![event(1, 7, 1)])
    };
    store.commit(&first).unwrap();
    let head = store.begin().unwrap();
    assert_eq!(store.states(&TABLE, &[holder, organisation]).unwrap(), [(holder, "{\"n\":1}".to_owned())]);
    assert_eq!(
        store.claims(&[claim.clone(), person.clone()]).unwrap(),
        [(claim.clone(), holder), (person.clone(), holder)]
    );
    assert_eq!(store.receipts(&[(organisation, "k".to_owned()), (holder, "k".to_owned())]).unwrap(), [receipt]);
    let second = Batch {
        states: vec![state(2, "{\"n\":2}")],
        destroyed: vec![Uuid::from_u128(0x5B)],
        ..batch(&head, vec![event(2, 7, 2)])
    };
    store.commit(&second).unwrap();
    let head = store.begin().unwrap();
    assert_eq!(store.states(&TABLE, &[holder]).unwrap(), [(holder, "{\"n\":2}".to_owned())]);
    assert_eq!(store.claims(&[person]).unwrap(), []);
    // A claim that is held cannot be written again, and nothing of such a batch stays.
    let third = Batch { claims: vec![(claim, organisation)], ..batch(&head, vec![event(3, 7, 3)]) };
    assert!(store.commit(&third).is_err());
    store.rollback();
    assert_eq!(head_position(&mut place.reader()).unwrap(), 2);
}

#[test]
fn a_fact_holds_between_the_positions_at_which_it_began_and_ceased() {
    let place = Place::new();
    let mut store = place.store();
    let subject = Uuid::from_u128(9);
    let day = Date::parse("2014-03-01").unwrap();
    let fact = Fact {
        measure: "m",
        subject,
        region: PROVINCE,
        value: "v".to_owned(),
        occurred_on: day,
        event_id: Uuid::from_u128(0xE001),
    };
    for (position, begins) in [(1, true), (2, false), (3, true)] {
        let head = store.begin().unwrap();
        let change = FactChange { fact: fact.clone(), resource: Uuid::from_u128(7), position, begins };
        store.commit(&Batch { facts: vec![change], ..batch(&head, vec![event(position, 7, position)]) }).unwrap();
    }
    // Begun, ceased and begun again within one batch, and that after it had ceased in the same batch.
    let head = store.begin().unwrap();
    let steps = [(4, false), (5, true), (6, false), (7, true)];
    let change = |(position, begins)| FactChange { fact: fact.clone(), resource: Uuid::from_u128(7), position, begins };
    let events = steps.map(|(position, _)| event(position, 7, position));
    store.commit(&Batch { facts: steps.map(change).to_vec(), ..batch(&head, events.to_vec()) }).unwrap();
    let held = |position: i64| facts_of(&mut place.reader(), "m", PROVINCE, (day, day), position).unwrap().len();
    assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 8].map(held), [0, 1, 0, 1, 0, 1, 0, 1, 1]);
    assert_eq!(current_facts(&mut place.reader(), "m", subject).unwrap().len(), 1);
}

#[test]
fn a_transaction_given_up_leaves_nothing_and_a_second_writer_waits_for_the_first() {
    let place = Place::new();
    let mut store = place.store();
    store.begin().unwrap();
    store.rollback();
    store.rollback();
    let head = store.begin().unwrap();
    let mut other = place.store();
    let waiting = std::thread::spawn(move || other.begin().map(|head| head.position));
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert!(!waiting.is_finished());
    store.commit(&batch(&head, vec![event(1, 7, 1)])).unwrap();
    assert_eq!(waiting.join().unwrap().unwrap(), 1);
}

fn registration(number: usize) -> RegisterCooperative {
    RegisterCooperative {
        name: Name::parse(&format!("KSP {number}")).unwrap(),
        kind: CooperativeKind::Ksp,
        region: PROVINCE,
        nik_koperasi: Some(Number::parse(&format!("{number:013}")).unwrap()),
        badan_hukum: None,
        address: None,
    }
}

fn context() -> Context {
    Context::internal(Actor::service(), "test")
}

#[test]
fn many_clients_at_once_get_dense_positions_one_holder_per_claim_and_a_root_that_recomputes() {
    const CLIENTS: usize = 8;
    const EACH: usize = 40;
    let place = Place::new();
    let (ledger, executor) = place.ledger(Limits::default());
    let start = Arc::new(Barrier::new(CLIENTS));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (ledger, start) = (ledger.clone(), start.clone());
            std::thread::spawn(move || {
                start.wait();
                // Every other number is wanted by all clients: exactly one may have it.
                let wanted = |n: usize| {
                    if n.is_multiple_of(2) { n } else { 1000 * (client + 1) + n }
                };
                (0..EACH)
                    .map(|n| ledger.execute(Uuid::now_v7(), registration(wanted(n)), context()))
                    .collect::<Vec<Answer>>()
            })
        })
        .collect();
    let answers: Vec<Answer> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    drop(ledger);
    executor.join().unwrap();
    let done: Vec<_> = answers.iter().filter_map(|answer| answer.result.as_ref().ok()).collect();
    assert_eq!(done.len(), EACH / 2 + CLIENTS * EACH / 2);
    assert!(
        answers
            .iter()
            .filter_map(|answer| answer.result.as_ref().err())
            .all(|refusal| refusal.code.name == "duplicate")
    );
    let events = place.events();
    let positions: Vec<i64> = events.iter().map(|event| event.envelope.position).collect();
    assert_eq!(positions, (1..=i64::try_from(done.len()).unwrap()).collect::<Vec<_>>());
    let mut frontier = Frontier::default();
    for event in &events {
        assert_eq!(event.recomputed_hash().unwrap(), event.leaf_hash);
        frontier.push(event.leaf_hash);
    }
    let mut store = place.store();
    assert_eq!(store.begin().unwrap().frontier.root(), frontier.root());
    store.rollback();
}

#[test]
fn the_same_key_sent_many_times_at_once_has_one_effect_and_one_answer() {
    let place = Place::new();
    let (ledger, executor) = place.ledger(Limits::default());
    let answers: Vec<Answer> = (0..6)
        .map(|_| {
            let context = Context { idempotency: Some(("k".to_owned(), [1; 32])), ..context() };
            ledger.submit(Uuid::now_v7(), registration(1), context).unwrap()
        })
        .map(|waiting| waiting.blocking_recv().unwrap())
        .collect();
    drop(ledger);
    executor.join().unwrap();
    assert_eq!(answers.iter().filter(|answer| answer.replayed).count(), 5);
    let first = answers[0].result.as_ref().unwrap();
    assert!(answers.iter().all(|answer| answer.result.as_ref().unwrap().id == first.id));
    assert_eq!(head_position(&mut place.reader()).unwrap(), 1);
}

/// A command whose decision is broken.
struct Poison;

impl Decide for Poison {
    type Resource = Cooperative;

    fn decide(&self, _: &Scene<'_, Cooperative>) -> Result<Decision<Cooperative>, Refusal> {
        panic!("a decision that is broken, on purpose")
    }
}

#[test]
fn a_poison_command_harms_only_its_sender() {
    let place = Place::new();
    let (ledger, executor) = place.ledger(Limits::default());
    let before = ledger.submit(Uuid::now_v7(), registration(1), context()).unwrap();
    let poison = ledger.submit(Uuid::now_v7(), Poison, context()).unwrap();
    let after = ledger.submit(Uuid::now_v7(), registration(2), context()).unwrap();
    assert!(before.blocking_recv().unwrap().result.is_ok());
    assert_eq!(poison.blocking_recv().unwrap().result.unwrap_err().code.name, "internal");
    assert!(after.blocking_recv().unwrap().result.is_ok());
    drop(ledger);
    executor.join().unwrap();
    assert_eq!(head_position(&mut place.reader()).unwrap(), 2);
}

#[test]
fn a_full_queue_says_so_and_stopping_finishes_what_was_accepted() {
    let place = Place::new();
    let (ledger, executor) = place.ledger(Limits { queue_commands: 3, batch_commands: 2, ..Limits::default() });
    let mut lock = place.store();
    lock.begin().unwrap();
    let mut accepted = Vec::new();
    let mut refused = None;
    for number in 0..50 {
        match ledger.submit(Uuid::now_v7(), registration(number), context()) {
            Ok(waiting) => accepted.push(waiting),
            Err(refusal) => {
                refused = Some(refusal);
                break;
            }
        }
    }
    assert_eq!(refused.unwrap().code.name, "overloaded");
    assert!(accepted.len() >= 3);
    drop(ledger);
    lock.rollback();
    executor.join().unwrap();
    let count = accepted.len();
    assert!(accepted.into_iter().all(|waiting| waiting.blocking_recv().unwrap().result.is_ok()));
    assert_eq!(head_position(&mut place.reader()).unwrap(), i64::try_from(count).unwrap());
}

#[test]
fn commands_of_one_batch_see_each_other() {
    let place = Place::new();
    let (ledger, executor) = place.ledger(Limits::default());
    let mut lock = place.store();
    lock.begin().unwrap();
    let id = Uuid::now_v7();
    let name = |name: &str| AmendCooperative { name: Some(Name::parse(name).unwrap()), ..AmendCooperative::default() };
    let registered = ledger.submit(id, registration(1), context()).unwrap();
    let amended: Vec<_> = ["a", "b", "c"].map(|text| ledger.submit(id, name(text), context()).unwrap()).into();
    let duplicate = ledger.submit(Uuid::now_v7(), registration(1), context()).unwrap();
    lock.rollback();
    assert_eq!(registered.blocking_recv().unwrap().result.unwrap().version, 1);
    let versions: Vec<i64> =
        amended.into_iter().map(|waiting| waiting.blocking_recv().unwrap().result.unwrap().version).collect();
    assert_eq!(versions, [2, 3, 4]);
    assert_eq!(duplicate.blocking_recv().unwrap().result.unwrap_err().members["existing"], id.to_string());
    drop(ledger);
    executor.join().unwrap();
    let versions: BTreeMap<i64, i64> =
        place.events().iter().map(|e| (e.envelope.position, e.envelope.version)).collect();
    assert_eq!(versions, BTreeMap::from([(1, 1), (2, 2), (3, 3), (4, 4)]));
}
