//! Problem documents (RFC 9457) in Indonesian or English.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::kernel::problem_codes::{INSUFFICIENT_SCOPE, INTERNAL, LOG_NOT_SIGNED, NOT_FOUND, UNAVAILABLE};
use crate::kernel::{Code, Refusal, Text, code, without_identity_numbers};
use crate::storage::{NotSigned, ReadError};

/// Seconds after which a client may try again when we are busy and the problem does not say so itself.
const RETRY_AFTER_SECONDS: u64 = 1;

/// What went wrong, on its way out. [`super::around`] writes its document once it knows language and request id.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem(pub Refusal);

/// The document of a problem.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "/problems/wrong_state", "title": "Does not fit the state", "status": 409,
    "detail": "Its state is `applied`; what can be done from there: approvals, rejections, withdrawals.",
    "instance": "/v1/financings/019a-…/contracts", "code": "wrong_state", "request_id": "019a-…", "errors": [],
    "state": "applied", "allowed": ["approvals", "rejections", "withdrawals"]
}))]
pub struct ProblemDocument {
    /// Address of a page that explains this kind of problem.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    pub kind: String,
    /// Constant title of the kind.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened and what to do.
    pub detail: String,
    /// The path that was asked for.
    pub instance: String,
    /// Stable `snake_case` name of the kind.
    pub code: String,
    /// To be named when asking us about it.
    pub request_id: String,
    /// Every fault of the request, all at once.
    pub errors: Vec<ProblemError>,
    /// Further members some kinds carry: `state` and `allowed`, `existing`, `current`, `reason`, `contradicts`, `reversed_by`.
    #[serde(flatten)]
    #[schema(additional_properties, value_type = Object)]
    pub members: serde_json::Map<String, serde_json::Value>,
}

/// One fault.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemError {
    /// RFC 6901 pointer into the body, or `?name` for a query parameter.
    pub pointer: String,
    /// Stable `snake_case` name of the fault.
    pub code: String,
    /// What to do about it.
    pub detail: String,
}

/// The two languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Bahasa Indonesia, the default.
    Indonesian,
    /// English.
    English,
}

impl Language {
    /// The one a request prefers (`Accept-Language`).
    pub fn of(headers: &HeaderMap) -> Self {
        if wants_english(headers) { Self::English } else { Self::Indonesian }
    }

    /// The sentence in this language.
    pub fn of_text(self, text: &Text) -> &str {
        match self {
            Self::Indonesian => &text.id,
            Self::English => &text.en,
        }
    }

    /// BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Indonesian => "id",
            Self::English => "en",
        }
    }
}

/// Whether `Accept-Language` ranks English above Indonesian.
pub fn wants_english(headers: &HeaderMap) -> bool {
    let Some(accepted) = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let quality = |wanted: &str| {
        accepted
            .split(',')
            .filter_map(|item| {
                let mut parts = item.split(';').map(str::trim);
                let tag = parts.next()?.to_ascii_lowercase();
                let quality =
                    parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
                (tag == wanted || tag.starts_with(&format!("{wanted}-"))).then_some(quality)
            })
            .fold(0.0, f32::max)
    };
    quality("en") > quality("id")
}

impl Problem {
    /// A problem with the code's own advice.
    pub fn of(code: &'static Code) -> Self {
        Self(Refusal::new(code, code.advice.clone()))
    }

    /// The methods that are allowed instead, as a header writes them.
    fn allowed(&self) -> String {
        let methods = self.0.members.get("allowed").and_then(serde_json::Value::as_array).into_iter().flatten();
        methods.filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(", ")
    }

    /// The document in one language.
    pub fn document(&self, language: Language, instance: &str, request_id: &str) -> ProblemDocument {
        let Refusal { code, detail, faults, members, .. } = &self.0;
        let told = |text: &str| without_identity_numbers(text).into_owned();
        ProblemDocument {
            kind: format!("/problems/{}", code.name),
            title: language.of_text(&code.title).to_owned(),
            status: code.status,
            detail: told(language.of_text(detail)),
            instance: told(instance),
            code: code.name.to_owned(),
            request_id: request_id.to_owned(),
            errors: faults
                .iter()
                .map(|fault| ProblemError {
                    pointer: told(&fault.pointer),
                    code: fault.code.to_string(),
                    detail: told(language.of_text(&fault.detail)),
                })
                .collect(),
            members: members.clone(),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.code.name)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self.0.code.status {
            401 => response.insert_header((header::WWW_AUTHENTICATE, challenge(&self.0))),
            403 if self.0.code == &INSUFFICIENT_SCOPE => response
                .insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"lumbung\", error=\"insufficient_scope\"")),
            405 => response.insert_header((header::ALLOW, self.allowed())),
            429 | 503 => {
                let told = self.0.members.get("retry_after_seconds").and_then(serde_json::Value::as_u64);
                response.insert_header((header::RETRY_AFTER, told.unwrap_or(RETRY_AFTER_SECONDS)))
            }
            _ => &mut response,
        };
        let mut response = response.finish();
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// What RFC 6750 wants said: nothing more when nothing was sent, `invalid_token` when what was sent is not valid.
fn challenge(refusal: &Refusal) -> &'static str {
    if refusal.members.contains_key("reason") {
        "Bearer realm=\"lumbung\", error=\"invalid_token\""
    } else {
        "Bearer realm=\"lumbung\""
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        log::error!("a read failed error={error}");
        match error {
            ReadError::Database(_) => Self::of(&UNAVAILABLE),
            ReadError::Corrupt(_) => Self::of(&INTERNAL),
        }
    }
}

impl From<NotSigned> for Problem {
    fn from(why: NotSigned) -> Self {
        match why {
            NotSigned::Unread(why) => why.into(),
            // What is wrong is in the log and in /readyz, for the operator.
            NotSigned::Refused(_) => Self::of(&LOG_NOT_SIGNED),
        }
    }
}

/// The page at `/problems/{code}`.
pub fn problem_page(name: &str, language: Language) -> Result<serde_json::Value, Problem> {
    let code = code(name).ok_or_else(|| Problem::of(&NOT_FOUND))?;
    Ok(serde_json::json!({
        "code": code.name,
        "status": code.status,
        "title": language.of_text(&code.title),
        "advice": language.of_text(&code.advice),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    fn english(accepted: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accepted));
        wants_english(&headers)
    }

    #[test]
    fn a_busy_service_says_when_to_come_again_and_a_missing_key_how_to_send_one() {
        use crate::kernel::problem_codes::{OVERLOADED, UNAUTHENTICATED};
        let busy = Problem::of(&OVERLOADED).error_response();
        assert_eq!(busy.status().as_u16(), 503);
        assert_eq!(busy.headers().get(header::RETRY_AFTER).map(header::HeaderValue::as_bytes), Some(&b"1"[..]));
        let nobody = Problem::of(&UNAUTHENTICATED).error_response();
        assert!(nobody.headers().contains_key(header::WWW_AUTHENTICATE));
    }

    #[test]
    fn indonesian_is_the_default_and_english_is_had_by_asking() {
        assert!(!wants_english(&HeaderMap::new()));
        assert!(english("en") && english("en-GB,en;q=0.9,id;q=0.5") && english("fr, en;q=0.3"));
        assert!(!english("id,en;q=0.9") && !english("*") && !english("de") && !english("en;q=zero"));
    }

    proptest! {
        #[test]
        fn fuzz_a_language_is_chosen_whatever_is_accepted(text in "((en|id|fr|\\*)(-[A-Z]{2})?(;q=[0-9.a-z]{0,4})?,? ?){0,5}|[ -~]{0,30}") {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(&text).unwrap());
            // Whoever names no English gets none.
            prop_assert!(text.to_ascii_lowercase().contains("en") || Language::of(&headers) == Language::Indonesian);
        }
    }
}
