//! Trainings over HTTP: held, attended, listed, by whom they may be recorded.

use serde_json::json;

use super::harness::{App, id};

#[test]
fn a_training_is_recorded_by_its_regency_and_attended_by_managers_and_enterprises() {
    let app = App::start();
    let body = json!({"name": "Pelatihan manajer KSP", "region": "64.72", "held_from": "2014-03-03", "held_until": "2014-03-05"});
    for who in ["balikpapan", "council", "bank", "ministry", "auditor", "certifier"] {
        app.post(who, "/v1/trainings", &body).problem(403, "forbidden");
    }
    let training = id(&app.post("samarinda", "/v1/trainings", &body).expect(201));
    let at = format!("/v1/trainings/{training}");
    let manager = app.manager("Nama Rahasia");
    let enterprise = json!({"name": "Warung", "region": "64.72", "owner": {"name": "Pemilik Rahasia"},
        "size_basis": {"yearly_sales": {"value": "180000000", "currency": "IDR"}}});
    let enterprise = id(&app.post("samarinda", "/v1/enterprises", &enterprise).expect(201));
    let attendees =
        json!({"attendees": [{"kind": "manager", "id": manager}, {"kind": "enterprise", "id": enterprise}]});
    app.post("balikpapan", &format!("{at}/attendances"), &attendees).problem(403, "forbidden");
    let attended = app.post("samarinda", &format!("{at}/attendances"), &attendees).expect(200);
    assert_eq!(
        (&attended["managers"], &attended["enterprises"], &attended["version"]),
        (&json!(1), &json!(1), &json!(2))
    );
    app.post("samarinda", &format!("{at}/attendances"), &attendees).fault(
        422,
        "rule_refused",
        "/attendees/1/id",
        "already_recorded",
    );
    let swapped = json!({"attendees": [{"kind": "enterprise", "id": manager}]});
    app.post("samarinda", &format!("{at}/attendances"), &swapped).fault(
        422,
        "rule_refused",
        "/attendees/0/id",
        "unknown_reference",
    );
    let found = |who: &str, query: &str| {
        let answer = app.get(who, &format!("/v1/trainings?{query}"));
        assert!(!answer.text.contains("Rahasia"));
        answer.expect(200)["data"].as_array().unwrap().len()
    };
    assert_eq!([found("auditor", ""), found("balikpapan", ""), found("province", "region=64.71")], [1, 1, 0]);
    assert_eq!(
        [found("province", &format!("attendee={manager}")), found("province", &format!("attendee={training}"))],
        [1, 0]
    );
    assert_eq!([found("province", "from=2014-03-03&to=2014-03-03"), found("province", "from=2014-03-04")], [1, 0]);
    assert_eq!(found("province", "sort=name"), 1);
    app.get("bank", "/v1/trainings").problem(403, "forbidden");
    app.get("", "/v1/trainings").problem(401, "unauthenticated");
    let history = app.get("ministry", &format!("{at}/history")).expect(200);
    assert_eq!(history["data"][1]["type"], "training.attendance_recorded");
    assert_eq!(
        app.get("province", &format!("{at}?as_of={}", attended["position"].as_i64().unwrap() - 1)).expect(200)["managers"],
        0
    );
}
