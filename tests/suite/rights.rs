//! Every operation of the API by every kind of caller: who is answered and who is refused. The expectations are written from the
//! table of the contract; an operation that is new and has no line here fails.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use lumbung::kernel::{Clock, Timestamp};
use serde_json::{Value, json};

use super::harness::{Answer, App, healthy_worksheet, id};

/// The callers with a valid key, in the order of the letters below. Records are of Samarinda, of the first certifier and of the first bank.
const CALLERS: [&str; 10] = [
    "province",
    "samarinda",
    "balikpapan",
    "council",
    "certifier",
    "other_certifier",
    "bank",
    "other_bank",
    "ministry",
    "auditor",
];

/// What each caller is answered: `y` its command or question is dealt with, `f` 403, `n` 404. Anonymous callers and those with an expired or
/// revoked key are answered 401 by all of these.
const BY_KEY: &[(&str, &[&str])] = &[
    // Any key.
    ("yyyyyyyyyy", &["get_me", "preview_assessment", "list_organisations", "list_events", "get_head", "get_summary"]),
    // The log: an event of a financing to whoever reads that whole; entries as they were signed, and who looked at persons.
    ("yyynnnynyy", &["get_event"]),
    ("yffffffffy", &["get_log_entries", "list_audit"]),
    ("yfffffyffy", &["get_log_entry"]),
    // Oneself, and all to those who see everything.
    ("ynnnnnynyy", &["get_organisation", "list_organisation_history"]),
    // Cooperatives: public facts to banks.
    ("yyyyffyyyy", &["list_cooperatives", "get_cooperative", "list_timeline"]),
    ("yyyyffffyy", &["list_cooperative_history"]),
    ("yyffffffff", &["register_cooperative", "register_manager", "register_enterprise", "hold_training"]),
    (
        "yyffnnffff",
        &[
            "amend_cooperative",
            "ratify_legal_entity",
            "grant_licence",
            "deactivate_cooperative",
            "reactivate_cooperative",
            "dissolve_cooperative",
        ],
    ),
    // Managers: put forward to the certifier.
    ("yyyfyyffyy", &["list_managers", "list_certifications", "list_expiring_certifications"]),
    ("yyyfynffyy", &["get_manager", "list_manager_history", "get_certification", "list_certification_history"]),
    // What is told of a person, to the person: by the province and who registered them.
    ("yyfffnffff", &["get_manager_disclosure"]),
    ("yyffffffff", &["get_enterprise_disclosure"]),
    (
        "yyfnnnnnff",
        &[
            "refuse_manager_erasure",
            "restrict_manager",
            "erase_enterprise",
            "refuse_enterprise_erasure",
            "restrict_enterprise",
        ],
    ),
    ("yffnnnnnff", &["lift_manager_restriction", "lift_enterprise_restriction"]),
    ("yyfnnnnnff", &["amend_manager", "appoint_manager", "depart_manager", "erase_manager"]),
    // Enterprises and trainings.
    (
        "yyyfffffyy",
        &[
            "list_enterprises",
            "get_enterprise",
            "list_enterprise_history",
            "list_trainings",
            "get_training",
            "list_training_history",
        ],
    ),
    ("yyfnnnnnff", &["amend_enterprise", "close_enterprise", "record_attendance"]),
    // Assessments: submitted by regency and council, determined by the province; worksheets of one's own region.
    ("yyyyffffyy", &["list_assessments", "get_assessment"]),
    ("yynyffffyy", &["get_rescored_assessment"]),
    ("yyfyffffff", &["submit_assessment"]),
    ("yyffnnnnff", &["resubmit_assessment", "withdraw_assessment"]),
    ("yfffnnnnff", &["return_assessment", "determine_assessment", "correct_assessment"]),
    // Certifications: results and certificates by the certifier.
    ("yfffffffff", &["register_candidate"]),
    ("yffnnnnnff", &["file_appeal"]),
    (
        "yffnynnnff",
        &[
            "schedule_assessment",
            "record_result",
            "decide_appeal",
            "issue_certificate",
            "issue_duplicate",
            "record_surveillance",
            "renew_certificate",
            "suspend_certificate",
            "reinstate_certificate",
            "revoke_certificate",
        ],
    ),
    // Financings: the lender's.
    (
        "yyyfffyyyy",
        &[
            "list_financings",
            "get_financing_summary",
            "list_statistics_evidence",
            "get_dataset_data",
            "get_dataset_package",
        ],
    ),
    ("yyyfffynyy", &["get_financing", "list_financing_history", "get_statement"]),
    ("yfffffyfff", &["apply_for_financing"]),
    ("yfffffyyff", &["send_collectibility_table"]),
    (
        "yffnnnynff",
        &[
            "verify_financing",
            "survey_financing",
            "approve_financing",
            "reject_financing",
            "withdraw_financing",
            "sign_contract",
            "disburse_financing",
            "pay_instalment",
            "report_collectibility",
            "restructure_financing",
            "top_up_financing",
            "settle_financing",
            "claim_guarantee",
            "pay_claim",
            "subrogate_financing",
            "write_off_financing",
            "recover_financing",
            "waive_claim",
            "reverse_financing_event",
        ],
    ),
    // Programmes, regions, organisations: the province's.
    (
        "yfffffffff",
        &[
            "launch_programme",
            "revise_target",
            "enrol_participant",
            "close_programme",
            "designate_region",
            "register_organisation",
        ],
    ),
    ("ynnnnnfnff", &["issue_key", "revoke_key", "rotate_key", "add_client", "remove_client"]),
    ("ynnnnnnnff", &["deactivate_organisation", "reactivate_organisation"]),
    // Whoever may write something may write it in bulk; each line is decided by itself.
    ("yyyyyyyyff", &["send_batch"]),
];

/// What anyone may ask. Nobody's key is looked at.
const PUBLIC: &[&str] = &[
    "get_livez",
    "get_metrics",
    "get_problem",
    "get_readyz",
    "verify_certificate",
    "get_certification_coverage",
    "list_codes",
    "list_datasets",
    "get_dataset",
    "get_code_list",
    "list_metrics",
    "list_programmes",
    "get_programme",
    "get_progress",
    "get_evidence",
    "list_regions",
    "get_region",
    "list_regulations",
    "get_regulation",
    "get_log",
    "get_log_checkpoint",
    "get_log_consistency",
    "get_log_proof",
    "get_log_tile",
    "list_schemas",
    "get_schema",
];

/// What is answered for as long as one listens: whoever may list events may follow them, and `events.rs` holds it to that.
const WITHOUT_END: &[&str] = &["stream_events"];

/// What anyone may ask, and a key tells more: one that does not work is refused.
const PUBLIC_WITH_KEY: &[&str] = &["get_statistics"];

/// Where an operation answers otherwise than the table says, and why. The list may only shrink.
const EXCEPTIONS: [(&str, &str, char, &str); 6] = [
    ("register_candidate", "samarinda", 'y', "somebody has to bring the candidates; the table names nobody"),
    ("register_candidate", "certifier", 'y', "candidates come to the certifier too"),
    ("file_appeal", "samarinda", 'y', "who brought the candidate appeals"),
    ("file_appeal", "certifier", 'y', "or the certifier for it"),
    ("send_batch", "ministry", 'y', "a file is refused line by line, as for everybody else"),
    ("send_batch", "auditor", 'y', "a file is refused line by line, as for everybody else"),
];
const EXCEPTIONS_MAX: usize = 6;

/// A service with records, and a key for everybody.
pub(super) struct World {
    pub(super) app: App,
    bearers: BTreeMap<&'static str, String>,
    certifier: String,
    pub(super) bank: String,
    made: Cell<u32>,
}

impl World {
    pub(super) fn start() -> Self {
        let start = Timestamp::parse("2014-04-01T08:00:00+08:00").unwrap();
        let app = App::start_at(Clock::set_to(start));
        let mut bearers: BTreeMap<&'static str, String> = CALLERS
            .into_iter()
            .filter(|who| *who != "other_certifier")
            .map(|who| (who, format!("Bearer {}", app.key(who))))
            .collect();
        let other = json!({"name": "LSP Lain", "kind": "certifier"});
        let other = id(&app.post("province", "/v1/organisations", &other).expect(201));
        let (certifier, bank) = (app.organisation("certifier"), app.organisation("bank"));
        let issue = |organisation: &str, body: &Value| {
            app.post("province", &format!("/v1/organisations/{organisation}/keys"), body).expect(201)
        };
        let bearer = |issued: &Value| format!("Bearer {}", issued["key"].as_str().unwrap());
        bearers.insert("other_certifier", bearer(&issue(&other, &json!({}))));
        let province = app.organisation("province");
        bearers.insert(
            "expired",
            bearer(&issue(&province, &json!({"label": "Lama", "expires_at": "2014-04-01T08:01:00+08:00"}))),
        );
        let revoked = issue(&province, &json!({"label": "Bocor"}));
        bearers.insert("revoked", bearer(&revoked));
        for who in ["expired", "revoked"] {
            app.send("GET", "/v1/me", &[("Authorization", &bearers[who])], b"").expect(200);
        }
        let revoke = json!({"key_id": revoked["key_id"]});
        app.post("province", &format!("/v1/organisations/{province}/key-revocations"), &revoke).expect(200);
        app.clock.move_to(Timestamp::parse("2014-04-01T08:05:00+08:00").unwrap());
        Self { app, bearers, certifier, bank, made: Cell::new(0) }
    }

    fn number(&self) -> String {
        self.made.set(self.made.get() + 1);
        format!("{}/BH", self.made.get())
    }

    pub(super) fn create(&self, who: &str, path: &str, body: &Value) -> String {
        id(&self.app.post(who, path, body).expect(201))
    }

    /// A manager of Samarinda put forward to the certifier, and its certification.
    pub(super) fn candidate(&self) -> (String, String) {
        let manager = self.app.manager("Calon");
        let body = json!({"manager": manager, "scheme": "Manajer KSP", "certifier": self.certifier,
            "occurred_at": "2014-03-03T08:00:00+08:00"});
        let certification = self.create("samarinda", "/v1/certifications", &body);
        (manager, certification)
    }

    /// A new record of Samarinda, the certifier or the bank.
    fn record(&self, collection: &str, operation: &str) -> String {
        match collection {
            "cooperatives" => self.app.cooperative(&self.number()),
            "managers" => self.candidate().0,
            "certifications" => self.candidate().1,
            // Others than the bank that goes on asking.
            "organisations" if matches!(operation, "deactivate_organisation" | "reactivate_organisation") => {
                self.create("province", "/v1/organisations", &json!({"name": self.number(), "kind": "bank"}))
            }
            "organisations" => self.bank.clone(),
            "events" | "log" => {
                let financing = self.create("bank", "/v1/financings", &self.application());
                let history = self.app.get("province", &format!("/v1/financings/{financing}/history")).expect(200);
                history["data"][0]["event_id"].as_str().unwrap().to_owned()
            }
            "assessments" => {
                let body = submission(&self.app.cooperative(&self.number()));
                let assessment = self.create("samarinda", "/v1/assessments", &body);
                if operation == "resubmit_assessment" {
                    let at = format!("/v1/assessments/{assessment}/returns");
                    self.app.post("province", &at, &json!({"reasons": ["Uji"]})).expect(200);
                }
                assessment
            }
            "enterprises" => self.create("samarinda", "/v1/enterprises", &enterprise("64.72")),
            "trainings" => self.create("samarinda", "/v1/trainings", &training("64.72")),
            "financings" => self.create("bank", "/v1/financings", &self.application()),
            "programmes" => {
                let body = json!({"name": "Seratus hari", "starts_on": "2014-02-17", "ends_on": "2014-05-27",
                    "targets": [{"measure": "healthy_ksp", "number": 10}]});
                self.create("province", "/v1/programmes", &body)
            }
            _ => panic!("there is no record of {collection} for {operation}"),
        }
    }

    fn application(&self) -> Value {
        application(&self.app.cooperative(&self.number()), &self.bank)
    }

    /// The address of an operation on a record of its own.
    fn address(&self, path: &str, operation: &str) -> String {
        let collection = path.split('/').nth(2).unwrap_or_default();
        let path = match (operation, path.contains("{id}")) {
            ("get_regulation", _) => path.replace("{id}", "permen-14-2009"),
            (_, true) => path.replace("{id}", &self.record(collection, operation)),
            _ => path.to_owned(),
        };
        let path = path
            .replace("/problems/{code}", "/problems/not_found")
            .replace("{code}", "64.72")
            .replace("{list}", "schemes")
            .replace("{name}", "financings")
            .replace("{area}", "financing")
            .replace("{measure}", "healthy_ksp")
            .replace("{type}/{version}", "financing.applied/1")
            .replace("{level}", "0")
            .replace("{tile}", "000.p/1");
        match operation {
            "get_rescored_assessment" => path + "?regulation=perdep-06-2016",
            "get_log_consistency" | "get_summary" => path + "?from=1&to=2",
            "verify_certificate" => path.replace("{number}", &self.certificate()),
            _ => path,
        }
    }

    fn certificate(&self) -> String {
        let number = format!("S-{}", self.number().trim_end_matches("/BH"));
        let at = format!("/v1/certifications/{}", self.candidate().1);
        let result = json!({"result": "kompeten", "assessed_on": "2014-03-20"});
        self.app.post("certifier", &format!("{at}/results"), &result).expect(200);
        let certificate = json!({"certificate_number": number, "issued_on": "2014-03-21"});
        self.app.post("certifier", &format!("{at}/certificates"), &certificate).expect(200);
        number
    }

    /// A body for a command: the example of the document, with records that exist where the right depends on them.
    fn body(&self, document: &Value, operation: &Value) -> Value {
        match operation["operationId"].as_str().unwrap() {
            "submit_assessment" => submission(&self.app.cooperative(&self.number())),
            "register_candidate" => {
                json!({"manager": self.app.manager("Calon baru"), "scheme": "Manajer KSP", "certifier": self.certifier})
            }
            "apply_for_financing" => self.application(),
            "revoke_key" | "rotate_key" => json!({"key_id": self.issue_to_bank()}),
            "add_client" => json!({"certificate_sha256": "ab".repeat(32)}),
            "remove_client" => {
                let at = format!("/v1/organisations/{}/clients", self.bank);
                let client = json!({"certificate_sha256": "cd".repeat(32)});
                let added = self.app.post("province", &at, &client);
                assert!(added.status < 300, "{}", added.text);
                let clients = added.json()["clients"].clone();
                json!({"client": clients.as_array().unwrap().last().unwrap()["client"]})
            }
            "appoint_manager" => json!({"cooperative": self.app.cooperative(&self.number()), "role": "manajer"}),
            _ => {
                let schema = operation.pointer("/requestBody/content/application~1json/schema/$ref").unwrap();
                let schema = document.pointer(schema.as_str().unwrap().trim_start_matches('#')).unwrap();
                schema.get("example").or_else(|| schema["examples"].get(0)).unwrap().clone()
            }
        }
    }

    /// The id of a new key of the bank.
    fn issue_to_bank(&self) -> Value {
        let body = json!({"label": self.number()});
        let issued = self.app.post("province", &format!("/v1/organisations/{}/keys", self.bank), &body);
        issued.expect(201)["key_id"].clone()
    }

    pub(super) fn send(&self, who: &str, method: &str, address: &str, (kind, body): (&str, &[u8])) -> Answer {
        let mut headers = vec![("Accept-Language", "en")];
        if let Some(bearer) = self.bearers.get(who) {
            headers.push(("Authorization", bearer));
        }
        if method != "GET" {
            headers.push(("Content-Type", kind));
        }
        self.app.send(method, address, &headers, body)
    }
}

pub(super) fn submission(cooperative: &str) -> Value {
    json!({"cooperative": cooperative, "regulation": "permen-14-2009", "book_year": 2013, "assessed_on": "2014-02-24",
        "worksheet": healthy_worksheet()})
}

pub(super) fn enterprise(region: &str) -> Value {
    json!({"name": "Warung", "region": region, "owner": {"name": "Pemilik Rahasia"},
        "size_basis": {"yearly_sales": {"value": "1000000", "currency": "IDR"}}})
}

pub(super) fn training(region: &str) -> Value {
    json!({"name": "Pelatihan", "region": region, "held_from": "2014-03-03", "held_until": "2014-03-05"})
}

pub(super) fn application(cooperative: &str, lender: &str) -> Value {
    json!({"beneficiary": {"kind": "cooperative", "id": cooperative}, "scheme": "komersial", "lender": lender,
        "amount": {"value": "1000000", "currency": "IDR"}, "purpose": "Modal", "tenor_months": 12})
}

/// The letter of an answer.
fn letter(answer: &Answer) -> char {
    match answer.status {
        401 => 'u',
        403 => 'f',
        404 => 'n',
        500.. => panic!("{}", answer.text),
        _ => 'y',
    }
}

/// What each caller is to be answered by an operation, exceptions included.
fn expected(operation: &str) -> Option<BTreeMap<&'static str, char>> {
    let all = |letter: char| CALLERS.into_iter().map(move |who| (who, letter));
    let invalid = |letter: char| ["expired", "revoked"].into_iter().map(move |who| (who, letter));
    if PUBLIC.contains(&operation) {
        return Some(all('y').chain(invalid('y')).chain([("", 'y')]).collect());
    }
    if PUBLIC_WITH_KEY.contains(&operation) {
        return Some(all('y').chain(invalid('u')).chain([("", 'y')]).collect());
    }
    let (row, _) = BY_KEY.iter().find(|(_, operations)| operations.contains(&operation))?;
    let mut expected: BTreeMap<_, _> =
        CALLERS.into_iter().zip(row.chars()).chain(invalid('u')).chain([("", 'u')]).collect();
    for (_, who, answer, _) in EXCEPTIONS.iter().filter(|(excepted, ..)| *excepted == operation) {
        let by_the_table = expected.insert(*who, *answer);
        assert_ne!(by_the_table, Some(*answer), "{operation} for {who} is no exception any more: strike it out");
    }
    Some(expected)
}

#[test]
fn every_operation_answers_every_caller_as_the_table_says() {
    let world = World::start();
    let document = lumbung::openapi::document();
    let (mut wrong, mut tried) = (Vec::new(), BTreeSet::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            if WITHOUT_END.contains(&name) {
                continue;
            }
            let Some(expected) = expected(name) else {
                wrong.push(format!("{name} has no line: who may do it?"));
                continue;
            };
            tried.insert(name.to_owned());
            let method = method.to_uppercase();
            let address = world.address(path, name);
            let (kind, body) = match (name, method.as_str()) {
                ("send_batch", _) => ("application/x-ndjson", "{}\n".to_owned()),
                ("send_collectibility_table", _) => ("text/csv", "x\n1\n".to_owned()),
                (_, "GET") => ("", String::new()),
                _ => ("application/json", world.body(&document, operation).to_string()),
            };
            // Those who are refused first: what is dealt with changes the record.
            let mut callers: Vec<_> = expected.into_iter().collect();
            callers.sort_by_key(|(_, letter)| *letter == 'y');
            for (who, expected) in callers {
                let answer = world.send(who, &method, &address, (kind, body.as_bytes()));
                if letter(&answer) != expected {
                    let (status, text) = (answer.status, &answer.text);
                    wrong.push(format!("{name} by `{who}`: expected {expected}, answered {status} {text}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let stale: Vec<&&str> =
        BY_KEY.iter().flat_map(|(_, operations)| *operations).filter(|it| !tried.contains(**it)).collect();
    assert!(stale.is_empty(), "no such operation: {stale:?}");
    assert!(EXCEPTIONS.len() <= EXCEPTIONS_MAX && EXCEPTIONS.iter().all(|(.., why)| !why.is_empty()));
}

/// What a key that is confined to other areas is answered all the same: what needs no right, and the log, of which it sees nothing.
const WHATEVER_THE_SCOPES: &[&str] = &["get_me", "preview_assessment", "list_events", "get_head", "get_summary"];

/// Keys of those who may do most, each confined to one scope, with the operations that it suffices for.
const CONFINED: [(&str, &str, &[&str]); 4] = [
    ("province", "regions:read", &[]),
    ("auditor", "log:read", &["get_log_entries", "get_log_entry"]),
    ("auditor", "audit:read", &["list_audit"]),
    (
        "bank",
        "cooperatives:read",
        // Of the datasets and figures it is answered by the area it may read; the table of `financings` is refused.
        &["list_cooperatives", "get_cooperative", "list_timeline"],
    ),
];

#[test]
fn a_key_confined_to_a_scope_is_answered_what_the_scope_names_and_nothing_else() {
    let document = lumbung::openapi::document();
    let mut wrong = Vec::new();
    for (who, scope, suffices) in CONFINED {
        let mut world = World::start();
        let keys = format!("/v1/organisations/{}/keys", world.app.organisation(who));
        let issued = world.app.post("province", &keys, &json!({"label": scope, "scopes": [scope]})).expect(201);
        world.bearers.insert("confined", format!("Bearer {}", issued["key"].as_str().unwrap()));
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                // What anyone may ask, and whoever rotates a key that is its own.
                if !BY_KEY.iter().any(|(_, operations)| operations.contains(&name)) {
                    continue;
                }
                let method = method.to_uppercase();
                let address = world.address(path, name);
                let (kind, body) = match (name, method.as_str()) {
                    ("send_batch", _) => continue,
                    ("send_collectibility_table", _) => ("text/csv", "x\n1\n".to_owned()),
                    (_, "GET") => ("", String::new()),
                    _ => ("application/json", world.body(&document, operation).to_string()),
                };
                let answer = world.send("confined", &method, &address, (kind, body.as_bytes()));
                let answered = letter(&answer) == 'y';
                if answered != (WHATEVER_THE_SCOPES.contains(&name) || suffices.contains(&name)) {
                    wrong.push(format!("{name} by {who} with {scope}: answered {} {}", answer.status, answer.text));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_parameter_that_is_not_known_is_refused_everywhere() {
    let world = World::start();
    let document = lumbung::openapi::document();
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(operation) = item.get("get").filter(|_| path.starts_with("/v1/")) else { continue };
        let name = operation["operationId"].as_str().unwrap();
        if WITHOUT_END.contains(&name) {
            continue;
        }
        let address = world.address(path, name);
        let join = if address.contains('?') { '&' } else { '?' };
        let answer = world.send("province", "GET", &format!("{address}{join}kolom=1"), ("", b""));
        answer.fault(400, "invalid_parameter", "?kolom", "unknown_field");
    }
}
