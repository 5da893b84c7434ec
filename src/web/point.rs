//! Points in time that a read asks for: as recorded by then, and as it was in the world on a day.

use std::time::Duration;

use deserr::Deserr;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::problem::Problem;
use super::service::Service;
use crate::kernel::{Date, Faults, Refusal, Text, Timestamp};
use crate::storage::{AnyConnection, AsOf, head_position, position_at, recorded_at};

/// Digits of the highest position there can be.
const POSITION_DIGITS_MAX: usize = 16;
/// Digits of a position as `sequence` has it, with zeros before it.
const SEQUENCE_DIGITS_MAX: usize = 20;
/// How a position is written that a reader has from an event, or from a page.
pub const SEQUENCE_PATTERN: &str = "[0-9]{1,20}";

/// A point of the log: a position, or an instant. How `as_of` is described.
pub struct Point;

/// A point of the log, or a day. How `diketahui_pada` is described.
pub struct KnownPoint;

fn point() -> AnyOfBuilder {
    let position = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^(0|[1-9][0-9]{0,15})$"));
    AnyOfBuilder::new().item(position.max_length(Some(POSITION_DIGITS_MAX))).item(Timestamp::schema())
}

impl PartialSchema for Point {
    fn schema() -> RefOr<Schema> {
        point().into()
    }
}
impl ToSchema for Point {}

impl PartialSchema for KnownPoint {
    fn schema() -> RefOr<Schema> {
        point().item(Date::schema()).into()
    }
}
impl ToSchema for KnownPoint {}

/// `as_of`.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AsOfParams {
    /// As recorded by then: a position of the log, or an RFC 3339 instant.
    #[deserr(default)]
    #[param(value_type = Option<Point>, inline, example = "2014-03-31T00:00:00+08:00")]
    pub as_of: Option<String>,
}

/// Reads `as_of`.
///
/// # Errors
/// As [`read_point`].
pub async fn read_as_of(service: &Service, text: Option<&str>) -> Result<Option<AsOf>, Problem> {
    read_point(service, ("?as_of", "invalid_as_of"), text).await
}

/// Reads a point of the log that a parameter names, at its pointer and with the code of its fault. An instant that has come is settled:
/// what had been recorded by then is the same for ever.
///
/// # Errors
/// `invalid_parameter`; `unavailable` when nobody can tell now what had been recorded by then.
pub async fn read_point(
    service: &Service,
    (pointer, code): (&'static str, &'static str),
    text: Option<&str>,
) -> Result<Option<AsOf>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let point = parse_point((pointer, code), text)?;
    if let AsOf::Instant(instant) = point {
        settle(service, pointer, instant).await?;
    }
    Ok(Some(point))
}

/// How far apart clocks of ours and of those who ask may be without their being told that an instant has not come.
const CLOCKS_APART: Duration = Duration::from_secs(2);

async fn settle(service: &Service, pointer: &'static str, instant: Timestamp) -> Result<(), Problem> {
    let not_come = |now: Timestamp| instant.micros().saturating_sub(now.micros());
    let apart = i64::try_from(CLOCKS_APART.as_micros()).unwrap_or(i64::MAX);
    if service.ledger.require_writer().is_err() {
        return settled_in_copy(service, pointer, instant).await;
    }
    // What has not come is refused when it is looked up, or means as far as today went.
    if not_come(service.clock.now()) > apart {
        return Ok(());
    }
    let mut waited = service.clock.stands();
    loop {
        let settled = service.ledger.settle(instant).await?;
        let now = service.clock.now();
        match not_come(settled.min(now)) {
            ..=0 => return Ok(()),
            micros if !waited => {
                let micros = u64::try_from(micros.min(apart)).unwrap_or_default();
                actix_web::rt::time::sleep(Duration::from_micros(micros)).await;
                waited = true;
            }
            _ if instant > now => return Ok(()),
            _ => {
                let why = Text::fixed(
                    "Menurut jam basis data waktu ini belum tiba.",
                    "By the clock of the database this instant has not come yet.",
                );
                return Err(Refusal::parameter(pointer, "not_yet", why).into());
            }
        }
    }
}

/// A copy knows nothing of what its original records meanwhile: all it has been given before its last event is settled.
async fn settled_in_copy(service: &Service, pointer: &'static str, instant: Timestamp) -> Result<(), Problem> {
    let read = |connection: &mut AnyConnection| {
        let head = head_position(connection)?;
        Ok((head, recorded_at(connection, head)?))
    };
    let (head, recorded) = service.look_up(read).await?;
    if instant > service.clock.now() || recorded.is_some_and(|last| instant < last) {
        return Ok(());
    }
    let last = recorded.map_or_else(|| "-".to_owned(), |last| last.to_string());
    let why = text!(
        "Salinan ini baru sampai posisi {head}, dicatat {last}; yang dicatat sesudahnya belum diketahui di sini. Kirim posisi itu, atau waktu sebelumnya.",
        "This copy reaches to position {head}, recorded {last}; what was recorded after it is not known here yet. Send that position, or an earlier instant."
    );
    Err(Refusal::parameter(pointer, "not_yet", why).into())
}

/// Reads a position as a reader has it: digits and nothing else. One that is larger than any can be is read as the largest: it has not come yet.
pub fn sequence_of(text: &str) -> Option<i64> {
    let digits = text.len() <= SEQUENCE_DIGITS_MAX && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits && !text.is_empty()).then(|| text.parse().unwrap_or(i64::MAX))
}

fn parse_point((pointer, code): (&str, &'static str), text: &str) -> Result<AsOf, Problem> {
    // One spelling: it stands in addresses that others keep.
    let one_spelling = text.len() <= POSITION_DIGITS_MAX && (text == "0" || !text.starts_with('0'));
    if let Some(position) = sequence_of(text).filter(|_| one_spelling) {
        return Ok(AsOf::Position(position));
    }
    // A `+` of an offset that was not percent-encoded arrives as a space.
    Timestamp::parse(&text.replace(' ', "+")).map(AsOf::Instant).map_err(|_| {
        let why = Text::fixed(
            "Kirim posisi log (bilangan) atau waktu RFC 3339 dengan selisih waktu.",
            "Send a position of the log (a number) or an RFC 3339 instant with an offset.",
        );
        Refusal::parameter(pointer, code, why).into()
    })
}

/// Both clocks of a report.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReportParams {
    /// As recorded by then: a position of the log, or an RFC 3339 instant.
    #[deserr(default)]
    #[param(value_type = Option<Point>, inline, example = "2014-03-31T00:00:00+08:00")]
    pub as_of: Option<String>,
    /// As known then: as `as_of`, or a day, which means its end in East Kalimantan.
    #[deserr(default)]
    #[param(value_type = Option<KnownPoint>, inline, example = "2014-05-27")]
    pub diketahui_pada: Option<String>,
    /// As it was in the world at the end of this day.
    #[deserr(default)]
    #[param(inline, example = "2014-03-31")]
    pub per_tanggal: Option<Date>,
}

/// Reads `as_of` or `diketahui_pada`, whichever was sent.
///
/// # Errors
/// As [`read_point`]; also when both were sent.
pub async fn read_known(service: &Service, as_of: Option<&str>, known: Option<&str>) -> Result<Option<AsOf>, Problem> {
    let Some(known) = known else { return read_as_of(service, as_of).await };
    if as_of.is_some() {
        let why = Text::fixed(
            "Kirim `as_of` atau `diketahui_pada`, bukan keduanya: artinya sama.",
            "Send `as_of` or `diketahui_pada`, not both: they mean the same.",
        );
        return Err(Refusal::parameter("?diketahui_pada", "given_twice", why).into());
    }
    if let Ok(day) = Date::parse(known) {
        let last = Timestamp::from_micros(day.plus_days(1).start().micros() - 1);
        settle(service, "?diketahui_pada", last).await?;
        return Ok(Some(AsOf::Instant(last)));
    }
    read_point(service, ("?diketahui_pada", "invalid_as_of"), Some(known)).await
}

/// What a report is as of: the position of the log, and the day in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportPoint {
    /// What had been recorded up to here.
    pub position: i64,
    /// The day it was known on.
    pub known_on: Date,
    /// The day in the world, when one was asked for.
    pub per_tanggal: Option<Date>,
}

impl ReportPoint {
    /// The day the report looks at the world.
    pub fn day(self) -> Date {
        self.per_tanggal.unwrap_or(self.known_on)
    }
}

/// Finds the point; of today when nothing was asked.
///
/// # Errors
/// `invalid_parameter` when it has not come yet: the answer would change.
pub fn report_point(
    connection: &mut AnyConnection,
    known: Option<AsOf>,
    per_tanggal: Option<Date>,
    now: Timestamp,
) -> Result<ReportPoint, Problem> {
    let (position, known_on) = match known {
        // Today has not ended, yet nothing keeps it from being asked about: it is known as far as it went.
        Some(AsOf::Instant(instant)) if instant > now && instant.day() == now.day() => {
            (head_position(connection)?, now.day())
        }
        Some(known) => point_in_time(connection, known, now)?,
        None => (head_position(connection)?, now.day()),
    };
    if per_tanggal.is_some_and(|day| day > now.day()) {
        let why = Text::fixed(
            "Hari ini belum tiba; keadaannya belum ada.",
            "This day has not come yet; nothing can be said of it.",
        );
        return Err(Refusal::parameter("?per_tanggal", "not_yet", why).into());
    }
    Ok(ReportPoint { position, known_on, per_tanggal })
}

/// The position that `as_of` names, and the day it was then. A point that has not come yet is refused: its answer would change.
///
/// # Errors
/// `invalid_parameter`.
pub fn point_in_time(connection: &mut AnyConnection, as_of: AsOf, now: Timestamp) -> Result<(i64, Date), Problem> {
    let head = head_position(connection)?;
    match as_of {
        AsOf::Position(position) if position <= head => {
            let recorded = recorded_at(connection, position)?;
            Ok((position, recorded.unwrap_or_default().day()))
        }
        AsOf::Instant(instant) if instant <= now => Ok((position_at(connection, instant)?, instant.day())),
        _ => {
            let why = text!(
                "Titik ini belum ada: posisi terakhir log sekarang {head}. Tanggal ditulis dengan tanda hubung, misalnya 2014-05-10T00:00:00+08:00.",
                "This point does not exist yet: the last position of the log is {head} now. An instant is written with hyphens, such as 2014-05-10T00:00:00+08:00."
            );
            Err(Refusal::parameter("?as_of", "not_yet", why).into())
        }
    }
}
