//! Addresses of datasets. The catalogue and its pages are for anyone; files go by the rights of whoever asks.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get, web};
use data_encoding::BASE64;
use deserr::Deserr;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::content::{Name, Reach};
use super::describe::{Of, catalogue, data_package, page};
use super::format::Format;
use super::making::{Failure, Order};
use super::points::{Points, require_tellable};
use super::registry::{Dataset, registry};
use super::shelf::Shelf;
use super::spool::Spooled;
use crate::kernel::problem_codes::{INTERNAL, NOT_FOUND, OVERLOADED, UNAVAILABLE};
use crate::kernel::{Date, Faults, Refusal, Text};
use crate::storage::recorded_at;
use crate::web::{
    Caller, FileReply, KnownPoint, NoFilter, Params, Point, Problem, ReportParams, Service, constant_reply, file_reply,
    json_reply, own_address,
};

/// How long a request waits for its file to be made.
const WAIT: Duration = Duration::from_mins(2);

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_datasets).service(get_dataset).service(get_dataset_package).service(get_dataset_data);
}

/// How a dataset is asked for.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DataParams {
    /// `csv` when nothing is said.
    #[deserr(default)]
    #[param(inline, example = "parquet")]
    format: Option<Format>,
    /// As recorded by then: a position of the log, or an RFC 3339 instant. The same request yields the same bytes. When left out, as of now.
    #[deserr(default)]
    #[param(value_type = Option<Point>, inline, example = "2014-03-31T00:00:00+08:00")]
    as_of: Option<String>,
    /// As known then: as `as_of`, or a day, which means its end in East Kalimantan; of today, as far as it went.
    #[deserr(default)]
    #[param(value_type = Option<KnownPoint>, inline, example = "2014-05-27")]
    diketahui_pada: Option<String>,
    /// As it was in the world at the end of this day; of `statistics` the last of a month. The dataset's page says what it means there.
    #[deserr(default)]
    #[param(inline, example = "2014-03-31")]
    per_tanggal: Option<Date>,
}

fn known(name: &str) -> Result<(Name, &'static Dataset), Problem> {
    let found = Name::parse(name).zip(registry().dataset(name));
    found.ok_or_else(|| {
        let names: Vec<_> = registry().catalogue.dataset.iter().map(|dataset| dataset.name.as_str()).collect();
        let names = names.join(", ");
        Refusal::new(&NOT_FOUND, text!("Dataset yang ada: {names}.", "The datasets are: {names}.")).into()
    })
}

/// List datasets
///
/// The catalogue in DCAT 3 (JSON-LD), with the properties DCAT-AP asks for. With `as_of`, `diketahui_pada` or `per_tanggal` its distributions are
/// the files of these points, and datasets that cannot be told of such a day are left out.
#[utoipa::path(tag = "datasets", security(()), params(ReportParams),
    responses((status = 200, description = "The catalogue", content_type = "application/ld+json", body = serde_json::Value)))]
#[get("/datasets")]
async fn list_datasets(
    request: HttpRequest,
    service: web::Data<Service>,
    params: Params<ReportParams>,
) -> Result<HttpResponse, Problem> {
    let asked = params.0;
    let points = Points::find(&service, &asked).await?;
    let found = service.read(move |connection| {
        let recorded = recorded_at(connection, 1)?.zip(recorded_at(connection, points.position)?);
        let pinned = asked.as_of.is_some() || asked.diketahui_pada.is_some() || asked.per_tanggal.is_some();
        Ok((recorded.map(|(first, last)| (first.day(), last.day())), pinned.then_some(points)))
    });
    let (recorded, points) = found.await?;
    let mut reply = json_reply(&catalogue(&Of { recorded, points, base: &own_address(&request) }));
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/ld+json"));
    Ok(reply)
}

/// Describe a dataset
///
/// Its columns with konsep, definisi, klasifikasi, ukuran and satuan in both languages, and where its files are.
#[utoipa::path(tag = "datasets", security(()),
    params(("name" = String, Path, description = "The dataset", example = "cooperatives")),
    responses((status = 200, description = "The dataset", body = serde_json::Value), (status = 304, description = "You have it already")))]
#[get("/datasets/{name}")]
async fn get_dataset(
    request: HttpRequest,
    name: web::Path<String>,
    _: Params<NoFilter>,
) -> Result<HttpResponse, Problem> {
    Ok(constant_reply(&request, &page(known(&name)?.1)))
}

/// Describe a dataset's CSV as a data package
///
/// Data Package v2 with the schema, length and SHA-256 of the CSV as of its points in time, as the caller sees it.
#[utoipa::path(tag = "datasets",
    params(("name" = String, Path, description = "The dataset", example = "cooperatives"), ReportParams),
    responses((status = 200, description = "The data package", body = serde_json::Value)))]
#[get("/datasets/{name}/datapackage.json")]
async fn get_dataset_package(
    request: HttpRequest,
    caller: Caller,
    shelf: web::Data<Shelf>,
    name: web::Path<String>,
    params: Params<ReportParams>,
) -> Result<HttpResponse, Problem> {
    let (name, dataset) = known(&name)?;
    let order = order(&caller, name, Format::Csv, params.0).await?;
    let csv = made(&shelf, &order).await?;
    let mut reply = json_reply(&data_package(dataset, order.points, &csv, &own_address(&request)));
    for (name, value) in named(order.points).filter_map(header) {
        reply.headers_mut().insert(name, value);
    }
    Ok(reply)
}

/// Read a dataset
///
/// The whole dataset as of one position of the log, the same columns in every format. The headers name the position (`Log-Position`), the rows
/// (`Dataset-Rows`) and the SHA-256 of the file (`Dataset-SHA256` in hexadecimal, `Repr-Digest`); what was recorded since follows from
/// `GET /v1/events?after=` that position. `as_of` makes it the same bytes for ever. `diketahui_pada` tells it as known then, `per_tanggal` as it was
/// in the world at the end of a day (`Dataset-Per-Tanggal` names it), so that both together answer how March stood as known in May, or as known in
/// March; figures are those of the reports of the same two points. Bytes are sent as they are, never compressed on the way; `Range`
/// and `If-Range` are honoured. Rows go by the rights of the caller; `programme-progress` and `statistics` need no key.
#[utoipa::path(tag = "datasets",
    params(("name" = String, Path, description = "The dataset", example = "cooperatives"), DataParams,
        ("Range" = Option<String>, Header, max_length = 1000, description = "A range of its bytes.", example = "bytes=0-1023"),
        ("If-Range" = Option<String>, Header, max_length = 1000, description = "The `ETag` that the range is of; of another file the whole is sent.")),
    responses(
        (status = 200, description = "The file", content((String = "text/csv"), (String = "application/x-ndjson"), (String = "application/vnd.apache.parquet")),
            headers(("ETag" = String, description = "Quoted SHA-256 of the file."), ("Log-Position" = i64, description = "The position it is as of."),
                ("Dataset-Rows" = i64, description = "Its rows."), ("Dataset-SHA256" = String, description = "SHA-256 of the file, hexadecimal."),
                ("Repr-Digest" = String, description = "The same as RFC 9530 has it."), ("Content-Location" = String, description = "Where exactly this file is."),
                ("Dataset-Per-Tanggal" = Option<String>, description = "The day in the world, when one was asked for."))),
        (status = 206, description = "The range", content((String = "text/csv"), (String = "application/x-ndjson"), (String = "application/vnd.apache.parquet")),
            headers(("ETag" = String, description = "Quoted SHA-256 of the whole file."), ("Log-Position" = i64, description = "The position it is as of."))),
        (status = 304, description = "You have it already"),
        (status = 416, description = "The file is shorter than that")))]
#[get("/datasets/{name}/data")]
async fn get_dataset_data(
    request: HttpRequest,
    caller: Caller,
    shelf: web::Data<Shelf>,
    name: web::Path<String>,
    params: Params<DataParams>,
) -> Result<HttpResponse, Problem> {
    let (name, _) = known(&name)?;
    let DataParams { format, as_of, diketahui_pada, per_tanggal } = params.0;
    let format = format.unwrap_or(Format::Csv);
    let order = order(&caller, name, format, ReportParams { as_of, diketahui_pada, per_tanggal }).await?;
    let file = made(&shelf, &order).await?;
    let (points, query) = (order.points, order.points.query());
    let after = points.position;
    let texts = [
        ("dataset-rows", file.rows.to_string()),
        ("dataset-sha256", file.sha256_text()),
        ("repr-digest", format!("sha-256=:{}:", BASE64.encode(&file.sha256))),
        ("content-location", format!("/v1/datasets/{name}/data?format={format}&{query}")),
        ("content-disposition", format!("attachment; filename=\"{name}-{points}.{format}\"")),
        (
            "link",
            format!(
                "</v1/datasets/{name}/datapackage.json?{query}>; rel=\"describedby\", </v1/events?after={after}>; rel=\"next\""
            ),
        ),
    ];
    let reply = FileReply {
        etag: format!("\"{}\"", file.sha256_text()),
        length: file.bytes,
        media_type: format.media_type(),
        headers: named(points).chain(texts).filter_map(header).collect(),
        read: move |from, bytes| file.read(from, bytes),
    };
    Ok(file_reply(&request, reply))
}

/// How headers name what a file is as of.
fn named(points: Points) -> impl Iterator<Item = (&'static str, String)> {
    let day = points.per_tanggal.map(|day| ("dataset-per-tanggal", day.to_string()));
    std::iter::once(("log-position", points.position.to_string())).chain(day)
}

fn header((name, text): (&'static str, String)) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_static(name), HeaderValue::from_str(&text).ok()?))
}

/// The file that is asked for: as of which points, and what of it the caller sees.
async fn order(caller: &Caller, name: Name, format: Format, asked: ReportParams) -> Result<Order, Problem> {
    let reach = match name.area() {
        None => Reach::of_public(caller.actor.as_ref()),
        Some(area) => Reach::of(&caller.reads(area)?.0, area),
    };
    require_tellable(name, asked.per_tanggal)?;
    let points = Points::find(&caller.service, &asked).await?;
    Ok(Order { name, format, points, reach })
}

/// The file, made if it is not there.
async fn made(shelf: &Shelf, order: &Order) -> Result<Arc<Spooled>, Problem> {
    let waiting = shelf.ask(order).map_err(|_| {
        let why = Text::fixed(
            "Terlalu banyak dataset sedang dibuat; minta lagi setelah `Retry-After` detik.",
            "Too many datasets are being made; ask again after `Retry-After` seconds.",
        );
        Problem::from(Refusal::new(&OVERLOADED, why))
    })?;
    match actix_web::rt::time::timeout(WAIT, waiting).await {
        Ok(Ok(Ok(file))) => Ok(file),
        Ok(Ok(Err(Failure::Database(_)))) => Err(Problem::of(&UNAVAILABLE)),
        Ok(Ok(Err(Failure::Other(_))) | Err(_)) => Err(Problem::of(&INTERNAL)),
        Err(_) => {
            let points = order.points.query();
            let why = text!(
                "Dataset ini masih dibuat; minta lagi dengan {points}.",
                "The dataset is still being made; ask again with {points}."
            );
            Err(Refusal::new(&OVERLOADED, why).into())
        }
    }
}
