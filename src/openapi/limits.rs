//! What every operation says about how often it may be asked.

use serde_json::{Value, json};

/// Adds the answer 429, and the headers that tell how much is left of a caller's quota, to every operation that may be limited.
pub(super) fn complete(document: &mut Value) {
    describe_headers(document);
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        // Whoever watches the service is never turned away.
        let limited = !matches!(path.as_str(), "/livez" | "/readyz" | "/metrics");
        for (_, operation) in item.as_object_mut().into_iter().flatten() {
            limit(&mut operation["responses"], limited);
        }
    }
}

fn describe_headers(document: &mut Value) {
    let headers = &mut document["components"]["headers"];
    let mut describe = |name: &str, description: &str, pattern: &str| {
        if headers.get(name).is_none() {
            let schema = json!({"type": "string", "maxLength": 256, "pattern": pattern});
            headers[name] = json!({"description": description, "schema": schema});
        }
    };
    describe("RateLimit", "What is left of the quota that is nearest its end; only where limits are set.", "^\".+\"");
    describe(
        "RateLimit-Policy",
        "The quotas that apply, with their windows in seconds; only where limits are set.",
        "^\".+\"",
    );
    describe("Retry-After", "Seconds after which to try again.", "^[0-9]+$");
}

fn limit(responses: &mut Value, limited: bool) {
    if limited && responses.get("429").is_none() {
        let content = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}});
        let description = "Too many requests; try again after `Retry-After` seconds";
        responses["429"] = json!({"description": description, "content": content});
    }
    for (status, response) in responses.as_object_mut().into_iter().flatten() {
        let counted = status.starts_with('2') || status.starts_with('4');
        let busy = matches!(status.as_str(), "429" | "503");
        for (name, carried) in [("RateLimit", counted), ("RateLimit-Policy", counted), ("Retry-After", busy)] {
            if carried {
                response["headers"][name] = json!({"$ref": format!("#/components/headers/{name}")});
            }
        }
    }
}

/// Describes every problem once: operations refer to it.
pub(super) fn share_problems(document: &mut Value) {
    let mut shared: Vec<(String, Value)> = Vec::new();
    let operations = document["paths"].as_object_mut().into_iter().flatten();
    let operations = operations.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten());
    let responses = operations.filter_map(|(_, operation)| operation.get_mut("responses")?.as_object_mut());
    for (status, response) in responses.flatten() {
        let only_problem = response["content"]
            .as_object()
            .is_some_and(|content| content.len() == 1 && content.contains_key("application/problem+json"));
        if !only_problem {
            continue;
        }
        let told = std::mem::take(response);
        let name = if let Some((name, _)) = shared.iter().find(|(_, known)| *known == told) {
            name.clone()
        } else {
            let alike = shared.iter().filter(|(name, _)| name.starts_with(&format!("Problem{status}"))).count();
            let name = if alike == 0 { format!("Problem{status}") } else { format!("Problem{status}_{}", alike + 1) };
            shared.push((name.clone(), told));
            name
        };
        *response = json!({"$ref": format!("#/components/responses/{name}")});
    }
    document["components"]["responses"] = Value::Object(shared.into_iter().collect());
}
