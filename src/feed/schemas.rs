//! The form of every event, as JSON Schema 2020-12: of today's version made from the event types themselves, of versions that were written
//! before from the files beside this one.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::cloud::{LEFT_OUT, READ_THROUGH};
use crate::kernel::Area;
use crate::ledger::Resource;

/// Forms that are written no more, and stay readable for ever.
const FORMER: [(&str, i32, &str); 7] = [
    ("certification.candidate_registered", 1, include_str!("schemas/certification.candidate_registered.v1.json")),
    ("financing.contract_signed", 1, include_str!("schemas/financing.contract_signed.v1.json")),
    ("financing.collectibility_reported", 1, include_str!("schemas/financing.collectibility_reported.v1.json")),
    ("financing.restructured", 1, include_str!("schemas/financing.restructured.v1.json")),
    ("financing.settled", 1, include_str!("schemas/financing.settled.v1.json")),
    ("financing.topped_up", 1, include_str!("schemas/financing.topped_up.v1.json")),
    ("organisation.key_issued", 1, include_str!("schemas/organisation.key_issued.v1.json")),
];

/// Where utoipa puts what schemas share, and where a schema by itself has it.
const SHARED: &str = "#/components/schemas/";
const OWN: &str = "#/$defs/";

/// All schemas, by type and version.
pub type Schemas = BTreeMap<(String, i32), Value>;

struct Known {
    kinds: Vec<(&'static str, Area)>,
    schemas: Schemas,
}

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut known = Known { kinds: Vec::new(), schemas: Schemas::new() };
        add::<crate::organisations::Organisation>(&mut known);
        add::<crate::cooperatives::Cooperative>(&mut known);
        add::<crate::managers::Manager>(&mut known);
        add::<crate::assessments::Assessment>(&mut known);
        add::<crate::certifications::Certification>(&mut known);
        add::<crate::enterprises::Enterprise>(&mut known);
        add::<crate::trainings::Training>(&mut known);
        add::<crate::financing::Financing>(&mut known);
        add::<crate::programmes::Programme>(&mut known);
        add::<crate::regions::RegionRecord>(&mut known);
        for (event_type, version, text) in FORMER {
            known.schemas.insert((event_type.to_owned(), version), serde_json::from_str(text).unwrap_or_default());
        }
        known.schemas.insert((READ_THROUGH.to_owned(), 1), read_through());
        known
    })
}

/// Every schema, by type and version.
pub fn all() -> &'static Schemas {
    &known().schemas
}

/// Every kind of resource that has events, and the area whose rights it goes by.
pub fn kinds() -> Vec<(&'static str, Area)> {
    known().kinds.clone()
}

/// Every type of event, once.
pub fn types() -> Vec<&'static str> {
    let mut types: Vec<&str> = known().schemas.keys().map(|(event_type, _)| event_type.as_str()).collect();
    types.dedup();
    types.retain(|event_type| *event_type != READ_THROUGH);
    types
}

/// Whether there are events of this type.
pub fn is_known(event_type: &str) -> bool {
    event_type != READ_THROUGH && known().schemas.keys().any(|(known, _)| known == event_type)
}

/// The schemas of a kind's events, taken from the enum they are.
fn add<R: Resource>(known: &mut Known)
where
    R::Event: ToSchema,
{
    known.kinds.push((R::KIND, R::AREA));
    let mut shared = Vec::new();
    R::Event::schemas(&mut shared);
    let mut shared: Map<String, Value> = shared.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    shared.values_mut().for_each(leave_out::<R>);
    let whole = json!(R::Event::schema());
    for variant in whole["oneOf"].as_array().into_iter().flatten() {
        let Some(event_type) = variant["properties"]["type"]["enum"][0].as_str() else { continue };
        let mut data = variant["properties"].get("data").cloned().unwrap_or_else(|| json!({"type": "object"}));
        leave_out::<R>(&mut data);
        let schema = complete(event_type, variant["description"].as_str(), data, &shared);
        known.schemas.insert((event_type.to_owned(), R::schema_version(event_type)), schema);
    }
}

/// Takes out what no reader is shown, and says so.
fn leave_out<R: Resource>(data: &mut Value) {
    let Some((_, left_out)) = LEFT_OUT.iter().find(|(kind, _)| *kind == R::KIND) else { return };
    let mut taken: Vec<&str> = Vec::new();
    for name in *left_out {
        let properties = data.get_mut("properties").and_then(Value::as_object_mut);
        if properties.and_then(|properties| properties.remove(*name)).is_some() {
            taken.push(name);
        }
    }
    if let Some(required) = data.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !name.as_str().is_some_and(|name| left_out.contains(&name)));
    }
    if !taken.is_empty() {
        data["$comment"] = json!(format!("Left out for every reader: {}.", taken.join(", ")));
    }
}

/// A schema that stands by itself: with what it refers to, and without room for members it does not name.
fn complete(event_type: &str, description: Option<&str>, data: Value, shared: &Map<String, Value>) -> Value {
    // Data that is a type of its own is that type.
    let target = data["$ref"].as_str().and_then(|target| target.strip_prefix(SHARED));
    let mut schema = target.and_then(|name| shared.get(name)).cloned().unwrap_or(data);
    let mut definitions = Map::new();
    let mut wanted = references(&schema);
    while let Some(name) = wanted.pop() {
        if let (Some(found), false) = (shared.get(&name), definitions.contains_key(&name)) {
            wanted.extend(references(found));
            definitions.insert(name, found.clone());
        }
    }
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!(event_type);
    if let Some(description) = description {
        schema["description"] = json!(description);
    }
    if !definitions.is_empty() {
        schema["$defs"] = Value::Object(definitions);
    }
    close(&mut schema);
    schema
}

/// Names of the shared schemas that a schema refers to.
fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match value.as_str().and_then(|text| text.strip_prefix(SHARED)) {
                Some(target) if name == "$ref" => vec![target.to_owned()],
                _ => references(value),
            })
            .collect(),
        Value::Array(values) => values.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// Points references at the schema's own definitions, closes objects that name their members, and writes examples as JSON Schema does.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get_mut("$ref")
                && let Some(name) = target.strip_prefix(SHARED)
            {
                *target = format!("{OWN}{name}");
            }
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            if let Some(example) = members.remove("example") {
                members.insert("examples".to_owned(), json!([example]));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}

fn read_through() -> Value {
    let position = |about: &str| json!({"type": "integer", "minimum": 0, "description": about});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": READ_THROUGH,
        "description": "The end of a read as lines; no event of the log. Without it the answer is not complete.",
        "type": "object",
        "properties": {
            "after": position("The position the read began after"),
            "through": position("Every position up to this one was looked at; go on after it"),
            "events": position("How many events were sent"),
        },
        "required": ["after", "through", "events"],
        "additionalProperties": false,
    })
}
