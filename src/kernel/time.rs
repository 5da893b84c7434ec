//! Instants, days and the clock that tests control.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{Fault, Faults, Pointer, Text};

/// The office's time zone, Waktu Indonesia Tengah: what "day" means in every report. It has no summer time.
const WITA: Offset = Offset::constant(8);

/// How far ahead of our clock a sender's clock may be, in microseconds: five minutes.
const FUTURE_TOLERANCE_MICROS: i64 = 5 * 60 * 1_000_000;

/// The years an instant may lie in.
const YEAR_MIN: i16 = 1900;
const YEAR_MAX: i16 = 8999;
/// How a text of these years begins.
const YEARS: &str = "^(19|[2-8][0-9])[0-9]{2}-";
/// A month of these years.
const MONTHS: &str = "^(19|[2-8][0-9])[0-9]{2}-(0[1-9]|1[0-2])$";

/// An instant: microseconds since 1970-01-01 UTC. RFC 3339 with any offset in, UTC out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since 1970 UTC.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970 UTC.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with an offset.
    ///
    /// # Errors
    /// A sentence that tells what to send.
    pub fn parse(text: &str) -> Result<Self, Text> {
        let parsed = text.parse::<jiff::Timestamp>().ok();
        // Years of four digits only: everything stored must read back, and nothing here is older than the office.
        parsed
            .map(|instant| Self(instant.as_microsecond()))
            .filter(|instant| (YEAR_MIN..=YEAR_MAX).contains(&instant.day().year()))
            .ok_or_else(|| {
                Text::fixed(
                    "Tulis waktu menurut RFC 3339 dengan selisih waktu, misalnya 2014-02-24T08:00:00+08:00.",
                    "Write the instant as RFC 3339 with an offset, such as 2014-02-24T08:00:00+08:00.",
                )
            })
    }

    /// The day it is in East Kalimantan (WITA, UTC+8).
    pub fn day(self) -> Date {
        let instant = jiff::Timestamp::from_microsecond(self.0).unwrap_or_default();
        Date(WITA.to_datetime(instant).date())
    }

    /// Refuses an instant later than `now` by more than five minutes.
    ///
    /// # Errors
    /// A rule refusal pointing at `pointer`.
    pub fn require_past(self, now: Self, pointer: &str) -> Result<(), super::Refusal> {
        if self.0 <= now.0.saturating_add(FUTURE_TOLERANCE_MICROS) {
            return Ok(());
        }
        Err(future(pointer))
    }
}

fn future(pointer: &str) -> super::Refusal {
    super::Refusal::rule(
        pointer,
        "in_the_future",
        Text::fixed(
            "Waktu ini belum terjadi; kirim setelah peristiwanya terjadi atau perbaiki tanggalnya.",
            "This has not happened yet; send it after the event, or correct the date.",
        ),
    )
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", jiff::Timestamp::from_microsecond(self.0).unwrap_or_default())
    }
}

/// A calendar day, `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(jiff::civil::Date);

impl Date {
    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// A sentence that tells what to send.
    pub fn parse(text: &str) -> Result<Self, Text> {
        let shaped = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        text.parse::<jiff::civil::Date>()
            .ok()
            .filter(|day| shaped && (YEAR_MIN..=YEAR_MAX).contains(&day.year()))
            .map(Self)
            .ok_or_else(|| {
                Text::fixed(
                    "Tulis tanggal sebagai YYYY-MM-DD, misalnya 2014-02-24; tanggalnya harus ada dalam kalender.",
                    "Write the date as YYYY-MM-DD, such as 2014-02-24; it must be a day of the calendar.",
                )
            })
    }

    /// The month it is a day of.
    pub fn month(self) -> Month {
        Month(self.0.first_of_month())
    }

    /// The last day of its month.
    #[must_use]
    pub fn month_end(self) -> Self {
        Self(self.0.last_of_month())
    }

    /// Year, four digits.
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// The same day `years` later; 29 February becomes the 28th.
    #[must_use]
    pub fn plus_years(self, years: i32) -> Self {
        Self(self.0.saturating_add(jiff::Span::new().years(years)))
    }

    /// So many days later (or earlier).
    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(jiff::Span::new().days(days)))
    }

    /// Whether it lies between two days, both included; where one is not known, nothing bounds it on that side.
    pub fn is_within(self, from: Option<Self>, until: Option<Self>) -> bool {
        from.is_none_or(|from| from <= self) && until.is_none_or(|until| self <= until)
    }

    /// Days from this one to `later`; negative when `later` is earlier.
    pub fn days_until(self, later: Self) -> i32 {
        self.0.until(later.0).map(|span| span.get_days()).unwrap_or_default()
    }

    /// The instant this day begins in East Kalimantan.
    pub fn start(self) -> Timestamp {
        let start = WITA.to_timestamp(self.0.to_datetime(jiff::civil::Time::midnight()));
        Timestamp(start.map(jiff::Timestamp::as_microsecond).unwrap_or_default())
    }

    /// Refuses a day after the one it is now in East Kalimantan.
    ///
    /// # Errors
    /// A rule refusal pointing at `pointer`.
    pub fn require_past(self, now: Timestamp, pointer: &str) -> Result<(), super::Refusal> {
        if self <= now.day() { Ok(()) } else { Err(future(pointer)) }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A month of the calendar, `YYYY-MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(jiff::civil::Date);

impl Month {
    /// Reads `YYYY-MM`.
    ///
    /// # Errors
    /// A sentence that tells what to send.
    pub fn parse(text: &str) -> Result<Self, Text> {
        Date::parse(&format!("{text}-01")).map(Date::month).map_err(|_| {
            Text::fixed(
                "Tulis bulan sebagai YYYY-MM, misalnya 2014-03.",
                "Write the month as YYYY-MM, such as 2014-03.",
            )
        })
    }

    /// Its first day.
    pub fn first_day(self) -> Date {
        Date(self.0)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

macro_rules! as_text {
    ($type:ident, $fault:literal, $format:expr, $pattern:expr, $longest:literal, $example:literal, $about:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(|why| serde::de::Error::custom(why.en))
            }
        }
        impl Deserr<Faults> for $type {
            fn deserialize_from_value<V: IntoValue>(value: Value<V>, at: ValuePointerRef) -> Result<Self, Faults> {
                let text = match value {
                    Value::String(text) => text,
                    _ => String::new(),
                };
                Self::parse(&text).map_err(|why| Faults(vec![Fault::new(Pointer::of(at), $fault, why)]))
            }
        }
        impl PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .format(Some($format))
                    .description(Some($about))
                    .pattern(Some($pattern))
                    .max_length(Some($longest))
                    .examples([$example])
                    .into()
            }
        }
        impl ToSchema for $type {}
    };
}
as_text!(
    Timestamp,
    "invalid_instant",
    SchemaFormat::KnownFormat(KnownFormat::DateTime),
    YEARS,
    40,
    "2014-02-24T00:00:00Z",
    "RFC 3339 with an offset; answered in UTC."
);
as_text!(
    Date,
    "invalid_date",
    SchemaFormat::KnownFormat(KnownFormat::Date),
    YEARS,
    10,
    "2014-02-24",
    "A day, YYYY-MM-DD."
);
as_text!(Month, "invalid_month", SchemaFormat::Custom("month".to_owned()), MONTHS, 7, "2014-03", "A month, YYYY-MM.");

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is set: for tests and for the demonstration data.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `instant`.
    pub fn set_to(instant: Timestamp) -> Self {
        Self::Set(Arc::new(AtomicI64::new(instant.micros())))
    }

    /// Moves a clock that is set; the machine's clock is not touched.
    pub fn move_to(&self, instant: Timestamp) {
        if let Self::Set(micros) = self {
            micros.store(instant.micros(), Ordering::SeqCst);
        }
    }

    /// Whether it stands still, so that nothing comes of waiting.
    pub const fn stands(&self) -> bool {
        matches!(self, Self::Set(_))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp(jiff::Timestamp::now().as_microsecond()),
            Self::Set(micros) => Timestamp(micros.load(Ordering::SeqCst)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_shown_in_utc_and_belongs_to_the_day_in_east_kalimantan() {
        let late = Timestamp::parse("2014-02-24T23:30:00+07:00").unwrap();
        assert_eq!(late.to_string(), "2014-02-24T16:30:00Z");
        assert_eq!(late.day().to_string(), "2014-02-25");
        assert_eq!(late.day().start().to_string(), "2014-02-24T16:00:00Z");
    }

    #[test]
    fn an_instant_without_an_offset_and_a_day_outside_the_calendar_are_refused() {
        assert!(Timestamp::parse("2014-02-24T08:00:00").is_err());
        for text in ["1066-10-14", "2014-02-30", "0000-00-00", "20140224", "2014-2-4", "24-02-2014"] {
            assert!(Date::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn five_minutes_ahead_is_forgiven_and_more_is_not() {
        let now = Timestamp::parse("2014-02-24T08:00:00+08:00").unwrap();
        assert!(Timestamp::parse("2014-02-24T08:05:00+08:00").unwrap().require_past(now, "/x").is_ok());
        assert!(Timestamp::parse("2014-02-24T08:05:01+08:00").unwrap().require_past(now, "/x").is_err());
    }

    proptest::proptest! {
        #[test]
        fn what_is_accepted_reads_back(text in r"-?[0-9]{1,6}-[01][0-9]-[0-3][0-9]T[012][0-9]:[0-5][0-9]:[0-5][0-9](Z|[+-][012][0-9]:00)") {
            if let Ok(instant) = Timestamp::parse(&text) {
                proptest::prop_assert_eq!(Timestamp::parse(&instant.to_string()), Ok(instant));
                proptest::prop_assert_eq!(Date::parse(&instant.day().to_string()), Ok(instant.day()));
            }
        }
    }

    #[test]
    fn years_are_added_by_the_calendar() {
        assert_eq!(Date::parse("2012-02-29").unwrap().plus_years(3).to_string(), "2015-02-28");
        assert_eq!(Date::parse("2014-02-17").unwrap().days_until(Date::parse("2014-05-27").unwrap()), 99);
    }
}
