//! Keyset pages: a page costs the same however deep it lies, and stays right while others write. And the rows a scope reaches.

use crate::kernel::Scope;

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By id, which for `UUIDv7` is the order of creation.
    Id,
    /// By the position of the last event, oldest first.
    Updated,
    /// By the position of the last event, newest first.
    UpdatedDescending,
    /// By name.
    Name,
    /// By name, from the end.
    NameDescending,
}

/// Where a page begins and how long it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyset {
    /// The order.
    pub sort: Sort,
    /// Sort key and id of the last row already seen.
    pub after: Option<(String, String)>,
    /// Rows to read: one more than the page shows, to know whether there is a next.
    pub limit: i64,
}

impl Keyset {
    /// The position in the key of the last row seen.
    pub fn after_position(&self) -> Option<i64> {
        self.after.as_ref().and_then(|(key, _)| key.parse().ok())
    }
}

/// Adds order, start and limit to a boxed query on a resource table. With `by name`, the table has a `name_folded` column too.
#[macro_export]
macro_rules! keyset {
    ($query:expr, $table:ident, $keyset:expr) => {{
        let (query, keyset) = ($query, $keyset);
        let query = match keyset.sort {
            $crate::storage::Sort::Updated => match keyset.after_position() {
                Some(position) => query.filter($table::position.gt(position)),
                None => query,
            }
            .order($table::position.asc()),
            $crate::storage::Sort::UpdatedDescending => match keyset.after_position() {
                Some(position) => query.filter($table::position.lt(position)),
                None => query,
            }
            .order($table::position.desc()),
            _ => match &keyset.after {
                Some((_, id)) => query.filter($table::id.gt(id)),
                None => query,
            }
            .order($table::id.asc()),
        };
        query.limit(keyset.limit)
    }};
    ($query:expr, $table:ident, $keyset:expr, by name) => {{
        let (query, keyset) = ($query, $keyset);
        let name = $table::name_folded;
        match (keyset.sort, &keyset.after) {
            ($crate::storage::Sort::Name, None) => query.order((name.asc(), $table::id.asc())).limit(keyset.limit),
            ($crate::storage::Sort::Name, Some((key, id))) => query
                .filter(name.gt(key).or(name.eq(key).and($table::id.gt(id))))
                .order((name.asc(), $table::id.asc()))
                .limit(keyset.limit),
            ($crate::storage::Sort::NameDescending, None) => {
                query.order((name.desc(), $table::id.desc())).limit(keyset.limit)
            }
            ($crate::storage::Sort::NameDescending, Some((key, id))) => query
                .filter(name.lt(key).or(name.eq(key).and($table::id.lt(id))))
                .order((name.desc(), $table::id.desc()))
                .limit(keyset.limit),
            _ => $crate::keyset!(query, $table, keyset),
        }
    }};
}

/// Narrows a boxed query to the rows a scope reaches: a region's by their column, an organisation's by whatever makes them its own. This is how
/// a right becomes a filter; where records belong to no organisation, leave the last part out.
#[macro_export]
macro_rules! within {
    ($query:expr, $scope:expr, $region:expr) => {
        // Never true.
        $crate::within!($query, $scope, $region, |_| $region.ne($region))
    };
    ($query:expr, $scope:expr, $region:expr, |$organisation:pat_param| $own:expr) => {{
        let query = $query;
        match $scope {
            $crate::kernel::Scope::All => query,
            $crate::kernel::Scope::Region(region) if region.is_province() => query,
            $crate::kernel::Scope::Region(region) => query.filter($region.eq(region.code())),
            $crate::kernel::Scope::Organisation(organisation) => {
                let $organisation = organisation.to_string();
                query.filter($own)
            }
            $crate::kernel::Scope::Nothing => query.filter($region.ne($region)),
        }
    }};
}

/// As `within!`, as a condition of a query in text. Codes and ids need no escaping.
pub fn within_text(scope: Scope, region: &str, organisation: &str) -> String {
    match scope {
        Scope::All => "1 = 1".to_owned(),
        Scope::Region(own) if own.is_province() => "1 = 1".to_owned(),
        Scope::Region(own) => format!("{region} = '{}'", own.code()),
        Scope::Organisation(own) => format!("{organisation} = '{own}'"),
        Scope::Nothing => "1 = 0".to_owned(),
    }
}

/// Looks a resource up by its id.
#[macro_export]
macro_rules! find_row {
    ($table:ident, $connection:expr, $id:expr) => {{
        use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};
        let query = $table::table.filter($table::id.eq($id)).select((
            $table::id,
            $table::version,
            $table::position,
            $table::doc,
        ));
        // Run on the database itself, the query is put together once; on the enumeration of both it would be each time.
        match $connection {
            $crate::storage::AnyConnection::Sqlite(sqlite) => query.get_result::<$crate::storage::DocRow>(sqlite),
            $crate::storage::AnyConnection::Postgres(postgres) => query.get_result::<$crate::storage::DocRow>(postgres),
        }
        .optional()
    }};
}
