//! Which other sites' pages may call this service from a browser (CORS): those that are named, and else none.

use std::str::FromStr;

use actix_web::HttpResponse;
use actix_web::dev::RequestHead;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};

/// Header fields a page may send.
const SENT: &str = "accept-language, authorization, content-encoding, content-type, idempotency-key, if-match, if-none-match, \
    last-event-id, traceparent, x-request-id";
/// Header fields of an answer that a page may read, beside those it always may.
const SHOWN: &str = "accept-ranges, allow, content-location, content-range, dataset-per-tanggal, dataset-rows, dataset-sha256, etag, \
    idempotent-replayed, link, location, log-position, ratelimit, ratelimit-policy, repr-digest, retry-after, www-authenticate, x-request-id";
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
/// How long a browser need not ask again, in seconds.
const ASKED_SECONDS: &str = "600";

/// An origin as browsers write it: `https://data.example.go.id`, with the port when it is not the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri = Uri::from_str(text).ok();
        let whole = uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.authority()?)));
        let plain = whole.is_some_and(|(scheme, authority)| {
            matches!(scheme, "http" | "https")
                && text == format!("{scheme}://{authority}")
                && !text.contains(['@', '*'])
        });
        let lower = text.bytes().all(|byte| !byte.is_ascii_uppercase());
        let why = || {
            format!("`{text}` is no origin; write scheme and host in small letters, such as https://data.example.go.id")
        };
        if plain && lower { Ok(Self(text.to_owned())) } else { Err(why()) }
    }
}

/// The origins that may call.
#[derive(Clone, Debug, Default)]
pub struct Cors(Vec<Origin>);

impl Cors {
    /// These and no others.
    pub const fn of(origins: Vec<Origin>) -> Self {
        Self(origins)
    }

    fn origin<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        self.0.iter().any(|known| known.0.as_bytes() == origin.as_bytes()).then_some(origin)
    }

    /// The answer to a browser that asks before it calls, if it may.
    pub fn preflight(&self, request: &RequestHead) -> Option<HttpResponse> {
        let asks =
            request.method == Method::OPTIONS && request.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        self.origin(&request.headers).filter(|_| asks)?;
        let fields: [(HeaderName, &str); 3] = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, SENT),
            (header::ACCESS_CONTROL_MAX_AGE, ASKED_SECONDS),
        ];
        let mut response = HttpResponse::NoContent();
        for field in fields {
            response.insert_header(field);
        }
        Some(response.finish())
    }

    /// Lets the page read the answer, if it may. Nobody is told anything while no origin is configured.
    pub fn tell(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        answer.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = self.origin(request) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SHOWN));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_and_host_and_nothing_else() {
        for good in ["https://data.example.go.id", "http://127.0.0.1:3000", "https://[::1]:8443"] {
            assert_eq!(good.parse::<Origin>(), Ok(Origin(good.to_owned())));
        }
        for bad in [
            "*",
            "null",
            "https://*.example.id",
            "https://example.id/",
            "example.id",
            "https://Example.id",
            "ftp://x",
            "https://a@b",
            "",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }
}
