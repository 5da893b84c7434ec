//! Enterprises over HTTP: amended figures are judged again, the owner's data stays sealed, closing is for good.

use lumbung::kernel::{Clock, Timestamp};
use serde_json::{Value, json};

use super::harness::{App, id};

fn sales(millions: u32) -> Value {
    json!({"yearly_sales": {"value": format!("{millions}000000"), "currency": "IDR"}})
}

#[test]
fn an_enterprise_is_judged_by_the_rule_of_the_day_its_figures_were_amended() {
    let app = App::start_at(Clock::set_to(Timestamp::parse("2014-04-01T08:00:00+08:00").unwrap()));
    let body = json!({"name": "Warung", "region": "64.72", "size_basis": sales(180),
        "owner": {"name": "Pemilik Rahasia", "nik_orang": "6472014101800001"}});
    let enterprise = id(&app.post("samarinda", "/v1/enterprises", &body).expect(201));
    let second = id(&app.post("samarinda", "/v1/enterprises", &body).expect(201));
    let at = format!("/v1/enterprises/{enterprise}");
    let amend = |who: &str, body: Value| app.command("PATCH", who, &at, &[], &body);
    let size = |shown: &Value| (shown["size_class"].clone(), shown["size_rule"].clone());
    let grown = amend("samarinda", json!({"size_basis": sales(400)})).expect(200);
    assert_eq!(size(&grown), (json!("kecil"), json!("uu-20-2008")));
    app.clock.move_to(Timestamp::parse("2021-02-02T08:00:00+08:00").unwrap());
    let moved = amend("samarinda", json!({"name": "Warung Baru", "size_basis": sales(400)})).expect(200);
    assert_eq!((size(&moved), &moved["name"]), ((json!("mikro"), json!("pp-7-2021")), &json!("Warung Baru")));
    let late = json!({"size_basis": sales(400), "occurred_at": "2020-12-31T09:00:00+08:00"});
    assert_eq!(size(&amend("samarinda", late).expect(200)), (json!("kecil"), json!("uu-20-2008")));
    app.command("PATCH", "balikpapan", &at, &[], &json!({"name": "X"})).problem(403, "forbidden");
    amend("samarinda", json!({"size_basis": {}})).fault(422, "rule_refused", "/size_basis", "no_size_basis");

    let phoned = amend("samarinda", json!({"owner": {"phone": "0541-1"}})).expect(200);
    assert_eq!((&phoned["person"]["phone"], &phoned["person"]["name"]), (&json!("0541-1"), &json!("Pemilik Rahasia")));
    let other = app.command(
        "PATCH",
        "samarinda",
        &format!("/v1/enterprises/{second}"),
        &[],
        &json!({"owner": {"phone": "0541-2"}}),
    );
    assert_eq!(other.expect(200)["person"]["phone"], "0541-2", "one owner may have several enterprises");
    let history = app.get("province", &format!("{at}/history"));
    assert!(!history.text.contains("Rahasia") && !history.text.contains("sealed"));
    assert_eq!(history.expect(200)["data"].as_array().unwrap().len(), 5);

    let list = |status: &str| {
        app.get("province", &format!("/v1/enterprises?status={status}")).expect(200)["data"].as_array().unwrap().len()
    };
    assert_eq!((list("active"), list("closed")), (2, 0));
    let closed = app.post("samarinda", &format!("{at}/closures"), &json!({"reason": "Berhenti"})).expect(200);
    assert_eq!((&closed["status"], &closed["closed_on"]), (&json!("closed"), &json!("2021-02-02")));
    assert_eq!((list("active"), list("closed")), (1, 1));
    assert_eq!(amend("samarinda", json!({"name": "Y"})).problem(409, "wrong_state")["state"], "closed");
    amend("samarinda", json!({"owner": {"phone": "1"}})).problem(409, "wrong_state");
}
