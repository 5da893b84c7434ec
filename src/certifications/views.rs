//! The table of certifications, its list, and verification by number.

use deserr::Deserr;
use diesel::prelude::*;
use utoipa::IntoParams;

use super::coverage::Counted;
use super::state::{Certification, CertificationState};
use crate::cooperatives::{CERTIFICATE_STANDING, MANAGED_BY, WORKING_KSP};
use crate::kernel::{Date, Faults, Id, Number, OneOf, Region, Scope, Whole};
use crate::ledger::{ColumnType, Table};
use crate::storage::{AnyConnection, DocRow, Keyset, ReadError, facts};
use crate::web::Stored;

diesel::table! {
    certifications (id) {
        id -> Text,
        version -> BigInt,
        position -> BigInt,
        manager -> Text,
        region -> Text,
        certifier -> Text,
        scheme -> Text,
        state -> Text,
        certificate_number -> Nullable<Text>,
        valid_until -> Nullable<Text>,
        doc -> Text,
    }
}
diesel::allow_tables_to_appear_in_same_query!(certifications, facts);

/// The measure of facts "this manager (subject), in a manager role, was issued a certificate".
pub const CERTIFIED_MANAGERS: &str = "certified_managers";

/// Columns beside id, version, position and doc.
pub const TABLE: Table = Table {
    name: "certifications",
    columns: &[
        ("manager", ColumnType::Text),
        ("region", ColumnType::Text),
        ("certifier", ColumnType::Text),
        ("scheme", ColumnType::Text),
        ("state", ColumnType::Text),
        ("certificate_number", ColumnType::Text),
        ("valid_until", ColumnType::Text),
    ],
};

impl Stored for Certification {
    fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<DocRow>, ReadError> {
        Ok(crate::find_row!(certifications, connection, id)?)
    }
}

/// What certifications are listed by.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CertificationFilter {
    /// Whose.
    #[deserr(default)]
    #[param(inline)]
    pub manager: Option<Id>,
    /// Where the manager is registered.
    #[deserr(default)]
    #[param(inline, example = "64.72")]
    pub region: Option<Region>,
    /// The certifier.
    #[deserr(default)]
    #[param(inline)]
    pub certifier: Option<Id>,
    /// Where they stand; `expired` means certificates whose time is over today.
    #[deserr(default)]
    #[param(inline)]
    pub state: Option<CertificationState>,
    /// Certificates that held, or will hold, on this day, whatever has become of them since.
    #[deserr(default)]
    #[param(inline, example = "2014-05-27")]
    pub valid_on: Option<Date>,
}

/// The certifications a scope reaches, within a region if one is named.
macro_rules! scoped {
    ($scope:expr, $region:expr) => {{
        let mut query = certifications::table
            .select((certifications::id, certifications::version, certifications::position, certifications::doc))
            .into_boxed();
        query =
            $crate::within!(query, $scope, certifications::region, |certifier| certifications::certifier.eq(certifier));
        if let Some(region) = $region.filter(|region: &Region| !region.is_province()) {
            query = query.filter(certifications::region.eq(region.code()));
        }
        query
    }};
}

diesel::alias!(facts as working: Working, facts as appointments: Appointments, facts as certificates: Certificates);

/// The facts of a measure that held on a day, as known at a position.
macro_rules! held {
    ($facts:ident, $measure:expr, $day:expr, $position:expr) => {
        $facts
            .filter($facts.field(facts::measure).eq($measure))
            .filter($facts.field(facts::occurred_on).le($day.to_string()))
            .filter($facts.field(facts::value).ge($day.to_string()))
            .filter($facts.field(facts::from_position).le($position))
            .filter($facts.field(facts::until_position).is_null().or($facts.field(facts::until_position).gt($position)))
    };
}

/// A page of the certifications a scope reaches.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    connection: &mut AnyConnection,
    scope: Scope,
    filter: &CertificationFilter,
    today: Date,
    keyset: &Keyset,
) -> Result<Vec<DocRow>, ReadError> {
    let mut query = scoped!(scope, filter.region);
    if let Some(manager) = filter.manager {
        query = query.filter(certifications::manager.eq(manager.0.to_string()));
    }
    if let Some(certifier) = filter.certifier {
        query = query.filter(certifications::certifier.eq(certifier.0.to_string()));
    }
    let holds = [CertificationState::Certified, CertificationState::Suspended].map(OneOf::word);
    match filter.state {
        None => {}
        Some(CertificationState::Expired) => {
            query = query
                .filter(certifications::state.eq(holds[0]).or(certifications::state.eq(holds[1])))
                .filter(certifications::valid_until.lt(today.to_string()));
        }
        Some(state) => {
            query = query.filter(certifications::state.eq(state.word()));
            if holds.contains(&state.word()) {
                query = query.filter(certifications::valid_until.ge(today.to_string()));
            }
        }
    }
    if let Some(day) = filter.valid_on {
        // As known now: what was withdrawn at whatever position is not known any more.
        let standing = held!(certificates, CERTIFICATE_STANDING, day, i64::MAX);
        query = query.filter(certifications::id.eq_any(standing.select(certificates.field(facts::resource))));
    }
    Ok(crate::keyset!(query, certifications, keyset).load(connection)?)
}

/// The certifications that hold a certificate of this number: one per certifier at most.
///
/// # Errors
/// When the database cannot be read.
pub fn by_certificate_number(connection: &mut AnyConnection, number: &Number) -> Result<Vec<Certification>, ReadError> {
    let docs: Vec<String> = certifications::table
        .filter(certifications::certificate_number.eq(number.normalised()))
        .order(certifications::id)
        .select(certifications::doc)
        .load(connection)?;
    docs.iter().map(|doc| Ok(serde_json::from_str(doc)?)).collect()
}

/// Which certificates are about to lapse.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExpiringFilter {
    /// Within so many days after today, 0 to 3,660; 90 when left out.
    #[deserr(default)]
    #[param(inline, example = 90)]
    pub within_days: Option<Whole<0, 3660>>,
    /// Where the manager is registered.
    #[deserr(default)]
    #[param(inline, example = "64.72")]
    pub region: Option<Region>,
}

/// A page of the certificates that hold on `first` and whose last day lies between `first` and `last`; renewed ones are not among them.
///
/// # Errors
/// When the database cannot be read.
pub fn expiring(
    connection: &mut AnyConnection,
    scope: Scope,
    region: Option<Region>,
    (first, last): (Date, Date),
    keyset: &Keyset,
) -> Result<Vec<DocRow>, ReadError> {
    let query = scoped!(scope, region)
        .filter(certifications::state.eq(CertificationState::Certified.word()))
        .filter(certifications::valid_until.between(first.to_string(), last.to_string()));
    Ok(crate::keyset!(query, certifications, keyset).load(connection)?)
}

/// Savings-and-loan cooperatives that worked on a day by region, and those of them that had a manager with a certificate that held.
///
/// # Errors
/// When the database cannot be read.
pub fn coverage(connection: &mut AnyConnection, day: Date, position: i64) -> Result<Counted, ReadError> {
    use diesel::dsl::count;
    let region = working.field(facts::region);
    let counted = || (region, count(working.field(facts::subject)).aggregate_distinct());
    let total = held!(working, WORKING_KSP, day, position).group_by(region).select(counted()).load(connection)?;
    let certified = held!(certificates, CERTIFICATE_STANDING, day, position);
    let managed = held!(appointments, MANAGED_BY, day, position)
        .filter(appointments.field(facts::resource).eq_any(certified.select(certificates.field(facts::subject))));
    let covered = held!(working, WORKING_KSP, day, position)
        .filter(working.field(facts::subject).eq_any(managed.select(appointments.field(facts::subject))))
        .group_by(region)
        .select(counted())
        .load(connection)?;
    Ok(Counted { total, covered })
}
