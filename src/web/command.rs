//! Reading a command: who, what, when, with which key, against which version.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use deserr::Deserr;
use serde_json::Value;
use uuid::Uuid;

use super::auth::Caller;
use super::entity_tags::{EntityTag, EntityTags, entity_tags};
use super::guard::Guard;
use super::json::{strict_json, too_deep};
use super::line::Line;
use super::params::pairs;
use super::problem::Problem;
use super::reply::command_reply;
use super::show::{Present, Stored};
use crate::kernel::problem_codes::{
    BODY_TOO_LARGE, BODY_TOO_SLOW, INTERNAL, INVALID_BODY, INVALID_HEADER, MALFORMED_JSON, UNSUPPORTED_MEDIA_TYPE,
};
use crate::kernel::{Fault, Faults, Refusal, Text, Timestamp, uuid_of};
use crate::ledger::{Context, Decide, IfMatch, Submission};

/// How long after a key was looked up it counts as valid without looking again.
const KEY_STAYS_VALID: Duration = Duration::from_millis(500);
/// Longest Idempotency-Key, in characters.
const KEY_CHARACTERS_MAX: usize = 255;

/// A command as it was sent.
pub struct Command<C> {
    /// Who sent it; never anonymous.
    pub caller: Caller,
    /// The id of what it creates: the sender's choice, or a new one.
    pub id: Uuid,
    /// Whether the sender chose it.
    pub id_was_sent: bool,
    /// The command itself.
    pub body: C,
    /// What comes with it.
    pub context: Context,
}

impl<C> Command<C> {
    /// Refuses an `id` in the body that is not the one meant: only what is created has an id to choose.
    ///
    /// # Errors
    /// `invalid_body`.
    pub fn require_id(&self, meant: Uuid) -> Result<(), Problem> {
        if !self.id_was_sent || self.id == meant {
            return Ok(());
        }
        let why = Text::fixed(
            "Isian `id` hanya untuk membuat catatan baru; hapus isian ini.",
            "The field `id` is for creating a record only; leave it out.",
        );
        Err(Refusal::faults(&INVALID_BODY, Faults(vec![Fault::new("/id", "unknown_field", why)])).into())
    }

    /// The same request with another body: what a handler turns the sent body into.
    pub fn map<D>(self, make: impl FnOnce(C) -> D) -> Command<D> {
        let Self { caller, id, id_was_sent, body, context } = self;
        Command { caller, id, id_was_sent, body: make(body), context }
    }

    /// As [`Command::map`], whatever was sent.
    pub fn with<D>(self, body: D) -> Command<D> {
        self.map(|_| body)
    }
}

impl<C: Decide> Command<C>
where
    C::Resource: Present + Stored,
{
    /// Carries it out on a new resource.
    ///
    /// # Errors
    /// The refusal, as a problem.
    pub async fn create(mut self) -> Result<HttpResponse, Problem> {
        let id = self.id;
        self.context.id_is_new = !self.id_was_sent;
        self.on(id).await
    }

    /// Carries it out on the resource `id`.
    ///
    /// # Errors
    /// The refusal, as a problem.
    pub async fn on(self, id: Uuid) -> Result<HttpResponse, Problem> {
        self.require_id(id)?;
        let Self { caller, body, context, .. } = self;
        if let Some(gathering) = &caller.service.gathering {
            // All that the outcome of a line tells is in the decision: nothing of the handler needs to wait for it.
            gathering.add(Submission::new(id, body, context).0);
            return Ok(HttpResponse::Accepted().finish());
        }
        let answer = caller.service.execute(id, body, context).await?;
        command_reply::<C::Resource>(&caller, answer).await
    }
}

impl<C: Deserr<Faults> + 'static> FromRequest for Command<C> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Some(Line { caller, key, body }) = Line::take(request) {
            return Box::pin(std::future::ready(Self::assemble(caller, request, body, key, None)));
        }
        let parameter = pairs(request).map(|pairs| pairs.into_iter().next());
        let caller = Caller::from_request(request, payload);
        let bytes = web::Bytes::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let mut caller = caller.await?;
            let organisation = caller.actor()?.organisation;
            if let Some((name, _)) = parameter? {
                return Err(unknown_parameter(&name));
            }
            require_plain_json(request.headers())?;
            let guard = request.app_data::<web::Data<Guard>>().ok_or_else(|| Problem::of(&INTERNAL))?;
            let admitted = || caller.service.ledger.admits(organisation);
            if guard.is_large(&request) {
                // Refused before it is read, at the price of the connection; a small body is there already.
                admitted()?;
                guard.make_room(&request)?;
            }
            let started = Instant::now();
            let bytes = actix_web::rt::time::timeout(guard.body_time_max, bytes).await;
            let bytes = bytes.map_err(|_| too_slow(guard.body_time_max))?;
            let bytes = bytes.map_err(|error| too_large_or_broken(&error))?;
            admitted()?;
            if started.elapsed() > KEY_STAYS_VALID {
                // The key may have been revoked while the body trickled in.
                caller = Caller::from_request(&request, &mut Payload::None).await?;
            }
            let value = parse(&bytes)?;
            let key = idempotency_key(request.headers())?;
            Self::assemble(caller, &request, value, key, if_match(request.headers())?)
        })
    }
}

impl<C: Deserr<Faults>> Command<C> {
    fn assemble(
        caller: Caller,
        request: &HttpRequest,
        value: Value,
        key: Option<String>,
        if_match: Option<IfMatch>,
    ) -> Result<Self, Problem> {
        let actor = caller.actor()?.clone();
        let idempotency = key.map(|key| {
            let canonical = serde_json_canonicalizer::to_vec(&value).unwrap_or_default();
            let parts: [&[u8]; 3] = [request.method().as_str().as_bytes(), request.path().as_bytes(), &canonical];
            (key, caller.service.vault.keyed_hash("receipt", &parts))
        });
        let (id, occurred_at, body) = split(value)?;
        let correlation_id = caller.request_id.correlation.to_string();
        let context = Context {
            actor,
            occurred_at,
            correlation_id,
            idempotency,
            if_match,
            id_is_new: false,
            // The outcome of a line names the document and does not hold it.
            wants_document: caller.service.gathering.is_none(),
        };
        Ok(Self { caller, id: id.unwrap_or_else(Uuid::now_v7), id_was_sent: id.is_some(), body, context })
    }
}

/// A command says everything in its body; a parameter such as `dry_run` that is dropped in silence would record what was not meant.
fn unknown_parameter(name: &str) -> Problem {
    let why = text!(
        "Perintah tidak mengenal parameter `{name}`; tulis semuanya di dalam isi.",
        "A command knows no parameter `{name}`; say everything in its body."
    );
    Refusal::parameter(format!("?{name}"), "unknown_field", why).into()
}

/// Commands are plain JSON. A compressed body is refused: inflating it could cost a thousand times its size before any limit is met.
fn require_plain_json(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value: &header::HeaderValue| value.to_str().unwrap_or_default());
    let plain = text(header::CONTENT_ENCODING).is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
    let json = text(header::CONTENT_TYPE).is_none_or(|content_type| {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
    });
    if plain && json { Ok(()) } else { Err(Problem::of(&UNSUPPORTED_MEDIA_TYPE)) }
}

fn too_slow(limit: Duration) -> Problem {
    let seconds = limit.as_secs();
    let why = text!(
        "Kirim seluruh isi dalam {seconds} detik. Tidak ada yang tercatat.",
        "Send the whole body within {seconds} seconds. Nothing was recorded."
    );
    Refusal::new(&BODY_TOO_SLOW, why).into()
}

fn too_large_or_broken(error: &actix_web::Error) -> Problem {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => Problem::of(&BODY_TOO_LARGE),
        _ if error.as_response_error().status_code() == 413 => Problem::of(&BODY_TOO_LARGE),
        _ => Problem::of(&MALFORMED_JSON),
    }
}

/// Parses the body; no body at all is the empty object, since some commands need nothing said.
fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    if bytes.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        malformed(text!(
            "Isi bukan UTF-8: byte ke-{at} tidak sah. Kirim JSON dalam UTF-8.",
            "The body is not UTF-8: the byte at offset {at} is invalid. Send JSON in UTF-8."
        ))
    })?;
    let value = strict_json(text).map_err(|error| {
        if let Some(why) = too_deep(&error) {
            return malformed(why);
        }
        let (line, column) = (error.line(), error.column());
        malformed(text!(
            "JSON tidak terbaca pada baris {line} kolom {column}, atau satu isian tertulis dua kali di situ.",
            "The JSON cannot be read at line {line} column {column}, or a field stands there twice."
        ))
    })?;
    if value.is_object() {
        return Ok(value);
    }
    Err(malformed(Text::fixed("Kirim satu objek JSON: { … }.", "Send one JSON object: { … }.")))
}

fn malformed(detail: Text) -> Problem {
    Refusal::new(&MALFORMED_JSON, detail).into()
}

/// Takes `id` and `occurred_at`, which every command may carry, out of the body and reads the rest; all faults at once.
fn split<C: Deserr<Faults>>(mut value: Value) -> Result<(Option<Uuid>, Option<Timestamp>, C), Problem> {
    let mut faults = Faults::default();
    let mut take = |name: &str| value.as_object_mut().and_then(|map| map.remove(name)).filter(|value| !value.is_null());
    let (id, occurred_at) = (take("id"), take("occurred_at"));
    let id = id.and_then(|id| {
        let parsed = id.as_str().and_then(uuid_of).filter(|id| !id.is_nil());
        if parsed.is_none() {
            let why = Text::fixed(
                "Kirim UUID, sebaiknya versi 7, atau hilangkan isian ini.",
                "Send a UUID, version 7 for preference, or leave the field out.",
            );
            faults.add("/id", "invalid_id", why);
        }
        parsed
    });
    let occurred_at = occurred_at.and_then(|instant| {
        Timestamp::parse(instant.as_str().unwrap_or_default())
            .map_err(|why| {
                faults.0.push(Fault::new("/occurred_at", "invalid_instant", why));
            })
            .ok()
    });
    match deserr::deserialize::<C, _, Faults>(value) {
        Ok(body) if faults.0.is_empty() => Ok((id, occurred_at, body)),
        Ok(_) => Err(Refusal::faults(&INVALID_BODY, faults).into()),
        Err(found) => {
            faults.0.extend(found.0);
            Err(Refusal::faults(&INVALID_BODY, faults).into())
        }
    }
}

/// The Idempotency-Key: the draft standard quotes it, most clients do not; both name the same key.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    read_key(value.to_str().unwrap_or_default()).map(Some).map_err(|why| Refusal::new(&INVALID_HEADER, why).into())
}

/// Reads an Idempotency-Key, quoted or bare.
///
/// # Errors
/// A sentence that tells what to send.
pub fn read_key(text: &str) -> Result<String, Text> {
    let text = text.trim();
    let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let usable = !key.is_empty()
        && key.len() <= KEY_CHARACTERS_MAX
        && key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    if usable {
        return Ok(key.to_owned());
    }
    Err(Text::fixed(
        "Idempotency-Key harus 1 sampai 255 karakter ASCII tanpa spasi dan tanda petik di dalamnya.",
        "Idempotency-Key must be 1 to 255 ASCII characters without spaces or quotation marks inside.",
    ))
}

fn if_match(headers: &HeaderMap) -> Result<Option<IfMatch>, Problem> {
    // Comparison is strong: a weak tag, and one that is none of ours, is well formed and matches nothing.
    let version = |tag: EntityTag| if tag.weak { -1 } else { tag.text.parse().unwrap_or(-1) };
    let tags = entity_tags(headers, &header::IF_MATCH)?;
    Ok(tags.map(|tags| match tags {
        EntityTags::Any => IfMatch::Any,
        EntityTags::These(tags) => IfMatch::Versions(tags.into_iter().map(version).collect()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn a_quoted_and_a_bare_key_are_the_same_key() {
        let quoted = idempotency_key(&headers("idempotency-key", "\"8e03978e\"")).unwrap();
        assert_eq!(quoted, idempotency_key(&headers("idempotency-key", "8e03978e")).unwrap());
        assert!(idempotency_key(&headers("idempotency-key", "two words")).is_err());
        assert!(idempotency_key(&headers("idempotency-key", "\"\"")).is_err());
    }

    #[test]
    fn if_match_takes_tags_lists_and_the_star() {
        assert_eq!(if_match(&headers("if-match", "\"3\"")).unwrap(), Some(IfMatch::Versions(vec![3])));
        assert_eq!(if_match(&headers("if-match", "\"3\", \"x\"")).unwrap(), Some(IfMatch::Versions(vec![3, -1])));
        assert_eq!(if_match(&headers("if-match", "*")).unwrap(), Some(IfMatch::Any));
        assert!(if_match(&headers("if-match", "3")).is_err());
    }

    #[test]
    fn broken_utf_8_names_the_byte() {
        let problem = parse(b"{\"name\":\"\xff\"}").unwrap_err();
        assert_eq!(problem.0.code.name, "malformed_json");
        assert!(problem.0.detail.en.contains("offset 9"), "{}", problem.0.detail.en);
    }

    proptest! {
        #[test]
        fn fuzz_a_key_is_the_same_bare_and_quoted(text in "\"?[ -~]{0,20}\"?|\\PC{0,300}") {
            if let Ok(key) = read_key(&text) {
                prop_assert!(text.contains(&key) && key.len() <= KEY_CHARACTERS_MAX);
                prop_assert_eq!(read_key(&key), Ok(key.clone()));
                prop_assert_eq!(read_key(&format!("\"{key}\"")), Ok(key));
            }
        }
    }
}
