//! Bounds in the document: whoever makes a client or a form of it learns how long a text, how large a number and how many items there can be.
//! What a type says of itself stands; this fills in what follows from the format, and the outer bounds of answers.

use serde_json::{Map, Value, json};

/// Whole numbers that every JSON reader keeps exactly: up to 2^53 - 1. Counts and positions stay far below.
const NUMBER_MAX: i64 = 9_007_199_254_740_991;
/// Characters of an answer's text that has no bound of its own: definitions, explanations, problems.
const TEXT_MAX: u64 = 8_000;
/// Characters of an answer that is one text: outcomes of a file, a table, metrics.
const FILE_MAX: u64 = 64 * 1024 * 1024;
/// Items of an answer's list that has no bound of its own: events of a history, days of a programme.
const ITEMS_MAX: u64 = 100_000;
/// Keys that hold values, not schemas.
const VALUES: [&str; 5] = ["example", "examples", "enum", "default", "const"];

/// Fills in the bounds of every schema of the document, and closes what requests are made of.
pub(super) fn complete(document: &mut Value) {
    close_requests(document);
    bound(document);
    for operation in children_of(document, "paths").flat_map(children) {
        bound_parameters(operation);
        bound_texts(operation);
    }
}

fn children(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flatten().map(|(_, child)| child)
}

/// The members of a member, if there is one.
fn children_of<'a>(value: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    value.get_mut(name).into_iter().flat_map(children)
}

/// Walks the whole document.
fn bound(value: &mut Value) {
    match value {
        Value::Object(object) => {
            bound_schema(object);
            for (key, child) in object {
                if !VALUES.contains(&key.as_str()) {
                    bound(child);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(bound),
        _ => {}
    }
}

fn is(schema: &Map<String, Value>, wanted: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(names)) => names.iter().any(|name| name == wanted),
        _ => false,
    }
}

fn bound_schema(schema: &mut Map<String, Value>) {
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default().to_owned();
    if is(schema, "string") && !["enum", "const", "maxLength"].iter().any(|bound| schema.contains_key(*bound)) {
        let longest = match format.as_str() {
            "uuid" => 36,
            "date" => 10,
            _ => TEXT_MAX,
        };
        schema.insert("maxLength".to_owned(), json!(longest));
    }
    if is(schema, "integer") {
        let (least, most) =
            if format == "int32" { (i64::from(i32::MIN), i64::from(i32::MAX)) } else { (-NUMBER_MAX, NUMBER_MAX) };
        schema.entry("format").or_insert_with(|| json!("int64"));
        schema.entry("minimum").or_insert_with(|| json!(least));
        schema.entry("maximum").or_insert_with(|| json!(most));
    }
    if is(schema, "array") {
        schema.entry("maxItems").or_insert_with(|| json!(ITEMS_MAX));
    }
}

/// What a path holds where it is no UUID: a code, a number, a name. No parameter can be null; it is left out.
fn bound_parameters(operation: &mut Value) {
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(kind) = parameter.pointer_mut("/schema/type").filter(|kind| kind[1] == "null") {
            *kind = kind[0].take();
        }
        let in_path = parameter["in"] == "path";
        if let Some(longest) = parameter.pointer_mut("/schema/maxLength").filter(|_| in_path)
            && *longest == TEXT_MAX
        {
            *longest = json!(100);
        }
    }
}

/// Bodies that are one text.
fn bound_texts(operation: &mut Value) {
    bound_text(operation.get_mut("requestBody"));
    children_of(operation, "responses").for_each(|response| bound_text(Some(response)));
}

fn bound_text(body: Option<&mut Value>) {
    for content in body.into_iter().flat_map(|body| children_of(body, "content")) {
        if content["schema"]["type"] == "string" {
            content["schema"]["maxLength"] = json!(FILE_MAX);
        }
    }
}

/// What requests are made of: members that are not known are refused at every depth, `null` is the same as leaving a member out, and what is
/// told and never taken is not among them.
fn close_requests(document: &mut Value) {
    leave_out_read_only(document);
    let mut open: Vec<String> = Vec::new();
    for body in children_of(document, "paths").flat_map(children).filter_map(|operation| operation.get("requestBody")) {
        references(body, &mut open);
    }
    let mut closed: Vec<String> = Vec::new();
    while let Some(name) = open.pop() {
        let schema = &mut document["components"]["schemas"][&name];
        references(schema, &mut open);
        if schema["type"] == "object" && schema.get("properties").is_some() {
            close(schema);
        }
        closed.push(name);
        open.retain(|name| !closed.contains(name));
    }
}

fn close(schema: &mut Value) {
    if schema.get("additionalProperties").is_none() {
        schema["additionalProperties"] = json!(false);
    }
    let required = schema["required"].take();
    for (name, member) in schema["properties"].as_object_mut().into_iter().flatten() {
        if !required.as_array().into_iter().flatten().any(|needed| needed == name) {
            admit_null(member);
        }
    }
    if !required.is_null() {
        schema["required"] = required;
    } else if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
    }
}

fn admit_null(member: &mut Value) {
    if let Some(Value::String(name)) = member.get("type").cloned() {
        member["type"] = json!([name, "null"]);
        if let Some(words) = member.get_mut("enum").and_then(Value::as_array_mut) {
            words.push(Value::Null);
        }
    } else if let Some(reference) = member.as_object_mut().and_then(|member| member.remove("$ref")) {
        member["oneOf"] = json!([{ "type": "null" }, { "$ref": reference }]);
    }
}

/// A document may tell more than the request that made it said: where both have one schema, the request gets its own.
fn leave_out_read_only(document: &mut Value) {
    let mut made: Map<String, Value> = Map::new();
    let (mut paths, schemas) = (document["paths"].take(), &document["components"]["schemas"]);
    for operation in children(&mut paths).flat_map(children) {
        let Some(reference) = operation.pointer_mut("/requestBody/content/application~1json/schema/$ref") else {
            continue;
        };
        let name = reference.as_str().and_then(|reference| reference.rsplit('/').next()).unwrap_or_default().to_owned();
        let mut sent = schemas[&name].clone();
        let told = |member: &Value| member["readOnly"] == true || member["items"]["readOnly"] == true;
        let members = sent["properties"].as_object_mut();
        let Some(members) = members.filter(|members| members.values().any(told)) else { continue };
        members.retain(|_, member| !told(member));
        *reference = json!(format!("#/components/schemas/{name}Request"));
        made.insert(format!("{name}Request"), sent);
    }
    document["paths"] = paths;
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.extend(made);
    }
}

/// Names of the schemas that are referred to in a part of the document.
fn references(part: &Value, found: &mut Vec<String>) {
    match part {
        Value::Object(object) => {
            let name = object.get("$ref").and_then(Value::as_str);
            found.extend(name.and_then(|name| name.strip_prefix("#/components/schemas/")).map(str::to_owned));
            object.values().for_each(|child| references(child, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_type_says_of_itself_stands_and_the_rest_is_filled_in() {
        let mut document = json!({"components": {"schemas": {
            "Id": {"type": "string", "format": "uuid", "example": {"type": "string"}},
            "Name": {"type": ["string", "null"], "maxLength": 200},
            "Count": {"type": "integer", "format": "int32", "minimum": 0},
            "Many": {"type": "array", "items": {"type": "integer"}},
        }}});
        complete(&mut document);
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Id"]["maxLength"], 36);
        assert_eq!(schemas["Id"]["example"], json!({"type": "string"}));
        assert_eq!(schemas["Name"]["maxLength"], 200);
        assert_eq!((&schemas["Count"]["minimum"], &schemas["Count"]["maximum"]), (&json!(0), &json!(i32::MAX)));
        assert_eq!(schemas["Many"]["items"]["format"], "int64");
        assert_eq!(schemas["Many"]["maxItems"], ITEMS_MAX);
    }

    #[test]
    fn what_requests_are_made_of_is_closed_at_every_depth_and_answers_stay_open() {
        let body = json!({"$ref": "#/components/schemas/Pay"});
        let mut document = json!({
            "paths": {"/v1/pay": {"post": {"requestBody": {"content": {"application/json": {"schema": body}}}, "responses": {}}}},
            "components": {"schemas": {
                "Pay": {"type": "object", "properties": {"amount": {"$ref": "#/components/schemas/Money"}}},
                "Money": {"type": "object", "properties": {"value": {"type": "string"}}},
                "Answer": {"type": "object", "properties": {"value": {"type": "string"}}},
            }}
        });
        complete(&mut document);
        let schemas = &document["components"]["schemas"];
        assert_eq!(
            (&schemas["Pay"]["additionalProperties"], &schemas["Money"]["additionalProperties"]),
            (&json!(false), &json!(false))
        );
        assert!(schemas["Answer"].get("additionalProperties").is_none());
        assert_eq!(schemas["Money"]["properties"]["value"]["type"], json!(["string", "null"]));
        assert_eq!(schemas["Answer"]["properties"]["value"]["type"], "string");
    }
}
