//! A bank's month-end table over HTTP.

use serde_json::{Value, json};

use super::harness::{Answer, App, id};

fn rupiah(amount: &str) -> Value {
    json!({"value": amount, "currency": "IDR"})
}

/// A financing money has flowed for, with these application and akad numbers.
fn financing(app: &App, who: &str, beneficiary: &str, reference: &str, akad: &str) -> String {
    let apply = json!({"beneficiary": {"kind": "cooperative", "id": beneficiary}, "scheme": "kur_mikro", "amount": rupiah("20000000"),
        "purpose": "Modal kerja", "tenor_months": 24, "lender_reference": reference});
    let own = id(&app.post(who, "/v1/financings", &apply).expect(201));
    app.post(who, &format!("/v1/financings/{own}/approvals"), &json!({})).expect(200);
    let contract = json!({"akad_number": akad, "signed_on": "2014-03-20", "plafon": rupiah("20000000"), "annual_rate_percent": "22.00", "tenor_months": 24});
    app.post(who, &format!("/v1/financings/{own}/contracts"), &contract).expect(200);
    let tranche = json!({"amount": rupiah("20000000"), "disbursed_on": "2014-03-21"});
    app.post(who, &format!("/v1/financings/{own}/disbursements"), &tranche).expect(200);
    own
}

fn send(app: &App, who: &str, query: &str, accept: &str, table: &str) -> Answer {
    let bearer = format!("Bearer {}", app.key(who));
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "text/csv; charset=utf-8"),
        ("Accept-Language", "en"),
        ("Accept", accept),
    ];
    app.send("POST", &format!("/v1/batches/collectibility{query}"), &headers, table.as_bytes())
}

/// The words of the outcomes, and the summary.
#[track_caller]
fn told(answer: &Answer, status: u16) -> (Vec<String>, Value) {
    assert_eq!(answer.status, status, "{}", answer.text);
    let lines: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let words = lines.iter().filter_map(|line| line["outcome"].as_str().map(str::to_owned)).collect();
    (words, lines.last().unwrap()["summary"].clone())
}

fn collectibility(app: &App, financing: &str) -> Value {
    app.get("bank", &format!("/v1/financings/{financing}")).expect(200)["collectibility"].clone()
}

#[test]
fn a_table_names_financings_by_id_application_or_akad_number_and_its_repeat_changes_nothing() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let ids = [1, 2, 3].map(|n| financing(&app, "bank", &cooperative, &format!("R-{n}"), &format!("00{n}/PK/2014")));
    let table = format!(
        "financing,class,days_past_due,outstanding,position_date\n{},1,0,19000000.00,2014-04-30\nr-2,2,40,18500000,2014-04-30\n\"003/pk/2014\",3,,17000000.50,2014-04-30\n",
        ids[0]
    );
    let without_scheme = send(&app, "bank", "", "application/x-ndjson", &table);
    assert_eq!(told(&without_scheme, 207).0, ["refused"; 3]);
    assert!(without_scheme.text.contains("\"/scheme\""), "{}", without_scheme.text);
    let (words, summary) = told(&send(&app, "bank", "?scheme=bank_umum&dry_run=true", "*/*", &table), 207);
    assert_eq!((words, &summary["would_have_succeeded"]), (vec!["would_have_succeeded".to_owned(); 3], &json!(3)));
    assert_eq!(collectibility(&app, &ids[0]), Value::Null);
    let (words, _) = told(&send(&app, "bank", "?scheme=bank_umum", "*/*", &table), 207);
    assert_eq!(words, ["changed"; 3]);
    assert_eq!(collectibility(&app, &ids[1])["class"], 2);
    assert_eq!(collectibility(&app, &ids[2])["outstanding"], rupiah("17000000.50"));

    let (words, summary) = told(&send(&app, "bank", "?scheme=bank_umum", "*/*", &table), 207);
    assert_eq!((words, &summary["changed_nothing"]), (vec!["replayed".to_owned(); 3], &json!(true)));
    // The same rows from an Indonesian spreadsheet are the same reports, and a corrected row is a new one.
    let spreadsheet = "\u{feff}Financing;Class;Days_Past_Due;Outstanding;Scheme\r\nR-1;1;0;19.000.000,00;bank_umum\r\nR-2;3;100;18.500.000,00;bank_umum\r\n";
    let (words, _) =
        told(&send(&app, "bank", "?numbers=id&dates=id&position_date=2014-04-30", "*/*", spreadsheet), 207);
    assert_eq!(words, ["replayed", "changed"]);
    assert_eq!(collectibility(&app, &ids[1])["class"], 3);
    // What was reported, corrected and is sent once more stands again, and so does what was reversed since.
    let first = "financing,class,days_past_due,outstanding,position_date\nR-2,2,30,18500000.00,2014-04-30\n";
    let send_first = || told(&send(&app, "bank", "?scheme=bank_umum", "*/*", first), 207).0;
    assert_eq!(send_first(), ["changed"]);
    assert_eq!(collectibility(&app, &ids[1])["class"], 2);
    assert_eq!(send_first(), ["replayed"]);
    let at = format!("/v1/financings/{}", ids[1]);
    let history = app.get("bank", &format!("{at}/history")).expect(200);
    let last = &history["data"].as_array().unwrap().last().unwrap()["event_id"];
    app.post("bank", &format!("{at}/reversals"), &json!({"event_id": last, "reason": "uji"})).expect(200);
    assert_eq!(collectibility(&app, &ids[1])["class"], 3);
    assert_eq!(send_first(), ["changed"]);
    assert_eq!(collectibility(&app, &ids[1])["class"], 2);
    // Another bank's numbers are its own, and so are its financings.
    let (words, summary) = told(&send(&app, "other_bank", "?scheme=bank_umum", "*/*", &table), 207);
    assert_eq!((words, &summary["refused"]), (vec!["refused".to_owned(); 3], &json!(3)));
}

#[test]
fn refused_rows_come_back_as_a_table_that_can_be_corrected_and_sent_again() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let own = financing(&app, "bank", &cooperative, "R-1", "001/PK/2014");
    financing(&app, "bank", &cooperative, "R-2", "R-1");
    let table = "financing;class;days_past_due;outstanding;position_date;scheme\n\
        R-2;1;0;19.000.000,00;30/04/2014;bank_umum\n\
        R-9;1;0;19.000.000,00;30/04/2014;bank_umum\n\
        001/PK/2014;7;0;19.000.000,00;30/04/2014;bank_umum\n\
        001/PK/2014;1;x;19000000.00;2014-04-30;bank_umum\n\
        001/PK/2014;1\n\
        R-1;1;0;5;30/04/2014;bank_umum\n\
        001/PK/2014;1;0;\"1.5\";31/02/2014;\"bank; umum\"\n";
    let answer = send(&app, "bank", "?numbers=id&dates=id", "text/csv", table);
    assert_eq!((answer.status, answer.headers["content-type"].starts_with("text/csv")), (207, true), "{}", answer.text);
    let lines: Vec<&str> = answer.text.lines().collect();
    assert_eq!(lines[0], "financing;class;days_past_due;outstanding;position_date;scheme;code;reason");
    let begins = [
        "R-9;1;0;19.000.000,00;30/04/2014;bank_umum;unknown_reference;\"",
        "001/PK/2014;7;0;19.000.000,00;30/04/2014;bank_umum;unknown_class;",
        "001/PK/2014;1;x;19000000.00;2014-04-30;bank_umum;invalid_money;",
        "001/PK/2014;1;;;;;malformed_csv;",
        "R-1;1;0;5;30/04/2014;bank_umum;ambiguous_reference;",
        "001/PK/2014;1;0;1.5;31/02/2014;\"bank; umum\";invalid_money;",
    ];
    for (line, begin) in lines[1..].iter().zip(begins) {
        assert!(line.starts_with(begin.trim_end_matches('"')), "{line}\n{begin}");
    }
    assert_eq!(lines.len(), 7, "{}", answer.text);

    // Corrected, with the reasons still in it.
    let corrected =
        format!("{}\n001/PK/2014;2;0;19.000.000,00;30/04/2014;bank_umum;unknown_class;corrected\n", lines[0]);
    let answer = send(&app, "bank", "?numbers=id&dates=id", "text/csv", &corrected);
    assert_eq!(answer.text.trim_end(), lines[0]);
    assert_eq!(collectibility(&app, &own)["class"], 2);

    // A row that was refused for its financing's state is decided anew when the state has changed.
    let settled = json!({"settled_on": "2014-05-20"});
    let applied = json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "kur_mikro", "amount": rupiah("20000000"),
        "purpose": "Modal", "tenor_months": 24, "lender_reference": "R-3"});
    let young = id(&app.post("bank", "/v1/financings", &applied).expect(201));
    let row = "financing,class,outstanding\nR-3,1,1000000\n";
    let query = "?scheme=bank_umum&position_date=2014-04-30";
    assert_eq!(told(&send(&app, "bank", query, "*/*", row), 207).0, ["refused"]);
    let at = format!("/v1/financings/{young}");
    app.post("bank", &format!("{at}/approvals"), &json!({})).expect(200);
    let contract = json!({"akad_number": "3", "signed_on": "2014-03-20", "plafon": rupiah("20000000"), "annual_rate_percent": "22", "tenor_months": 24});
    app.post("bank", &format!("{at}/contracts"), &contract).expect(200);
    app.post(
        "bank",
        &format!("{at}/disbursements"),
        &json!({"amount": rupiah("20000000"), "disbursed_on": "2014-03-21"}),
    )
    .expect(200);
    assert_eq!(told(&send(&app, "bank", query, "*/*", row), 207).0, ["changed"]);
    app.post("bank", &format!("{at}/settlements"), &settled).expect(200);
}

#[test]
fn a_table_is_all_or_nothing_when_that_is_asked_and_refused_whole_when_it_is_not_understood() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let own = financing(&app, "bank", &cooperative, "R-1", "001/PK/2014");
    let query = "?mode=atomic&scheme=bank_umum&position_date=2014-04-30";
    let table = "financing,class,outstanding\nR-1,1,1000000\nR-9,1,1000000\n";
    let (words, summary) = told(&send(&app, "bank", query, "*/*", table), 422);
    assert_eq!(
        (words, &summary["changed_nothing"]),
        (vec!["would_have_succeeded".to_owned(), "refused".to_owned()], &json!(true))
    );
    let refused = send(&app, "bank", query, "text/csv", table);
    assert_eq!((refused.status, refused.text.lines().count()), (422, 2), "{}", refused.text);
    assert_eq!(collectibility(&app, &own), Value::Null);
    assert_eq!(
        told(&send(&app, "bank", query, "*/*", "financing,class,outstanding\nR-1,1,1000000\n"), 201).0,
        ["changed"]
    );

    let problem = send(&app, "bank", "", "*/*", "financing,kelas,outstanding\nR-1,1,1\n");
    problem.fault(400, "malformed_csv", "/kelas", "unknown_column");
    let many = format!("financing,class,outstanding\n{}", "R-1,1,1\n".repeat(10_001));
    send(&app, "bank", "", "*/*", &many).problem(413, "body_too_large");
    send(&app, "bank", "?numbers=us", "*/*", table).problem(400, "invalid_parameter");
    let headers = [("Content-Type", "text/csv")];
    app.send("POST", "/v1/batches/collectibility", &headers, table.as_bytes()).problem(401, "unauthenticated");
}

#[test]
fn a_quotation_mark_that_is_not_closed_swallows_no_rows() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    for n in [1, 2] {
        financing(&app, "bank", &cooperative, &format!("R-{n}"), &format!("00{n}/PK/2014"));
    }
    let table = "financing,class,outstanding,reason\nR-1,1,1000.00,\"x\nR-2,5,2000.00,\n";
    let refused = send(&app, "bank", "?scheme=bank_umum&position_date=2014-04-30", "*/*", table);
    assert!(refused.text.contains("quotation mark"), "{}", refused.text);
    refused.problem(400, "malformed_csv");
}
