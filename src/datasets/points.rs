//! The two points in time that a file is of: what is known, and the day in the world.

use std::fmt;

use super::content::Name;
use crate::kernel::{Date, Refusal};
use crate::statistics::not_month_end;
use crate::storage::AnyConnection;
use crate::web::{Problem, ReportParams, Service, point_in_time, read_known, report_point};

/// What a file is as of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Points {
    /// What had been recorded up to here is known.
    pub position: i64,
    /// The end of this day in the world; nothing when everything known counts.
    pub per_tanggal: Option<Date>,
}

impl Points {
    /// Finds the points that are asked for.
    ///
    /// # Errors
    /// `invalid_parameter`: a point that has not come yet, above all; its answer would change.
    pub(super) async fn find(service: &Service, asked: &ReportParams) -> Result<Self, Problem> {
        let known = read_known(service, asked.as_of.as_deref(), asked.diketahui_pada.as_deref()).await?;
        // Unlike `diketahui_pada`, which may be today, `as_of` names the same bytes for ever.
        let (for_ever, per_tanggal) = (known.filter(|_| asked.as_of.is_some()), asked.per_tanggal);
        let now = service.clock.now();
        let read = move |connection: &mut AnyConnection| {
            if let Some(as_of) = for_ever {
                point_in_time(connection, as_of, now)?;
            }
            let point = report_point(connection, known, per_tanggal, now)?;
            Ok(Self { position: point.position, per_tanggal: point.per_tanggal })
        };
        service.read(read).await
    }

    /// How the log of the service names them.
    pub(super) fn logged(self) -> String {
        let day = self.per_tanggal.map_or_else(String::new, |day| format!(" per_tanggal={day}"));
        format!("position={}{day}", self.position)
    }

    /// The parameters that name exactly these points.
    pub(super) fn query(self) -> String {
        let day = self.per_tanggal.map_or_else(String::new, |day| format!("&per_tanggal={day}"));
        format!("as_of={}{day}", self.position)
    }
}

/// How names of files and versions end.
impl fmt::Display for Points {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.position)?;
        self.per_tanggal.map_or(Ok(()), |day| write!(formatter, "-per-{day}"))
    }
}

/// Refuses a day that a dataset cannot be told of.
///
/// # Errors
/// `invalid_parameter`: figures that are added up by month, of a day that is not the last of one.
pub(super) fn require_tellable(name: Name, per_tanggal: Option<Date>) -> Result<(), Refusal> {
    match per_tanggal.filter(|_| name == Name::Statistics).and_then(not_month_end) {
        Some(why) => Err(Refusal::parameter("?per_tanggal", "not_the_end_of_a_month", why)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_points_are_in_the_name_and_in_the_address() {
        let march = Date::parse("2014-03-31").ok();
        let points = Points { position: 812, per_tanggal: march };
        assert_eq!(points.to_string(), "812-per-2014-03-31");
        assert_eq!(points.query(), "as_of=812&per_tanggal=2014-03-31");
        let points = Points { position: 812, per_tanggal: None };
        assert_eq!((points.to_string(), points.query()), ("812".to_owned(), "as_of=812".to_owned()));
    }

    #[test]
    fn only_sums_by_month_ask_for_the_end_of_one() {
        let day = Date::parse("2014-03-30").ok();
        assert!(require_tellable(Name::Statistics, day).is_err());
        assert!(require_tellable(Name::Statistics, Date::parse("2014-03-31").ok()).is_ok());
        assert!(require_tellable(Name::Assessments, day).is_ok() && require_tellable(Name::Statistics, None).is_ok());
    }
}
