//! The `OpenAPI` document: collected from the running routes, completed with what all operations share.

mod bounds;

use std::collections::BTreeMap;

use actix_web::App;
use serde_json::{Map, Value, json};
use utoipa::{OpenApi, PartialSchema};
use utoipa_actix_web::AppExt;

use crate::app;
use crate::kernel::Timestamp;
use crate::web::ENTITY_TAGS_CHARACTERS_MAX;

/// What stands at the top of the document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "lumbung",
        description = "Health of savings-and-loan cooperatives, competence of their managers, and their financing: recorded as events, read as documents.\n\nEvery write may carry an `Idempotency-Key`; the same key with the same content is answered as the first time, for ever. Every document has an `ETag` to be used in `If-Match` and `If-None-Match`. Problems are RFC 9457 documents in Indonesian, or in English by `Accept-Language: en`. In a command, `null` is the same as leaving a field out.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        contact(name = "Dinas Koperasi Provinsi Kalimantan Timur")
    ),
    servers((url = "/", description = "Where this document was read, be it production, staging or local")),
    components(schemas(crate::web::ProblemDocument)),
    security(("api_key" = [])),
    tags(
        (name = "cooperatives", description = "Cooperatives: identity, licences, status, health ratings"),
        (name = "managers", description = "Managers, with personal data sealed"),
        (name = "assessments", description = "Health assessments and the regulations they are scored by"),
        (name = "certifications", description = "Competence certificates of managers"),
        (name = "enterprises", description = "Micro, small and medium enterprises"),
        (name = "trainings", description = "Trainings and who attended them"),
        (name = "financing", description = "Bank financing and its life"),
        (name = "programmes", description = "Programmes with targets, their progress and its evidence"),
        (name = "statistics", description = "Figures by region and period, and the definitions behind them"),
        (name = "regions", description = "Regencies and cities, their codes, what they were designated as"),
        (name = "codes", description = "Code lists with the periods they are in force in"),
        (name = "events", description = "The log itself, as CloudEvents"),
        (name = "datasets", description = "The records as tables, whole, as of a position of the log"),
        (name = "batches", description = "Intake in bulk: files of commands"),
        (name = "log", description = "The log's signed checkpoints, its tiles, and receipts"),
        (name = "administration", description = "Organisations, keys, the caller"),
        (name = "service", description = "Liveness, readiness, problems"),
    ),
)]
struct Head;

/// The document, as JSON with sorted keys.
pub fn document() -> Value {
    let (_, api) = App::new().into_utoipa_app().openapi(Head::openapi()).configure(app::routes).split_for_parts();
    let mut document = serde_json::to_value(api).unwrap_or_default();
    complete(&mut document);
    document
}

/// The text of `openapi/openapi.json`.
pub fn text() -> String {
    text_of(&document())
}

/// The text of a document that was made before.
pub fn text_of(document: &Value) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// Path templates with their methods: what tells 405 from 404.
pub fn methods(document: &Value) -> Vec<(String, Vec<&'static str>)> {
    let known = [("get", "GET"), ("post", "POST"), ("patch", "PATCH"), ("put", "PUT"), ("delete", "DELETE")];
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .map(|(path, item)| {
            let methods = known.iter().filter(|(key, _)| item.get(*key).is_some()).map(|(_, method)| *method);
            (path.clone(), methods.collect())
        })
        .collect()
}

/// Path templates that are read without a key.
pub fn public(document: &Value) -> Vec<String> {
    let open = |item: &Value| item["get"]["security"].as_array().is_some_and(|kinds| kinds.contains(&json!({})));
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.filter(|(_, item)| open(item)).map(|(path, _)| path.clone()).collect()
}

/// Path templates with the methods of their commands: what a line of a batch may name.
pub fn commands(document: &Value) -> Vec<(String, Vec<&'static str>)> {
    let mut commands = methods(document);
    commands.retain_mut(|(path, methods)| {
        methods.retain(|method| *method != "GET");
        !methods.is_empty() && records(path) && !in_bulk(path)
    });
    commands
}

/// Whether what is sent there records something; a preview is sent like a command and records nothing.
fn records(path: &str) -> bool {
    !path.ends_with("/preview")
}

/// Whether a file of many commands is sent there.
fn in_bulk(path: &str) -> bool {
    path.starts_with("/v1/batches")
}

/// Adds to every operation what all share, so that handlers need not repeat it.
fn complete(document: &mut Value) {
    document["components"]["securitySchemes"] = json!({"api_key": {
        "type": "http", "scheme": "bearer", "bearerFormat": "lumbung_…",
        "description": "An API key issued by the provincial office, shown once."
    }});
    document["components"]["headers"] = shared_headers();
    // Other organisations use it; it is no office's own.
    document["servers"][0]["x-internal"] = json!(false);
    let mut bodies: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    let mut problems = Map::new();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let posts = matches!(method.as_str(), "post" | "patch" | "put" | "delete");
            let writes = posts && records(path);
            if let (true, Some(body)) = (posts, body_schema(operation)) {
                let creates =
                    operation["responses"].get("201").is_some() && (!path.contains('{') || path.ends_with("/renewals"));
                bodies.insert(body, (writes, creates));
            }
            complete_operation(operation, (posts, writes), path, &mut problems);
        }
    }
    document["components"]["responses"] = Value::Object(problems);
    link(document);
    for (schema, (writes, creates)) in bodies {
        complete_body(&mut document["components"]["schemas"][schema], writes, creates);
    }
    prune(document);
    bounds::complete(document);
}

/// Links every answer that is a document to what can be asked of it next: create → get → the commands on it; and every list to the document of
/// its first row. Which commands fit its state, the document and the problems tell.
fn link(document: &mut Value) {
    let mut next: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut reads: BTreeMap<String, String> = BTreeMap::new();
    let mut links = Map::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        let Some((collection, rest)) = path.split_once("/{id}") else { continue };
        if rest.contains('{') {
            continue;
        }
        for (method, operation) in item.as_object().into_iter().flatten() {
            let Some(id) = operation["operationId"].as_str() else { continue };
            next.entry(collection.to_owned()).or_default().push(id.to_owned());
            if rest.is_empty() && method == "get" {
                reads.insert(collection.to_owned(), id.to_owned());
            }
            links.insert(id.to_owned(), json!({ "operationId": id, "parameters": { "id": "$response.body#/id" } }));
        }
    }
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        let (collection, on_one) =
            path.split_once("/{id}").map_or((path.as_str(), false), |(before, _)| (before, true));
        let Some(linked) = next.get(collection) else { continue };
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            // A list, and what is told about a document, are no documents of the collection.
            let document = if method == "get" { path.ends_with("/{id}") } else { on_one || path == collection };
            let list = method == "get" && path == collection;
            if let Some(one) = reads.get(collection).filter(|_| list) {
                let first = json!({ "operationId": one, "parameters": { "id": "$response.body#/data/0/id" } });
                operation["responses"]["200"]["links"] = json!({ one: first });
            }
            for status in ["200", "201"] {
                let Some(response) = operation["responses"].get_mut(status).filter(|_| document) else { continue };
                let links = linked.iter().map(|id| (id.clone(), json!({"$ref": format!("#/components/links/{id}")})));
                response["links"] = links.collect();
            }
        }
    }
    document["components"]["links"] = Value::Object(links);
}

/// Drops schemas that nothing names: generic lists carry theirs inside.
fn prune(document: &mut Value) {
    let text = document.to_string();
    let used = |name: &str| text.contains(&format!("\"#/components/schemas/{name}\""));
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| used(name));
    }
}

fn body_schema(operation: &Value) -> Option<String> {
    let reference = operation.pointer("/requestBody/content/application~1json/schema/$ref")?.as_str()?;
    reference.rsplit('/').next().map(str::to_owned)
}

/// Fields every command may carry.
fn complete_body(schema: &mut Value, writes: bool, creates: bool) {
    schema["additionalProperties"] = json!(false);
    if !writes {
        return;
    }
    schema["properties"]["occurred_at"] = instant();
    schema["properties"]["occurred_at"]["description"] =
        json!("When it happened, at most five minutes ahead of our clock; when left out, now.");
    if creates {
        schema["properties"]["id"] = json!({
            "type": "string", "format": "uuid",
            "description": "An id of your choosing for what is created, a UUIDv7 for preference."
        });
    }
}

fn complete_operation(
    operation: &mut Value,
    (posts, writes): (bool, bool),
    path: &str,
    problems: &mut Map<String, Value>,
) {
    // Where a key may be sent and need not be, one that is not valid is refused.
    let public = operation["security"] == json!([{}]);
    if writes && !in_bulk(path) {
        add_write_headers(operation);
    }
    describe_answers(operation, writes, path);
    let mut statuses = vec![
        ("400", "Malformed"),
        ("406", "Only JSON is to be had"),
        ("414", "Address too long"),
        ("431", "Header fields too large"),
        ("500", "Our fault"),
        ("503", "Busy; try again after `Retry-After` seconds"),
    ];
    if !for_operators(path) {
        statuses.push(("429", "A quota is used up; try again after `Retry-After` seconds"));
    }
    if path.contains('{') {
        statuses.push(("404", "Not there, or not for you"));
    }
    if !public {
        statuses.extend([("401", "A valid key is needed"), ("403", "Your organisation may not")]);
    }
    if writes && !in_bulk(path) {
        statuses.extend([
            ("409", "Does not fit the state, or is already recorded"),
            ("412", "It has changed since the version in `If-Match`"),
        ]);
    }
    if posts {
        statuses.extend([
            ("408", "The body did not arrive in time"),
            ("413", "Body too large"),
            ("415", if in_bulk(path) { "Not a file of this kind" } else { "Send JSON, not compressed" }),
        ]);
    }
    if posts || path.ends_with("/rescored") {
        statuses.push(("422", "A rule refuses it"));
    }
    let conditional = operation["parameters"].to_string().contains("\"as_of\"") && path.ends_with("{id}");
    if conditional {
        add_if_none_match(operation);
    }
    // An atomic file that is refused is answered with its outcomes, as one that is recorded.
    let outcomes = operation.pointer("/responses/201/content").filter(|_| in_bulk(path)).cloned();
    for (status, description) in statuses {
        let name =
            if status == "415" && in_bulk(path) { "Problem415OfFile".to_owned() } else { format!("Problem{status}") };
        if let (Some(Value::Object(outcomes)), "422") = (&outcomes, status) {
            let mut response = problem_response(status, description);
            response["content"].as_object_mut().into_iter().for_each(|content| content.extend(outcomes.clone()));
            operation["responses"][status] = response;
            continue;
        }
        operation["responses"][status] = json!({"$ref": format!("#/components/responses/{name}")});
        problems.entry(name).or_insert_with(|| problem_response(status, description));
    }
}

/// The headers of the answers that an operation describes itself.
fn describe_answers(operation: &mut Value, writes: bool, path: &str) {
    let known = ["X-Request-Id", "RateLimit", "RateLimit-Policy", "ETag", "Log-Position"];
    let brings = if in_bulk(path) || path.starts_with("/v1/log") { &known[..3] } else { &known[..] };
    let proof = if writes && !in_bulk(path) { &["Log-Proof"][..] } else { &[] };
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        let names: Vec<&str> = match status.chars().next() {
            Some('2') => brings.iter().chain(proof).copied().collect(),
            Some('4') => problem_headers(status).to_vec(),
            _ => continue,
        };
        for name in names {
            if response["headers"].get(name).is_none() {
                response["headers"][name] = json!({"$ref": format!("#/components/headers/{name}")});
            }
        }
    }
}

fn add_if_none_match(operation: &mut Value) {
    let parameter = json!({"name": "If-None-Match", "in": "header", "required": false, "schema": entity_tags(),
        "description": "The ETag of what you have; unchanged, it is not sent again.", "example": "\"3\""});
    operation["parameters"].as_array_mut().into_iter().for_each(|list| list.push(parameter.clone()));
    operation["responses"]["304"] = json!({"description": "You have it already"});
}

/// Whether it is asked by whoever operates the service, and so never limited.
fn for_operators(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/metrics")
}

/// The answer that is a problem of this status: one for all operations.
fn problem_response(status: &str, description: &str) -> Value {
    let header = |name: &&str| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    let headers: Map<String, Value> = problem_headers(status).iter().map(header).collect();
    json!({
        "description": description,
        "headers": headers,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    })
}

/// What a problem of this status carries in its headers.
fn problem_headers(status: &str) -> &'static [&'static str] {
    match status {
        "429" => &["X-Request-Id", "RateLimit", "RateLimit-Policy", "Retry-After"],
        "503" => &["X-Request-Id", "Retry-After"],
        _ if status.starts_with('4') => &["X-Request-Id", "RateLimit", "RateLimit-Policy"],
        _ => &["X-Request-Id"],
    }
}

/// What every command may carry in its headers.
fn add_write_headers(operation: &mut Value) {
    let header = |name: &str, description: &str, schema: Value, example: &str| json!({"name": name, "in": "header", "required": false, "description": description, "schema": schema, "example": example});
    let parameters = operation["parameters"].take();
    let mut parameters = parameters.as_array().cloned().unwrap_or_default();
    parameters.push(header(
        "Idempotency-Key",
        "Makes a repeat harmless, for ever: 1 to 255 characters without spaces, in quotation marks or without.",
        json!({"type": "string", "minLength": 1, "maxLength": 257, "pattern": "^(\"[!#-~]{1,255}\"|[!#-~]{1,255})$"}),
        "8e03978e-40d5-43dd-bc93-6894a57f9324",
    ));
    parameters.push(header(
        "Want-Proof",
        "`?1` asks for the receipt of the last event that is recorded, in the answer's `Log-Proof`; of others, and of lines of a file, `GET /v1/log/proofs/{id}` gives it.",
        json!({"type": "string", "enum": ["?0", "?1"]}),
        "?1",
    ));
    parameters.push(header("If-Match", "The ETag this change is based on.", entity_tags(), "\"3\""));
    operation["parameters"] = json!(parameters);
}

fn instant() -> Value {
    serde_json::to_value(Timestamp::schema()).unwrap_or_default()
}

/// One tag or several, or the star.
fn entity_tags() -> Value {
    let tag = "(W/)?\"[!#-+.-~-]*\"";
    json!({"type": "string", "maxLength": ENTITY_TAGS_CHARACTERS_MAX, "pattern": format!("^(\\*|{tag}(, ?{tag})*)$")})
}

fn shared_headers() -> Value {
    let header = |description: &str, pattern: &str| json!({"description": description, "schema": {"type": "string", "maxLength": 255, "pattern": pattern}});
    json!({
        "X-Request-Id": header("To be named when asking us about a request.", "^[A-Za-z0-9_.:-]+$"),
        "ETag": header("Version of the document, or of what does not change with one, quoted.", "^\"[0-9a-f]+\"$"),
        "Log-Proof": {
            "description": "With `Want-Proof: ?1`: the receipt that `GET /v1/log/proofs/{event_id}` gives of the event at `Log-Position`, in base64 between colons.",
            "schema": {"type": "string", "maxLength": 8000, "pattern": "^:[A-Za-z0-9+/=]+:$"}
        },
        "RateLimit": header("What is left of each quota the request was counted in (draft-ietf-httpapi-ratelimit-headers): `r` requests now, all of them again after `t` seconds.", "^(\"[a-z-]+\";r=[0-9]+;t=[0-9]+(, )?)*$"),
        "RateLimit-Policy": header("Each quota: `q` requests in a window of `w` seconds.", "^(\"[a-z-]+\";q=[0-9]+;w=[0-9]+(, )?)*$"),
        "Retry-After": header("Seconds to wait before trying again.", "^[0-9]+$"),
        "Log-Position": header("Position of the document's last event in the log.", "^[0-9]+$"),
    })
}
