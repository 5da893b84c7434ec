//! Lists: one page, an opaque cursor that cannot be forged or carried to other filters, and the position it was read at.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use data_encoding::BASE64URL_NOPAD;
use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::params::{key_first, pairs, read_pairs};
use super::personal::record_looks;
use super::problem::Problem;
use super::reply::private;
use super::service::Service;
use super::show::{Present, Viewer};
use crate::kernel::problem_codes::{INVALID_CURSOR, INVALID_PARAMETER};
use crate::kernel::{Actor, Faults, Refusal, Scope, Text, Whole};
use crate::storage::{AnyConnection, DocRow, Keyset, ReadError, Sort, head_position};

/// Rows of a page when nothing is said, and how many there may be.
const LIMIT_DEFAULT: i64 = 50;
type Limit = Whole<1, 500>;
/// Bytes of the keyed hash that guards a cursor.
const GUARD_BYTES: usize = 16;

/// The parameters every list takes, beside its own filters.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; they are read in `Page::from_request`")]
pub struct PageParams {
    /// Rows of the page, 1 to 500; 50 when nothing is said.
    #[param(inline, example = 50)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    #[param(max_length = 1500, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
}

/// The order of a list of documents.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameter; it is read in `Page::from_request`")]
pub struct SortParams {
    /// `id`, the default; `updated`, longest unchanged first; `-updated`, last changed first.
    #[param(example = "-updated", max_length = 8, pattern = "^(id|-?updated)$")]
    sort: Option<String>,
}

/// The order of a list of documents that have names.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameter; it is read in `Page::from_request`")]
pub struct NamedSortParams {
    /// `id`, the default; `updated`, longest unchanged first; `-updated`, last changed first; `name`, `-name`.
    #[param(example = "name", max_length = 8, pattern = "^(id|-?updated|-?name)$")]
    sort: Option<String>,
}

/// No parameters: a list without filters of its own, and whatever else is asked for without any.
#[derive(Debug, Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct NoFilter {}

/// A list's own filters of type `F`, with the page that is asked for.
pub struct Page<F> {
    /// The filters.
    pub filter: F,
    keyset: Keyset,
    limit: usize,
    /// Path and every parameter but the cursor: what a cursor is bound to.
    bound_to: String,
}

/// A page of documents.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Send it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
    /// The log position this page was read at.
    pub as_of_position: i64,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    key: String,
    id: String,
}

impl<F: Deserr<Faults>> FromRequest for Page<F> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request).map_err(|problem| key_first(request, problem)))
    }
}

fn read<F: Deserr<Faults>>(request: &HttpRequest) -> Result<Page<F>, Problem> {
    let mut own = Vec::new();
    let mut faults = Faults::default();
    let (mut limit, mut cursor, mut sort) = (None, None, None);
    for (name, value) in pairs(request)? {
        let common = match name.as_str() {
            "limit" => &mut limit,
            "cursor" => &mut cursor,
            "sort" => &mut sort,
            _ => {
                own.push((name, value));
                continue;
            }
        };
        if common.replace(value).is_some() {
            let why = text!("Kirim `{name}` sekali saja.", "Send `{name}` once only.");
            faults.add(format!("?{name}"), "repeated_parameter", why);
        }
    }
    let limit = faults.check(read_limit(limit.as_deref())).unwrap_or(LIMIT_DEFAULT);
    let order = faults.check(read_sort(sort.as_deref())).unwrap_or(Sort::Id);
    let filter = match read_pairs(own.clone()) {
        Ok(filter) if faults.0.is_empty() => filter,
        Ok(_) => return Err(Refusal::faults(&INVALID_PARAMETER, faults).into()),
        Err(Problem(refusal)) => {
            faults.0.extend(refusal.faults);
            return Err(Refusal::faults(&INVALID_PARAMETER, faults).into());
        }
    };
    own.sort();
    let bound_to = format!("{}\n{}\n{own:?}", request.path(), sort.unwrap_or_default());
    let after = match (cursor, request.app_data::<web::Data<Service>>()) {
        (Some(cursor), Some(service)) => Some(open_cursor(service, &cursor, &bound_to)?),
        _ => None,
    };
    let keyset = Keyset { sort: order, after, limit: limit + 1 };
    Ok(Page { filter, keyset, limit: usize::try_from(limit).unwrap_or(1), bound_to })
}

fn invalid(pointer: &str, why: Text) -> Refusal {
    Refusal::parameter(pointer, "invalid_value", why)
}

fn read_limit(text: Option<&str>) -> Result<i64, Refusal> {
    let Some(text) = text else {
        return Ok(LIMIT_DEFAULT);
    };
    Limit::parse(text).map(|limit| limit.0).map_err(|why| invalid("?limit", why))
}

fn read_sort(text: Option<&str>) -> Result<Sort, Refusal> {
    match text {
        None | Some("id") => Ok(Sort::Id),
        Some("updated") => Ok(Sort::Updated),
        Some("-updated") => Ok(Sort::UpdatedDescending),
        Some("name") => Ok(Sort::Name),
        Some("-name") => Ok(Sort::NameDescending),
        Some(_) => {
            let why = Text::fixed(
                "Pilih: id, updated, -updated, name, -name.",
                "Choose one of: id, updated, -updated, name, -name.",
            );
            Err(invalid("?sort", why))
        }
    }
}

fn guard(service: &Service, payload: &[u8], bound_to: &str) -> [u8; GUARD_BYTES] {
    let hash = service.vault.keyed_hash("cursor", &[payload, bound_to.as_bytes()]);
    let mut short = [0; GUARD_BYTES];
    short.copy_from_slice(&hash[..GUARD_BYTES]);
    short
}

fn seal_cursor(service: &Service, cursor: &Cursor, bound_to: &str) -> String {
    let payload = serde_json::to_vec(cursor).unwrap_or_default();
    let guard = guard(service, &payload, bound_to);
    BASE64URL_NOPAD.encode(&[guard.as_slice(), &payload].concat())
}

fn open_cursor(service: &Service, text: &str, bound_to: &str) -> Result<(String, String), Problem> {
    let open = || {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (sent, payload) = bytes.split_first_chunk::<GUARD_BYTES>()?;
        (*sent == guard(service, payload, bound_to)).then_some(())?;
        serde_json::from_slice::<Cursor>(payload).ok()
    };
    open().map(|cursor| (cursor.key, cursor.id)).ok_or_else(|| Problem::of(&INVALID_CURSOR))
}

/// Refuses an order by name where there are no names.
fn require_sortable<R: Present>(sort: Sort) -> Result<(), Problem> {
    let by_name = matches!(sort, Sort::Name | Sort::NameDescending);
    if by_name && !R::TABLE.columns.iter().any(|(column, _)| *column == "name_folded") {
        let why = Text::fixed(
            "Daftar ini diurutkan menurut: id, updated, -updated.",
            "This list is sorted by: id, updated, -updated.",
        );
        return Err(invalid("?sort", why).into());
    }
    Ok(())
}

/// Answers a list: `query` reads the rows of the keyset that the scope admits.
///
/// # Errors
/// `forbidden` when the caller may read nothing in the area.
pub async fn listing<R, F, Q>(
    request: &HttpRequest,
    caller: Caller,
    page: Page<F>,
    query: Q,
) -> Result<HttpResponse, Problem>
where
    R: Present,
    F: Send + 'static,
    Q: FnOnce(&mut AnyConnection, &Actor, Scope, &F, &Keyset) -> Result<Vec<DocRow>, ReadError> + Send + 'static,
{
    let (actor, scope) = caller.reads(R::AREA)?;
    let service = caller.service.clone();
    let viewer = Viewer::new(Some(actor.clone()), service.vault.clone(), service.clock.now().day(), false);
    let Page { filter, keyset, limit, bound_to } = page;
    let sort = keyset.sort;
    require_sortable::<R>(sort)?;
    let read = service.read(move |connection| {
        let rows = query(connection, &actor, scope, &filter, &keyset)?;
        let (rows, last) = cut(rows, limit);
        let docs = R::present(&viewer, connection, rows.into_iter().map(|row| row.doc).collect())?;
        Ok((docs, last, head_position(connection)?, viewer.seen()))
    });
    let (docs, last, as_of_position, seen) = read.await?;
    let shows_persons = !seen.is_empty();
    record_looks(&caller, seen).await?;
    let reply = page_reply(request, &service, &docs, last.map(|row| cursor_at(sort, &row)), &bound_to, as_of_position);
    Ok(if shows_persons { private(reply) } else { reply })
}

/// Answers a list that anyone may see as it is stored.
///
/// # Errors
/// When the database cannot be read.
pub async fn listing_for_all<R, F, Q>(
    request: &HttpRequest,
    service: &Service,
    page: Page<F>,
    query: Q,
) -> Result<HttpResponse, Problem>
where
    R: Present,
    F: Send + 'static,
    Q: FnOnce(&mut AnyConnection, &Keyset) -> Result<Vec<DocRow>, ReadError> + Send + 'static,
{
    let Page { keyset, limit, bound_to, .. } = page;
    let sort = keyset.sort;
    require_sortable::<R>(sort)?;
    let read = service.read(move |connection| {
        let (rows, last) = cut(query(connection, &keyset)?, limit);
        Ok((rows.into_iter().map(|row| row.doc).collect::<Vec<_>>(), last, head_position(connection)?))
    });
    let (docs, last, as_of_position) = read.await?;
    Ok(page_reply(request, service, &docs, last.map(|row| cursor_at(sort, &row)), &bound_to, as_of_position))
}

/// A page whose rows are no stored documents: what it shows, and where the next one begins.
pub struct MadePage {
    /// The rows, as JSON.
    pub docs: Vec<String>,
    /// Sort key and second key of the last row, when there are more.
    pub last: Option<(String, String)>,
    /// The log position it was read at.
    pub as_of_position: i64,
}

/// Answers a list whose rows are made by the query.
///
/// # Errors
/// What the query fails with.
pub async fn made_page<F, Q>(
    request: &HttpRequest,
    service: &Service,
    page: Page<F>,
    query: Q,
) -> Result<HttpResponse, Problem>
where
    F: Send + 'static,
    Q: FnOnce(&mut AnyConnection, &F, &Keyset) -> Result<MadePage, Problem> + Send + 'static,
{
    let Page { filter, keyset, bound_to, .. } = page;
    if keyset.sort != Sort::Id {
        let why = Text::fixed("Daftar ini hanya punya satu urutan.", "This list has one order only.");
        return Err(invalid("?sort", why).into());
    }
    let made = service.read(move |connection| query(connection, &filter, &keyset)).await?;
    let next = made.last.map(|(key, id)| Cursor { key, id });
    Ok(page_reply(request, service, &made.docs, next, &bound_to, made.as_of_position))
}

/// The rows of the page, and the last of them when there are more.
fn cut(mut rows: Vec<DocRow>, limit: usize) -> (Vec<DocRow>, Option<DocRow>) {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more).cloned();
    (rows, last)
}

fn cursor_at(sort: Sort, row: &DocRow) -> Cursor {
    let key = match sort {
        Sort::Id => String::new(),
        Sort::Updated | Sort::UpdatedDescending => row.position.to_string(),
        Sort::Name | Sort::NameDescending => folded_name(&row.doc),
    };
    Cursor { key, id: row.id.clone() }
}

fn page_reply(
    request: &HttpRequest,
    service: &Service,
    docs: &[String],
    next: Option<Cursor>,
    bound_to: &str,
    as_of_position: i64,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    let next = next.map(|cursor| seal_cursor(service, &cursor, bound_to));
    if let Some(cursor) = &next {
        response.insert_header((header::LINK, format!("<{}>; rel=\"next\"", next_address(request, cursor))));
    }
    let next = next.map_or_else(|| "null".to_owned(), |cursor| format!("\"{cursor}\""));
    let body = format!("{{\"data\":[{}],\"next_cursor\":{next},\"as_of_position\":{as_of_position}}}", docs.join(","));
    response.content_type("application/json").body(body)
}

/// The name as the `name_folded` column holds it.
fn folded_name(doc: &str) -> String {
    let doc: serde_json::Value = serde_json::from_str(doc).unwrap_or_default();
    doc["name"].as_str().unwrap_or_default().to_lowercase()
}

fn next_address(request: &HttpRequest, cursor: &str) -> String {
    let kept = request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let pairs: Vec<String> = kept.map(str::to_owned).chain([format!("cursor={cursor}")]).collect();
    format!("{}?{}", request.path(), pairs.join("&"))
}
