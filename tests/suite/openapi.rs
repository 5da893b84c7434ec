//! The OpenAPI document: the file is what the routes say, and every operation is fully described.

use std::collections::BTreeSet;

use serde_json::Value;

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, operation)| (method.clone(), path.clone(), operation.clone()))
        })
        .collect()
}

#[test]
fn the_committed_file_is_the_document_of_the_running_routes() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        committed == lumbung::openapi::text(),
        "openapi/openapi.json is out of date; run: cargo run -- openapi > openapi/openapi.json"
    );
}

#[test]
fn every_operation_has_a_name_a_summary_a_tag_its_errors_and_its_security() {
    let document = lumbung::openapi::document();
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}");
        let name = operation["operationId"].as_str().unwrap();
        assert!(name.contains('_') && names.insert(name.to_owned()), "{at}: {name}");
        assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{at} has no summary");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{at}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{at}");
        let operators = ["/livez", "/readyz", "/metrics"].contains(&path.as_str());
        assert_eq!(responses.contains_key("429"), !operators, "{at}");
        for status in ["400", "414", "431", "500", "503"] {
            assert!(responses.contains_key(status), "{at} does not tell of {status}");
        }
        let public = operation["security"] == serde_json::json!([{}]);
        assert_eq!(responses.contains_key("401"), !public, "{at}");
        if let Some(body) = operation.pointer("/requestBody/content/application~1json/schema/$ref") {
            let schema = body.as_str().unwrap().rsplit('/').next().unwrap();
            let schema = &document["components"]["schemas"][schema];
            assert!(schema.get("example").is_some() || schema.get("examples").is_some(), "{at}: no example");
            assert_eq!(schema["additionalProperties"], false, "{at}: {schema}");
        }
    }
    assert!(names.len() > 50);
}

#[test]
fn what_is_turned_away_is_told_when_to_come_again() {
    let document = lumbung::openapi::document();
    for (status, headers) in
        [("429", vec!["RateLimit", "RateLimit-Policy", "Retry-After"]), ("503", vec!["Retry-After"])]
    {
        for name in headers {
            let header = &document["components"]["responses"][format!("Problem{status}")]["headers"][name];
            let pointer = header["$ref"].as_str().unwrap_or_else(|| panic!("{status} {name}"));
            assert!(document.pointer(pointer.trim_start_matches('#')).is_some(), "{status} {name}");
        }
    }
}

#[test]
fn every_schema_that_is_named_exists() {
    let document = lumbung::openapi::document();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1) {
        let reference = reference.split('"').next().unwrap();
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        let secret = ["sealed", "hash"].into_iter().find(|secret| schema["properties"].get(secret).is_some());
        assert_eq!(secret, None, "{name} shows what is never shown");
    }
}

#[test]
fn every_list_links_to_the_document_of_its_first_row() {
    let document = lumbung::openapi::document();
    let mut linked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let read = &document["paths"][format!("{path}/{{id}}")]["get"]["operationId"];
        let (Some(read), Some(list)) = (read.as_str(), item.get("get")) else { continue };
        let link = &list["responses"]["200"]["links"][read];
        assert_eq!(link["operationId"], read, "{path}");
        assert_eq!(link["parameters"]["id"], "$response.body#/data/0/id", "{path}");
        linked += 1;
    }
    assert!(linked >= 10, "{linked}");
}
