//! Regions and code lists: data anyone may read, and the words of the code are those of the lists.

use std::collections::BTreeSet;

use lumbung::kernel::{Clock, Timestamp};
use serde_json::{Value, json};

use super::harness::App;

fn ids(list: &Value, member: &str) -> BTreeSet<String> {
    list["entries"].as_array().unwrap().iter().map(|entry| entry[member].as_str().unwrap().to_owned()).collect()
}

#[test]
fn regions_carry_both_code_systems_and_an_undotted_code_is_explained() {
    let app = App::start_at(Clock::set_to(Timestamp::parse("2014-04-01T08:00:00+08:00").unwrap()));
    let kutai = app.get("", "/v1/regions/64.02").expect(200);
    assert_eq!(
        (&kutai["bps_code"], &kutai["name"], &kutai["version"]),
        (&json!("6403"), &json!("Kabupaten Kutai Kartanegara"), &json!(0))
    );
    assert_eq!(kutai["crosswalk"][0]["id"], "64.02");
    assert_eq!([&kutai["recorded_by"], &kutai["recorded_at"], &kutai["updated_at"]], [&Value::Null; 3]);
    let list = app.get("", "/v1/regions").expect(200);
    assert_eq!((list["data"].as_array().unwrap().len(), list["former"].as_array().unwrap().len()), (11, 5));
    assert!(list["former"].as_array().unwrap().iter().all(|former| former["valid_to"].is_string()));
    let undotted = app.get("", "/v1/regions/6402").fault(400, "invalid_parameter", "/code", "undotted_region");
    assert!(undotted["detail"].as_str().unwrap().contains("BPS"));
    assert!(app.get("", "/v1/regions/64.73").problem(404, "not_found")["detail"].as_str().unwrap().contains("65.71"));
    app.get("", "/v1/regions/99.99").problem(404, "not_found");

    let body = json!({"title": "penggerak_koperasi", "decree_number": "518/K.1/2014"});
    app.post("samarinda", "/v1/regions/64.72/designations", &body).problem(403, "forbidden");
    app.post("", "/v1/regions/64.72/designations", &body).problem(401, "unauthenticated");
    let before = app.get("", "/readyz").expect(200)["position"].clone();
    let answer = app.post("province", "/v1/regions/64.72/designations", &body);
    let designated = answer.clone().expect(200);
    assert_eq!((&designated["code"], answer.headers["location"].as_str()), (&json!("64.72"), "/v1/regions/64.72"));
    assert_eq!(designated["designations"][0]["designated_on"], "2014-04-01");
    assert_eq!(
        (&designated["recorded_at"], &designated["recorded_by"]),
        (&json!("2014-04-01T00:00:00Z"), &json!(app.organisation("province")))
    );
    app.post("province", "/v1/regions/64.72/designations", &body).problem(409, "duplicate");
    app.post("province", "/v1/regions/64/designations", &body).problem(422, "rule_refused");
    app.post("province", "/v1/regions/6472/designations", &body).problem(400, "invalid_parameter");
    assert_eq!(app.get("", "/v1/regions/64.72").expect(200), designated);
    assert_eq!(app.get("", &format!("/v1/regions/64.72?as_of={before}")).expect(200)["designations"], json!([]));
}

#[test]
fn every_list_has_its_address_is_told_apart_by_day_and_need_not_be_sent_twice() {
    let app = App::start();
    let index = app.get("", "/v1/codes").expect(200);
    for entry in index["data"].as_array().unwrap() {
        app.get("", entry["href"].as_str().unwrap()).expect(200);
    }
    let answer = app.get("", "/v1/codes/schemes");
    let again = app.send("GET", "/v1/codes/schemes", &[("If-None-Match", &answer.headers["etag"])], b"");
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    let on = |day: &str| ids(&app.get("", &format!("/v1/codes/schemes?on={day}")).expect(200), "id");
    assert!(on("2014-03-20").contains("kur_ritel") && !on("2014-03-20").contains("kur_super_mikro"));
    assert!(on("2024-03-20").contains("kur_super_mikro") && !on("2024-03-20").contains("kur_ritel"));
    let micro = app.get("", "/v1/codes/schemes?on=2014-03-20").expect(200)["entries"][0].clone();
    assert_eq!((&micro["ceiling"], &micro["rate_percent"]), (&json!("20000000"), &json!("22")));
    app.get("", "/v1/codes/schemes?on=2014").problem(400, "invalid_parameter");
    app.get("", "/v1/codes/nothing").problem(404, "not_found");
    let regulations = app.get("", "/v1/codes/regulations");
    assert_eq!((regulations.status, regulations.headers["location"].as_str()), (303, "/v1/regulations"));
    let regulations = app.get("", "/v1/codes/regulations?on=2014-03-20");
    assert_eq!(regulations.headers["location"], "/v1/regulations?on=2014-03-20");
}

#[test]
fn regulations_and_banks_are_told_apart_by_day() {
    let app = App::start();
    let on = |day: &str| -> Vec<String> {
        let listed = app.get("", &format!("/v1/regulations?on={day}")).expect(200);
        let listed = listed["data"].as_array().unwrap().clone();
        listed.iter().map(|known| known["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(on("2009-06-01"), ["permen-20-2008"]);
    assert_eq!(on("2014-03-20"), ["permen-14-2009"]);
    assert_eq!(on("2021-03-15"), ["perdep-06-2016", "kkpkk-2020", "juknis-15-2021", "perdep-07-2016"]);
    app.get("", "/v1/regulations?on=2014").problem(400, "invalid_parameter");
    for known in app.get("", "/v1/regulations").expect(200)["data"].as_array().unwrap() {
        let told = |name: &str| known[name].is_string();
        assert!(told("valid_from") && told("title"), "{known}");
        assert!(known["validity_note"]["en"].as_str().unwrap().contains("known"), "{known}");
        if known["loaded"] == true {
            let book = app.get("", &format!("/v1/regulations/{}", known["id"].as_str().unwrap())).expect(200);
            for name in ["valid_from", "valid_until", "validity_note"] {
                assert_eq!(book[name], known[name], "{known}");
            }
        }
    }
    let bank = |code: &str, day: &str| -> Value {
        let list = app.get("", &format!("/v1/codes/bank-codes?on={day}")).expect(200);
        assert!(list["entries"].as_array().unwrap().iter().all(|entry| entry["verified"] == true));
        let found = list["entries"].as_array().unwrap().iter().find(|entry| entry["id"] == code).cloned();
        found.map_or(Value::Null, |entry| entry["name"]["id"].clone())
    };
    assert_eq!(bank("451", "2021-01-31"), "Bank Syariah Mandiri");
    assert_eq!(bank("451", "2021-02-01"), "Bank Syariah Indonesia (BSI)");
    assert_eq!((bank("422", "2014-03-20"), bank("422", "2021-02-01")), (json!("Bank BRI Syariah"), Value::Null));
    let whole = app.get("", "/v1/codes/bank-codes").expect(200);
    assert_eq!(ids(&whole, "id").len(), 13);
}

#[test]
fn the_words_of_the_code_are_the_words_of_the_lists() {
    let app = App::start();
    let document = lumbung::openapi::document();
    let words = |schema: &str| -> BTreeSet<String> {
        let words = document["components"]["schemas"][schema]["enum"].as_array().unwrap();
        words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let list = |id: &str, member: &str| ids(&app.get("", &format!("/v1/codes/{id}")).expect(200), member);
    assert_eq!(words("Role"), list("roles", "id"));
    assert_eq!(words("CooperativeKind"), list("kinds", "id"));
    assert_eq!(words("SizeRule"), list("enterprise-sizes", "id"));
    assert_eq!(words("CollectibilityScheme"), list("collectibility", "lender_type"));
    assert_eq!(words("Scheme"), list("schemes", "id"));
}
