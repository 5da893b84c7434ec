//! Query parameters and path ids, read as strictly as bodies.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use deserr::Deserr;
use uuid::Uuid;

use super::around::literal_instead_of_id;
use super::auth::KeyMissing;
use super::problem::Problem;
use crate::kernel::problem_codes::{INVALID_PARAMETER, NOT_FOUND, UNAUTHENTICATED};
use crate::kernel::{Faults, Refusal, Text, uuid_of};

/// Query parameters of a request. None takes more than a dozen.
pub const PARAMETERS_MAX: usize = 64;

/// Query parameters of type `T`; unknown and repeated ones are refused.
pub struct Params<T>(pub T);

impl<T: Deserr<Faults>> FromRequest for Params<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = pairs(request).and_then(|pairs| read_pairs(pairs)).map(Self);
        ready(read.map_err(|problem| key_first(request, problem)))
    }
}

/// The names and values of a request's query.
///
/// # Errors
/// `invalid_parameter` when the query is not percent-encoded text.
pub fn pairs(request: &HttpRequest) -> Result<Vec<(String, String)>, Problem> {
    let count = request.query_string().split('&').filter(|pair| !pair.is_empty()).count();
    if count > PARAMETERS_MAX {
        let why = text!(
            "Kueri ini memuat {count} parameter; paling banyak {PARAMETERS_MAX}.",
            "This query has {count} parameters; {PARAMETERS_MAX} are taken at most."
        );
        return Err(Refusal::new(&INVALID_PARAMETER, why).into());
    }
    let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    pairs.map(actix_web::web::Query::into_inner).map_err(|_| {
        let why =
            Text::fixed("Bagian kueri alamat ini tidak terbaca.", "The query part of this address cannot be read.");
        Refusal::new(&INVALID_PARAMETER, why).into()
    })
}

/// What was found wrong with a request; to nobody in particular that a key is needed, before anything else.
pub(super) fn key_first(request: &HttpRequest, problem: Problem) -> Problem {
    if request.extensions().contains::<KeyMissing>() { Problem::of(&UNAUTHENTICATED) } else { problem }
}

/// Reads parameters of type `T`, reporting every fault.
///
/// # Errors
/// `invalid_parameter`.
pub fn read_pairs<T: Deserr<Faults>>(pairs: Vec<(String, String)>) -> Result<T, Problem> {
    let mut faults = Faults::default();
    let mut map = serde_json::Map::new();
    for (name, value) in pairs {
        if map.insert(name.clone(), value.into()).is_some() {
            let why = text!("Kirim `{name}` sekali saja.", "Send `{name}` once only.");
            faults.add(format!("?{name}"), "repeated_parameter", why);
        }
    }
    let read = deserr::deserialize::<T, _, Faults>(serde_json::Value::Object(map));
    match read {
        Ok(params) if faults.0.is_empty() => Ok(params),
        other => {
            faults.0.extend(other.err().unwrap_or_default().0.into_iter().map(|mut fault| {
                fault.pointer = format!("?{}", fault.pointer.trim_start_matches('/'));
                fault
            }));
            Err(Refusal::faults(&INVALID_PARAMETER, faults).into())
        }
    }
}

/// The `{id}` of a path. What is not a UUID names nothing, so it is not found.
pub struct IdPath(pub Uuid);

impl FromRequest for IdPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").unwrap_or_default();
        let id = uuid_of(id).map(Self).ok_or_else(|| {
            Refusal::new(
                &NOT_FOUND,
                Text::fixed(
                    "Nomor dalam alamat harus berupa UUID, misalnya 019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b.",
                    "The identifier in the address must be a UUID, such as 019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b.",
                ),
            )
            .into()
        });
        let id = id.map_err(|problem: Problem| literal_instead_of_id(request).unwrap_or(problem));
        ready(id.map_err(|problem| key_first(request, problem)))
    }
}
