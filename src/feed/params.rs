//! What the log is asked for with.

use std::time::Duration;

use deserr::Deserr;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::schemas;
use crate::kernel::problem_codes::INVALID_PARAMETER;
use crate::kernel::{Actor, Faults, Id, Refusal, Region, Text, Whole, uuid_of};
use crate::storage::Sieve;
use crate::web::{Problem, SEQUENCE_PATTERN, sequence_of};

/// Events of a page when nothing is said, and at most.
const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 500;
/// How many seconds a long poll waits.
type WaitSeconds = Whole<0, 30>;

/// Where reading begins, as text. How `after` is described.
pub struct Beginning;

/// Types of events, each once. How `types` is described.
pub struct EventTypes;

/// A kind of resource, or one resource. How `stream` is described.
pub struct StreamName;

impl PartialSchema for Beginning {
    fn schema() -> RefOr<Schema> {
        text(format!("^(head|{SEQUENCE_PATTERN})$")).max_length(Some(20)).into()
    }
}
impl ToSchema for Beginning {}

impl PartialSchema for EventTypes {
    fn schema() -> RefOr<Schema> {
        let types = schemas::types();
        let one = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(types.clone()));
        ArrayBuilder::new().items(one).min_items(Some(1)).max_items(Some(types.len())).unique_items(true).into()
    }
}
impl ToSchema for EventTypes {}

impl PartialSchema for StreamName {
    fn schema() -> RefOr<Schema> {
        let kinds: Vec<&str> = schemas::kinds().iter().map(|(kind, _)| *kind).collect();
        let id = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";
        text(format!("^({})(/{id})?$", kinds.join("|"))).max_length(Some(80)).into()
    }
}
impl ToSchema for StreamName {}

fn text(pattern: String) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}

/// Which events.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FeedParams {
    /// Events after this position: `through` of the answer before; 0, the beginning, when nothing is said; `head` for what is yet to come.
    #[deserr(default)]
    #[param(value_type = Option<Beginning>, inline, example = "0")]
    pub after: Option<String>,
    /// Events of a page, 1 to 500, 50 when nothing is said; as NDJSON any number, and all when nothing is said.
    #[deserr(default)]
    #[param(inline, example = 50)]
    pub limit: Option<Whole<1, 999_999_999_999_999>>,
    /// Types, separated by commas, each once.
    #[deserr(default)]
    #[param(value_type = Option<EventTypes>, inline, style = Form, explode = false, example = json!(["financing.disbursed", "financing.reversed"]))]
    pub types: Option<String>,
    /// A kind of resource, or one resource as `subject` names it.
    #[deserr(default)]
    #[param(value_type = Option<StreamName>, inline, example = "financing")]
    pub stream: Option<String>,
    /// The region of the resource.
    #[deserr(default)]
    #[param(inline)]
    pub region: Option<Region>,
    /// The organisation that recorded it.
    #[deserr(default)]
    pub organisation: Option<Id>,
    /// Seconds to wait for an event when there is none yet, up to 30.
    #[deserr(default)]
    #[param(inline, example = 0)]
    pub wait: Option<WaitSeconds>,
}

/// Which events a stream sends.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamParams {
    /// Events after this position: `through` or the last `id` that came; 0, the beginning, when nothing is said; `head` for what is yet to come.
    #[deserr(default)]
    #[param(value_type = Option<Beginning>, inline, example = "head")]
    pub after: Option<String>,
    /// Types, separated by commas, each once.
    #[deserr(default)]
    #[param(value_type = Option<EventTypes>, inline, style = Form, explode = false, example = json!(["financing.disbursed", "financing.reversed"]))]
    pub types: Option<String>,
    /// A kind of resource, or one resource as `subject` names it.
    #[deserr(default)]
    #[param(value_type = Option<StreamName>, inline, example = "financing")]
    pub stream: Option<String>,
    /// The region of the resource.
    #[deserr(default)]
    #[param(inline)]
    pub region: Option<Region>,
    /// The organisation that recorded it.
    #[deserr(default)]
    pub organisation: Option<Id>,
}

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// After a position.
    Position(i64),
    /// After the last one that this very reader was sent.
    LastEventId(i64),
    /// After the last one there is.
    Head,
}

/// What was asked for, read.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which events.
    pub sieve: Sieve,
    /// Where reading begins.
    pub after: After,
    /// How many, if that was said.
    pub limit: Option<i64>,
    /// How long to wait.
    pub wait: Duration,
}

impl StreamParams {
    /// Reads them for this caller.
    ///
    /// # Errors
    /// `invalid_parameter`, naming every fault.
    pub fn read(self, actor: &Actor) -> Result<Wanted, Problem> {
        let Self { after, types, stream, region, organisation } = self;
        FeedParams { after, types, stream, region, organisation, limit: None, wait: None }.read(actor)
    }
}

impl FeedParams {
    /// Reads them for this caller.
    ///
    /// # Errors
    /// `invalid_parameter`, naming every fault.
    pub fn read(self, actor: &Actor) -> Result<Wanted, Problem> {
        let mut faults = Faults::default();
        let mut sieve = Sieve::of(actor, &schemas::kinds());
        sieve.region = self.region;
        sieve.organisation = self.organisation.map(|id| id.0);
        for event_type in self.types.iter().flat_map(|types| types.split(',')).map(str::trim) {
            if !schemas::is_known(event_type) {
                let why = text!(
                    "Tidak ada jenis peristiwa `{event_type}`; lihat GET /v1/schemas.",
                    "There is no event type `{event_type}`; see GET /v1/schemas."
                );
                faults.add("?types", "unknown_event_type", why);
            } else if sieve.types.iter().any(|named| named == event_type) {
                faults.0.extend(Refusal::named_twice("?types", event_type).faults);
            }
            sieve.types.push(event_type.to_owned());
        }
        if let Some(stream) = &self.stream {
            let (kind, id) = stream.split_once('/').map_or((stream.as_str(), None), |(kind, id)| (kind, Some(id)));
            match id.map(|id| uuid_of(id).ok_or(id)).transpose() {
                Ok(id) if schemas::kinds().iter().any(|(known, _)| *known == kind) => {
                    (sieve.kind, sieve.resource) = (Some(kind.to_owned()), id);
                }
                _ => {
                    let why = text!(
                        "Kirim jenis catatan, misalnya `financing`, atau satu catatan seperti dalam `subject`: `financing/{{id}}`.",
                        "Send a kind of resource, such as `financing`, or one resource as in `subject`: `financing/{{id}}`."
                    );
                    faults.add("?stream", "unknown_stream", why);
                }
            }
        }
        let after = faults.check(read_after(self.after.as_deref())).unwrap_or(After::Head);
        let wait = self.wait.map_or(0, |wait| wait.0);
        if !faults.0.is_empty() {
            return Err(Refusal::faults(&INVALID_PARAMETER, faults).into());
        }
        let wait = Duration::from_secs(u64::try_from(wait).unwrap_or_default());
        Ok(Wanted { sieve, after, limit: self.limit.map(|limit| limit.0), wait })
    }
}

impl Wanted {
    /// Events of a page.
    ///
    /// # Errors
    /// `invalid_parameter` above 500.
    pub fn page_limit(&self) -> Result<i64, Problem> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if limit > LIMIT_MAX {
            let why = Text::fixed(
                "Kirim bilangan 1 sampai 500; lebih banyak dengan `Accept: application/x-ndjson`.",
                "Send a number from 1 to 500; more with `Accept: application/x-ndjson`.",
            );
            return Err(Refusal::parameter("?limit", "invalid_value", why).into());
        }
        Ok(limit)
    }
}

fn read_after(text: Option<&str>) -> Result<After, Refusal> {
    match text {
        None => Ok(After::Position(0)),
        Some("head") => Ok(After::Head),
        Some(text) => sequence_of(text).map(After::Position).ok_or_else(|| {
            let why = Text::fixed(
                "Kirim posisi log, yaitu bilangan 0 atau lebih, atau `head`.",
                "Send a position of the log, a number from 0 on, or `head`.",
            );
            Refusal::parameter("?after", "invalid_value", why)
        }),
    }
}

/// The position a reader says it has: one that is beyond the head was read from another log, or before an older backup was put back.
///
/// # Errors
/// `invalid_parameter`.
pub fn require_reached(after: i64, head: i64) -> Result<(), Problem> {
    if after <= head {
        return Ok(());
    }
    Err(Refusal::parameter("?after", "not_yet", not_reached("", after, head)).into())
}

/// That a position has not come yet, in a sentence.
pub fn not_reached(where_said: &str, after: i64, head: i64) -> Text {
    text!(
        "{where_said}Posisi terakhir log sekarang {head}; posisi {after} belum ada di log ini.",
        "{where_said}The last position of the log is {head} now; there is no position {after} in this log yet."
    )
}
