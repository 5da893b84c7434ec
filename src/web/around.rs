//! What happens around every request: its id, its language, the headers of the answer, its line in the log.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use uuid::Uuid;

use super::connections::Busy;
use super::guard::Guard;
use super::problem::{Language, Problem};
use super::quota;
use super::service::Service;
use crate::kernel::problem_codes::{
    BODY_TOO_LARGE, INTERNAL, INVALID_PARAMETER, METHOD_NOT_ALLOWED, NOT_ACCEPTABLE, NOT_FOUND, OVERLOADED,
    RATE_LIMITED,
};
use crate::kernel::{Code, Region, holds_identity_number, unique_id};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id taken over from a client.
const REQUEST_ID_CHARACTERS_MAX: usize = 64;

/// The id a request is known by, the client's own if it sent a usable one, and the trace it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    /// The id.
    pub id: Arc<str>,
    /// The trace id of `traceparent`, else the request id: the events' correlation.
    pub correlation: Arc<str>,
}

impl RequestId {
    /// The id given to this request by [`around`].
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_else(|| Self::from_headers(request.headers()))
    }

    fn from_headers(headers: &HeaderMap) -> Self {
        let usable = |text: &&str| {
            !text.is_empty()
                && text.len() <= REQUEST_ID_CHARACTERS_MAX
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
                && !holds_identity_number(text)
        };
        let sent = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok()).filter(usable);
        let given = || Arc::from(&*unique_id().hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        let id: Arc<str> = sent.map_or_else(given, Arc::from);
        let correlation = headers
            .get("traceparent")
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.split('-').nth(1))
            .filter(|trace| trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .map_or_else(|| id.clone(), |trace| trace.to_ascii_lowercase().into());
        Self { id, correlation }
    }
}

/// The outermost middleware.
///
/// # Errors
/// When the framework itself fails.
pub async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let request_id = RequestId::from_headers(request.headers());
    let method = request.method().clone();
    let busy = Busy::with(request.request());
    request.extensions_mut().insert(request_id.clone());
    let mut request = request;
    let head_only = method == Method::HEAD;
    if head_only {
        // HEAD is GET without the body: routes need to know one of them only.
        request.head_mut().method = Method::GET;
    }

    let mut response = match answered_at_the_door(&request) {
        None => next.call(request).await?.map_into_boxed_body(),
        Some(answer) => request.into_response(answer),
    };
    response = explain(response, &request_id);
    if head_only {
        response = response.map_body(|_, body| BoxBody::new(Unsent(body.size())));
    }
    set_headers(&mut response, &request_id);
    count(&method, &response, started);
    write_log(&method, &response, started, &request_id);
    Ok(match busy {
        Some(busy) => response.map_body(|_, body| busy.until_made(body)),
        None => response,
    })
}

/// The answer to a request that no handler needs to see.
fn answered_at_the_door(request: &ServiceRequest) -> Option<HttpResponse> {
    if let Some(guard) = request.app_data::<web::Data<Guard>>() {
        if let Err(problem) = guard.screen(request) {
            return Some(problem.error_response());
        }
        if let Some(answer) = guard.cors.preflight(request.head()) {
            return Some(answer);
        }
    }
    (!accepts_json(request)).then(|| Problem::of(&NOT_ACCEPTABLE).error_response())
}

/// The body of an answer to HEAD: its length is told, and nothing of it is sent.
struct Unsent(BodySize);

impl MessageBody for Unsent {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<web::Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

/// Writes the document of a problem, and turns the framework's own bare errors into problems too.
fn explain(response: ServiceResponse<BoxBody>, request_id: &RequestId) -> ServiceResponse<BoxBody> {
    let problem = response.response().extensions().get::<Problem>().cloned().or_else(|| bare(&response));
    let Some(problem) = problem else {
        return response;
    };
    let language = Language::of(response.request().headers());
    let document = problem.document(language, response.request().path(), &request_id.id);
    let mut response = response.map_body(|head, _| {
        head.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        head.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        head.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Language"));
        BoxBody::new(serde_json::to_vec(&document).unwrap_or_default())
    });
    if let Ok(status) = StatusCode::from_u16(problem.0.code.status) {
        *response.response_mut().status_mut() = status;
    }
    response
}

fn bare(response: &ServiceResponse<BoxBody>) -> Option<Problem> {
    let status = response.status();
    // Whatever has a media type of its own was written by a handler.
    let written = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().ends_with(b"json") || value.as_bytes().starts_with(b"text/csv"));
    if written || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let by_status: &'static Code = match status.as_u16() {
        404 => &NOT_FOUND,
        405 => &METHOD_NOT_ALLOWED,
        413 => &BODY_TOO_LARGE,
        400..=499 => &INVALID_PARAMETER,
        _ => &INTERNAL,
    };
    Some(Problem::of(by_status))
}

/// How the log can be read beside plain JSON.
const EVENT_FORMS: [&str; 6] = [
    "application/cloudevents-batch+json",
    "application/cloudevents+json",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "text/event-stream",
];

/// Media types that datasets and their catalogue come in, beside JSON.
const DATASET_TYPES: [&str; 6] = [
    "application/ld+json",
    "text/csv",
    "text/*",
    "application/x-ndjson",
    "application/vnd.apache.parquet",
    "application/octet-stream",
];

/// Every answer of the API is JSON; a client that accepts none of it is told so.
fn accepts_json(request: &ServiceRequest) -> bool {
    let Some(accept) = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()) else {
        return true;
    };
    !request.path().starts_with("/v1/")
        // The log speaks formats of its own.
        || request.path().starts_with("/v1/log/")
        || accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim()).any(|range| {
            matches!(range, "*/*" | "application/*" | "application/json" | "application/problem+json" | "")
                || (request.path().starts_with("/v1/batches") && matches!(range, "application/x-ndjson" | "text/csv"))
                || (request.path().starts_with("/v1/events") && EVENT_FORMS.contains(&range))
                || (request.path().starts_with("/v1/schemas") && range == "application/schema+json")
                || (request.path().starts_with("/v1/datasets") && DATASET_TYPES.contains(&range))
        })
}

/// What a browser may load: nothing, but for the pages of the API description, which come from this service alone.
fn content_security_policy(path: &str) -> &'static str {
    if path.starts_with("/docs/") {
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
    } else {
        "default-src 'none'; frame-ancestors 'none'"
    }
}

/// What a browser may use of the machine it runs on, and with whom a page may share a window: nothing, nobody.
const PERMISSIONS_POLICY: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

fn set_headers(response: &mut ServiceResponse<BoxBody>, request_id: &RequestId) {
    let request = response.request().clone();
    let policy = content_security_policy(request.path());
    let headers = response.headers_mut();
    quota::tell(&request, headers);
    if let Some(guard) = request.app_data::<web::Data<Guard>>() {
        guard.tell(request.headers(), headers);
    }
    if let Ok(value) = HeaderValue::from_str(&request_id.id) {
        headers.insert(X_REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS_POLICY));
    for (name, value) in [(header::CACHE_CONTROL, "private, no-cache"), (header::CONTENT_SECURITY_POLICY, policy)] {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

fn count(method: &Method, response: &ServiceResponse<BoxBody>, started: Instant) {
    let request = response.request();
    if let Some(service) = request.app_data::<web::Data<Service>>() {
        let route = route_of(request);
        let route = route.as_deref().unwrap_or(UNMATCHED);
        service.metrics.answered(method.as_str(), route, response.status().as_u16(), started.elapsed());
        if let Some(reason) = turned_away(response) {
            service.metrics.turned_away(&reason);
        }
    }
}

/// Why a request was turned away, if it was: a quota is used up, or there is too much to do.
fn turned_away(response: &ServiceResponse<BoxBody>) -> Option<String> {
    let extensions = response.response().extensions();
    let problem =
        extensions.get::<Problem>().filter(|problem| [&RATE_LIMITED, &OVERLOADED].contains(&problem.0.code))?;
    Some(problem.0.members.get("reason").and_then(|reason| reason.as_str()).unwrap_or("busy").to_owned())
}

fn write_log(method: &Method, response: &ServiceResponse<BoxBody>, started: Instant, request_id: &RequestId) {
    let (path, status) = (response.request().path(), response.status());
    if matches!(path, "/livez" | "/readyz") {
        return;
    }
    let level = match status {
        // A flood must not fill the disk: the metrics count what is turned away, and a line now and then tells how much it was.
        _ if turned_away(response).is_some() => log::Level::Debug,
        status if status.is_server_error() => log::Level::Error,
        _ => log::Level::Info,
    };
    log::log!(
        level,
        "answered {method} with {} path={} duration_us={} request_id={}",
        status.as_u16(),
        told_path(response.request()),
        started.elapsed().as_micros(),
        request_id.id
    );
}

/// The path as the log tells it: its route, with the ids that records are known by. Whatever else somebody writes into an address may name
/// a person.
fn told_path(request: &HttpRequest) -> String {
    let Some(route) = route_of(request) else {
        return UNMATCHED.to_owned();
    };
    let told = |(part, given)| {
        let known = Uuid::try_parse(given).is_ok() || Region::parse(given).is_ok();
        if known { given } else { part }
    };
    let parts: Vec<&str> = route.split('/').zip(request.path().split('/')).map(told).collect();
    parts.join("/")
}

/// What the log and the metrics call the route of what no route takes.
const UNMATCHED: &str = "unmatched";

/// Notes the route that took a request.
struct Route(Option<Arc<str>>);

/// The route that took a request, once it was routed. It is put together from all patterns that led there, so that is done once.
pub(super) fn route_of(request: &HttpRequest) -> Option<Arc<str>> {
    if let Some(Route(route)) = request.extensions().get() {
        return route.clone();
    }
    let route: Option<Arc<str>> = request.match_pattern().map(Into::into);
    request.extensions_mut().insert(Route(route.clone()));
    route
}

/// What extractors must know of all routes.
pub struct KnownRoutes {
    /// Path templates with their methods.
    pub methods: Arc<Vec<(String, Vec<&'static str>)>>,
    /// Path templates that are read without a key.
    pub public: Vec<String>,
}

/// Whether what is asked is told to nobody in particular.
pub(super) fn is_public(request: &HttpRequest) -> bool {
    let (routes, route) = (request.app_data::<web::Data<KnownRoutes>>(), route_of(request));
    let public = routes.zip(route).is_some_and(|(routes, route)| routes.public.iter().any(|public| **public == *route));
    public && matches!(*request.method(), Method::GET | Method::HEAD)
}

/// Answers what no route takes: 405 with `Allow` when the path exists for other methods, else 404.
/// `routes` are path templates with their methods, from the `OpenAPI` document.
pub fn method_not_allowed_or_not_found(routes: &[(String, Vec<&'static str>)], request: &HttpRequest) -> HttpResponse {
    let allowed = allowed_methods(routes, request.path());
    if allowed.is_empty() { Problem::of(&NOT_FOUND).error_response() } else { not_allowed(allowed).error_response() }
}

/// The problem of a path that takes these methods only.
fn not_allowed(mut allowed: Vec<&'static str>) -> Problem {
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    allowed.sort_unstable();
    let Problem(refusal) = Problem::of(&METHOD_NOT_ALLOWED);
    Problem(refusal.with("allowed", allowed))
}

/// The problem of a path that a template with an id took although it stands for something else, such as `/v1/assessments/preview`.
pub(super) fn literal_instead_of_id(request: &HttpRequest) -> Option<Problem> {
    let routes = request.app_data::<web::Data<KnownRoutes>>()?;
    let (_, methods) = routes.methods.iter().find(|(template, _)| template == request.path())?;
    Some(not_allowed(methods.clone()))
}

/// The methods that routes take at a path.
pub(super) fn allowed_methods(routes: &[(String, Vec<&'static str>)], path: &str) -> Vec<&'static str> {
    // What is written out goes before a placeholder, as it does when requests are routed.
    let literal = routes.iter().any(|(template, _)| template == path);
    let here =
        routes.iter().filter(|(template, _)| if literal { template == path } else { matches_template(template, path) });
    let mut allowed: Vec<&str> = here.flat_map(|(_, methods)| methods.iter().copied()).collect();
    allowed.sort_unstable();
    allowed.dedup();
    allowed
}

fn matches_template(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(part), Some(given)) if part == given || (part.starts_with('{') && !given.is_empty()) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_template_matches_paths_of_its_form_only() {
        assert!(matches_template("/v1/cooperatives/{id}", "/v1/cooperatives/42"));
        assert!(!matches_template("/v1/cooperatives/{id}", "/v1/cooperatives/"));
        assert!(!matches_template("/v1/cooperatives/{id}", "/v1/cooperatives/42/history"));
    }

    #[test]
    fn a_request_id_that_could_forge_a_log_line_is_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_static("a b=c"));
        assert_ne!(&*RequestId::from_headers(&headers).id, "a b=c");
        headers.insert(X_REQUEST_ID, HeaderValue::from_static("bank-2014-02-24.1"));
        assert_eq!(&*RequestId::from_headers(&headers).id, "bank-2014-02-24.1");
    }

    #[test]
    fn what_is_written_out_goes_before_a_placeholder() {
        let routes = [("/v1/a/{id}".to_owned(), vec!["GET"]), ("/v1/a/preview".to_owned(), vec!["POST"])];
        assert_eq!(allowed_methods(&routes, "/v1/a/preview"), ["POST"]);
        assert_eq!(allowed_methods(&routes, "/v1/a/42"), ["GET"]);
    }

    proptest! {
        #[test]
        fn fuzz_whoever_names_json_is_served(before in "([a-z*]{1,6}/[a-z*+]{1,6}(;q=[0-9.]{1,3})?, ?){0,3}", after in "(;q=[0-9.]{1,3})?") {
            let accept = format!("{before}application/json{after}");
            let request = actix_web::test::TestRequest::get().uri("/v1/me").insert_header((header::ACCEPT, accept));
            prop_assert!(accepts_json(&request.to_srv_request()));
        }

        #[test]
        fn fuzz_no_accept_header_makes_it_panic(accept in "[ -~]{0,40}") {
            let named = accept.contains("json") || accept.contains('*') || accept.split(',').any(|range| range.split(';').next().unwrap_or_default().trim().is_empty());
            let request = actix_web::test::TestRequest::get().uri("/v1/me").insert_header((header::ACCEPT, accept));
            prop_assert!(named || !accepts_json(&request.to_srv_request()));
        }
    }
}
