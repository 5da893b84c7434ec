//! Assessments over HTTP: preview, two senders, determination, correction, rescoring.

use serde_json::{Value, json};

use super::harness::{App, healthy_worksheet, id};

fn submission(cooperative: &str, worksheet: &Value) -> Value {
    json!({"cooperative": cooperative, "regulation": "permen-14-2009", "book_year": 2013, "assessed_on": "2014-02-24", "worksheet": worksheet})
}

#[test]
fn a_worksheet_is_previewed_submitted_returned_mended_and_determined() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let preview = json!({"regulation": "permen-14-2009", "worksheet": healthy_worksheet()});
    let scoring = app.post("bank", "/v1/assessments/preview", &preview).expect(200);
    assert_eq!((&scoring["covered_weight"], &scoring["category"]), (&json!("100"), &json!("sehat")), "{scoring}");

    let submitted =
        app.post("samarinda", "/v1/assessments", &submission(&cooperative, &healthy_worksheet())).expect(201);
    assert_eq!(submitted["scoring"], scoring);
    assert_eq!(submitted["discrepancy"], false);
    let at = format!("/v1/assessments/{}", id(&submitted));
    app.post("samarinda", &format!("{at}/returns"), &json!({"reasons": ["x"]})).problem(403, "forbidden");
    for who in ["samarinda", "council"] {
        app.post(who, &format!("{at}/determinations"), &json!({})).problem(403, "forbidden");
    }
    app.post("province", &format!("{at}/returns"), &json!({"reasons": ["Kas tidak sama"]})).expect(200);
    app.post("province", &format!("{at}/determinations"), &json!({})).problem(409, "wrong_state");
    let again = json!({"assessed_on": "2014-03-01", "worksheet": healthy_worksheet(), "stated_total": "50.00"});
    app.post("council", &format!("{at}/resubmissions"), &again).problem(403, "forbidden");
    let resubmitted = app.post("samarinda", &format!("{at}/resubmissions"), &again).expect(200);
    assert_eq!((&resubmitted["state"], &resubmitted["discrepancy"]), (&json!("submitted"), &json!(true)));
    assert_eq!(resubmitted["stated"]["total"], "50.00");

    let second = app.post("council", "/v1/assessments", &submission(&cooperative, &healthy_worksheet())).expect(201);
    let determine = json!({"reconciles": [id(&second)]});
    let determined = app.post("province", &format!("{at}/determinations"), &determine).expect(200);
    assert_eq!(determined["determination"]["category"], "sehat");
    let settled = app.get("council", &format!("/v1/assessments/{}", id(&second))).expect(200);
    assert_eq!((&settled["state"], &settled["reconciled_by"]), (&json!("reconciled"), &determined["id"]));
    let rated = app.get("bank", &format!("/v1/cooperatives/{cooperative}")).expect(200);
    assert_eq!((&rated["health"]["category"], &rated["health"]["book_year"]), (&json!("sehat"), &json!(2013)));

    let third = app.post("council", "/v1/assessments", &submission(&cooperative, &healthy_worksheet())).expect(201);
    let problem = app
        .post("province", &format!("/v1/assessments/{}/determinations", id(&third)), &json!({}))
        .problem(409, "duplicate");
    assert_eq!(problem["existing"], determined["id"]);
    app.post("council", &format!("/v1/assessments/{}/withdrawals", id(&third)), &json!({})).expect(200);

    let correction = json!({"category": "cukup_sehat", "reason": "Cadangan terhitung dua kali"});
    let corrected = app.post("province", &format!("{at}/corrections"), &correction).expect(200);
    assert_eq!(
        (&corrected["determination"]["category"], &corrected["determination"]["corrections"]),
        (&json!("cukup_sehat"), &json!(1))
    );
    let rated = app.get("bank", "/v1/cooperatives?health_category=cukup_sehat").expect(200);
    assert_eq!(rated["data"].as_array().unwrap().len(), 1);
    let position = determined["position"].as_i64().unwrap();
    let before = app.get("province", &format!("{at}?as_of={position}")).expect(200);
    assert_eq!(before["determination"]["category"], "sehat");
}

#[test]
fn the_same_worksheet_has_another_category_under_another_regulation() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let mut worksheet = healthy_worksheet();
    // Made for a total of 60.25: fairly healthy in 2009 terms, under supervision in 2016 terms.
    worksheet["kas_bank"] = json!("400000000");
    worksheet["volume_pinjaman_anggota"] = json!("900000000.00");
    worksheet["dana_diterima"] = json!("4000000000");
    worksheet["shu_sebelum_pajak"] = json!("100000000");
    worksheet["pendapatan"] = json!("400000000");
    worksheet["total_aset"] = json!("3400000000");
    worksheet["pinjaman_berisiko"] = json!("620000000");
    worksheet["biaya_karyawan"] = json!("120000000");
    worksheet["beban_usaha"] = json!("100000000");
    worksheet["manajemen"] = json!({"umum": [false, false, false, false, false, false, false, false, false, false, true, true],
        "kelembagaan": [true, true, true, false, false, false], "permodalan": [true, true, true, false, false],
        "aktiva": [true, true, true, false, false, false, false, false, false, false], "likuiditas": [true, true, true, false, false]});
    let submitted = app.post("samarinda", "/v1/assessments", &submission(&cooperative, &worksheet)).expect(201);
    assert_eq!(submitted["scoring"]["category"], "cukup_sehat", "{}", submitted["scoring"]["total"]);
    let rescored = app
        .get("province", &format!("/v1/assessments/{}/rescored?regulation=perdep-06-2016", id(&submitted)))
        .expect(200);
    assert_eq!(rescored["total"], submitted["scoring"]["total"]);
    assert_eq!(rescored["total"], "60.25");
    assert_eq!(
        (&rescored["regulation"], &rescored["category"]),
        (&json!("perdep-06-2016"), &json!("dalam_pengawasan"))
    );
    let unknown =
        app.get("province", &format!("/v1/assessments/{}/rescored?regulation=juknis-15-2021", id(&submitted)));
    unknown.problem(422, "regulation_not_loaded");
}

#[test]
fn an_incomplete_worksheet_scores_as_far_as_it_goes_and_has_no_category() {
    let app = App::start();
    let preview = json!({"regulation": "permen-14-2009", "worksheet": {
        "modal_sendiri": "2804349753.60", "total_aset": "4228431187.55", "pinjaman_berisiko": "0", "kewajiban_lancar": "100"}});
    let scoring = app.post("auditor", "/v1/assessments/preview", &preview).expect(200);
    let indicator = |key: &str| {
        scoring["indicators"].as_array().unwrap().iter().find(|indicator| indicator["key"] == key).unwrap().clone()
    };
    let scored = indicator("ms_ta");
    assert!(scored["ratio_percent"].as_str().unwrap().starts_with("66.321"));
    assert_eq!((&scored["value"], &scored["score"], &scored["weight"]), (&json!(50), &json!("3.00"), &json!("6")));
    assert_eq!((&scored["band"]["from"], &scored["band"]["to"]), (&json!("60"), &json!("80")));
    let impossible = indicator("ms_pb");
    assert_eq!((&impossible["state"], &impossible["value"]), (&json!("not_applicable"), &Value::Null));
    assert!(impossible["explanation"]["en"].as_str().unwrap().contains("pinjaman_berisiko"));
    assert_eq!(indicator("kas")["missing"], json!(["kas_bank"]));
    assert_eq!(
        (&scoring["covered_weight"], &scoring["category"], &scoring["total"]),
        (&json!("6"), &Value::Null, &json!("3.00"))
    );
    let improvement = &scoring["improvements"][0];
    assert_eq!(
        (&improvement["key"], &improvement["points_lost"], &improvement["gain"]),
        (&json!("ms_ta"), &json!("3.00"), &json!("3.00"))
    );
    assert_eq!((&improvement["next_band"]["from"], &improvement["next_band"]["to"]), (&json!("40"), &json!("60")));
}

#[test]
fn a_determination_without_a_computed_category_needs_one_and_a_reason() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let partial = json!({"modal_sendiri": "100", "total_aset": "200"});
    let submitted = app.post("council", "/v1/assessments", &submission(&cooperative, &partial)).expect(201);
    let at = format!("/v1/assessments/{}/determinations", id(&submitted));
    app.post("province", &at, &json!({})).fault(422, "rule_refused", "/category", "no_category_computed");
    app.post("province", &at, &json!({"category": "sehat"})).fault(
        422,
        "rule_refused",
        "/reason",
        "departure_needs_reason",
    );
    let foreign = json!({"category": "dalam_pengawasan", "reason": "x"});
    app.post("province", &at, &foreign).fault(422, "rule_refused", "/category", "category_of_another_regulation");
    app.post("province", &at, &json!({"category": "kurang_sehat", "reason": "Pemeriksaan lapangan"})).expect(200);
}

#[test]
fn sharia_cooperatives_and_the_guideline_of_2021_are_refused_with_the_reason() {
    let app = App::start();
    let sharia = app.cooperative_of_kind("kspps", "2/BH");
    let problem = app
        .post("samarinda", "/v1/assessments", &submission(&sharia, &json!({})))
        .problem(422, "regulation_not_loaded");
    assert!(problem["detail"].as_str().unwrap().contains("07/2016"), "{problem}");
    let preview = json!({"regulation": "juknis-15-2021", "worksheet": {}});
    let problem = app.post("council", "/v1/assessments/preview", &preview).problem(422, "regulation_not_loaded");
    assert_eq!(problem["loaded"], json!(["permen-14-2009", "perdep-06-2016", "kkpkk-2020"]));
    let producer = app.cooperative_of_kind("producer", "3/BH");
    let answer = app.post("samarinda", "/v1/assessments", &submission(&producer, &json!({})));
    answer.fault(422, "rule_refused", "/cooperative", "not_savings_and_loan");
    let regulations = app.get("", "/v1/regulations").expect(200);
    assert_eq!(regulations["data"].as_array().unwrap().iter().filter(|known| known["loaded"] == true).count(), 3);
    let book = app.get("", "/v1/regulations/permen-14-2009").expect(200);
    assert_eq!((book["indicators"].as_array().unwrap().len(), book["aspects"].as_array().unwrap().len()), (17, 7));
    app.get("", "/v1/regulations/nothing").problem(404, "not_found");
}

#[test]
fn a_regency_sees_worksheets_of_its_own_region_only() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let submitted =
        app.post("samarinda", "/v1/assessments", &submission(&cooperative, &healthy_worksheet())).expect(201);
    let at = format!("/v1/assessments/{}", id(&submitted));
    assert!(app.get("samarinda", &at).expect(200)["worksheet"].is_object());
    let seen = app.get("balikpapan", &at).expect(200);
    assert!(seen.get("worksheet").is_none() && seen.get("scoring").is_none() && seen["state"] == "submitted");
    app.get("balikpapan", &format!("{at}/rescored?regulation=perdep-06-2016")).problem(404, "not_found");
    app.get("bank", &at).problem(403, "forbidden");
    let body = submission(&cooperative, &healthy_worksheet());
    app.post("balikpapan", "/v1/assessments", &body).problem(403, "forbidden");
}
