//! What had been recorded by an instant is the same whenever it is asked, however much is being written meanwhile and by how many.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lumbung::app::Core;
use lumbung::kernel::{Clock, OrganisationKind, Timestamp};
use lumbung::ledger::{Ids, Limits};
use lumbung::organisations::issue_key;
use serde_json::json;

use super::harness::{App, id};

/// How long everybody writes and asks.
const WRITING: Duration = Duration::from_secs(4);

/// The position up to which the service answers of an instant: of a dataset, and of a stretch of the log.
fn known(app: &App, instant: Timestamp) -> (String, String) {
    let dataset = app.get("ministry", &format!("/v1/datasets/cooperatives/data?format=ndjson&as_of={instant}"));
    assert_eq!(dataset.status, 200, "{}", dataset.text);
    let mut stretch = app.get("auditor", &format!("/v1/events/summary?to={instant}")).expect(200);
    stretch.as_object_mut().unwrap().remove("as_of_position");
    (dataset.headers["log-position"].clone() + &dataset.text, stretch.to_string())
}

#[test]
fn an_answer_of_an_instant_never_changes_although_two_processes_worth_of_writers_write() {
    let app = App::start();
    let other = Core::open_with(&app.place, Clock::System, Ids::Random, 1, Limits::default()).unwrap();
    let stop = AtomicBool::new(false);
    let going_on = || !stop.load(Ordering::Relaxed);
    let answers: Vec<_> = thread::scope(|scope| {
        for writer in 0..3 {
            let app = &app;
            scope.spawn(move || {
                for number in (0..).take_while(|_| going_on()) {
                    app.cooperative(&format!("{writer}-{number}/BH"));
                }
            });
        }
        let service = &other.service;
        scope.spawn(move || {
            for number in (0..).take_while(|_| going_on()) {
                issue_key(service, OrganisationKind::Auditor, None, &format!("Auditor {number}"), None, None).unwrap();
            }
        });
        let began = Instant::now();
        let asked = std::iter::from_fn(|| (began.elapsed() < WRITING).then(|| Clock::System.now()));
        let answers = asked.map(|now| (now, known(&app, now))).collect();
        stop.store(true, Ordering::Relaxed);
        answers
    });
    other.close();
    assert!(answers.len() > 10, "{}", answers.len());
    for (instant, answer) in answers {
        assert_eq!(known(&app, instant), answer, "as of {instant}");
    }
}

#[test]
fn what_was_answered_of_an_instant_stands_although_the_clock_stands_or_goes_back() {
    let at = |text: &str| Timestamp::parse(text).unwrap();
    let now = at("2014-05-27T10:00:00+08:00");
    let app = App::start_at(Clock::set_to(now));
    let cooperative = app.cooperative("1/BH");
    let path = format!("/v1/cooperatives/{cooperative}?as_of={now}");
    let first = app.get("province", &path).expect(200);
    for instant in [now, at("2014-05-27T09:00:00+08:00")] {
        app.clock.move_to(instant);
        let name = json!({"name": format!("Koperasi {instant}")});
        let changed = app.command("PATCH", "samarinda", &format!("/v1/cooperatives/{cooperative}"), &[], &name);
        assert_eq!(changed.expect(200)["name"], name["name"]);
        app.clock.move_to(now);
        assert_eq!(app.get("province", &path).expect(200), first);
    }
    // Who asks right after a write sees it; what has not come is refused, in a stretch of the log too.
    app.clock.move_to(at("2014-05-27T10:00:01+08:00"));
    let created = app.cooperative("2/BH");
    let read = format!("/v1/cooperatives/{created}?as_of={}", app.clock.now());
    assert_eq!(id(&app.get("province", &read).expect(200)), created);
    let later = "2014-05-27T10:00:02%2B08:00";
    app.get("auditor", &format!("/v1/events/summary?to={later}")).fault(400, "invalid_parameter", "?to", "not_yet");
    let read = format!("/v1/cooperatives/{created}?as_of={later}");
    app.get("province", &read).fault(400, "invalid_parameter", "?as_of", "not_yet");
}

#[test]
fn an_instant_a_moment_ahead_of_our_clock_is_waited_for() {
    let app = App::start();
    let created = app.cooperative("1/BH");
    let ahead = |micros: i64| Timestamp::from_micros(Clock::System.now().micros() + micros);
    let read = |instant: Timestamp| app.get("province", &format!("/v1/cooperatives/{created}?as_of={instant}"));
    let (soon, began) = (ahead(700_000), Instant::now());
    read(soon).expect(200);
    assert!(Clock::System.now() > soon && began.elapsed() < Duration::from_secs(5));
    read(ahead(60_000_000)).fault(400, "invalid_parameter", "?as_of", "not_yet");
}
