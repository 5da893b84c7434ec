//! Addresses of datasets. The catalogue and its pages are for anyone; files go by the rights of whoever asks.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get, web};
use data_encoding::BASE64;
use deserr::Deserr;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::content::{Name, Reach};
use super::describe::{catalogue, data_package, page};
use super::format::Format;
use super::making::{Failure, Order};
use super::registry::{Dataset, registry};
use super::shelf::Shelf;
use super::spool::Spooled;
use crate::kernel::problem_codes::{INTERNAL, NOT_FOUND, OVERLOADED, UNAVAILABLE};
use crate::kernel::{Faults, Refusal, Text};
use crate::storage::{head_position, recorded_at};
use crate::web::{
    AsOfParams, Caller, FileReply, NoFilter, Params, Point, Problem, Service, constant_reply, file_reply, json_reply,
    parse_as_of, point_in_time,
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
}

fn known(name: &str) -> Result<(Name, &'static Dataset), Problem> {
    let found = serde_json::from_value(json!(name)).ok().zip(registry().dataset(name));
    found.ok_or_else(|| {
        let names: Vec<_> = registry().catalogue.dataset.iter().map(|dataset| dataset.name.as_str()).collect();
        let names = names.join(", ");
        Refusal::new(&NOT_FOUND, text!("Dataset yang ada: {names}.", "The datasets are: {names}.")).into()
    })
}

/// Where this service is, as the client sees it.
fn base(request: &HttpRequest) -> String {
    let connection = request.connection_info();
    format!("{}://{}", connection.scheme(), connection.host())
}

/// List datasets
///
/// The catalogue in DCAT 3 (JSON-LD), with the properties DCAT-AP asks for.
#[utoipa::path(tag = "datasets", security(()),
    responses((status = 200, description = "The catalogue", content_type = "application/ld+json", body = serde_json::Value)))]
#[get("/datasets")]
async fn list_datasets(
    request: HttpRequest,
    service: web::Data<Service>,
    _: Params<NoFilter>,
) -> Result<HttpResponse, Problem> {
    let days = service.read(|connection| {
        let head = head_position(connection)?;
        Ok(recorded_at(connection, 1)?.zip(recorded_at(connection, head)?))
    });
    let days = days.await?.map(|(first, last)| (first.day(), last.day()));
    let mut reply = json_reply(&catalogue(days, &base(&request)));
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
/// Data Package v2 with the schema, length and SHA-256 of the CSV as of a position, as the caller sees it.
#[utoipa::path(tag = "datasets",
    params(("name" = String, Path, description = "The dataset", example = "cooperatives"), AsOfParams),
    responses((status = 200, description = "The data package", body = serde_json::Value)))]
#[get("/datasets/{name}/datapackage.json")]
async fn get_dataset_package(
    request: HttpRequest,
    caller: Caller,
    shelf: web::Data<Shelf>,
    name: web::Path<String>,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    let (name, dataset) = known(&name)?;
    let order = order(&caller, name, Format::Csv, params.0.as_of.as_deref()).await?;
    let csv = made(&shelf, &order).await?;
    let mut reply = json_reply(&data_package(dataset, order.position, &csv, &base(&request)));
    reply.headers_mut().insert(HeaderName::from_static("log-position"), HeaderValue::from(order.position));
    Ok(reply)
}

/// Read a dataset
///
/// The whole dataset as of one position of the log, the same columns in every format. The headers name the position (`Log-Position`), the rows
/// (`Dataset-Rows`) and the SHA-256 of the file (`Dataset-SHA256` in hexadecimal, `Repr-Digest`); what was recorded since follows from
/// `GET /v1/events?after=` that position. `as_of` makes it the same bytes for ever. Bytes are sent as they are, never compressed on the way; `Range`
/// and `If-Range` are honoured. Rows go by the rights of the caller; `programme-progress` and `statistics` need no key.
#[utoipa::path(tag = "datasets",
    params(("name" = String, Path, description = "The dataset", example = "cooperatives"), DataParams,
        ("Range" = Option<String>, Header, max_length = 1000, description = "A range of its bytes.", example = "bytes=0-1023"),
        ("If-Range" = Option<String>, Header, max_length = 1000, description = "The `ETag` that the range is of; of another file the whole is sent.")),
    responses(
        (status = 200, description = "The file", content((String = "text/csv"), (String = "application/x-ndjson"), (String = "application/vnd.apache.parquet")),
            headers(("ETag" = String, description = "Quoted SHA-256 of the file."), ("Log-Position" = i64, description = "The position it is as of."),
                ("Dataset-Rows" = i64, description = "Its rows."), ("Dataset-SHA256" = String, description = "SHA-256 of the file, hexadecimal."),
                ("Repr-Digest" = String, description = "The same as RFC 9530 has it."), ("Content-Location" = String, description = "Where exactly this file is."))),
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
    let format = params.0.format.unwrap_or(Format::Csv);
    let order = order(&caller, name, format, params.0.as_of.as_deref()).await?;
    let file = made(&shelf, &order).await?;
    let position = order.position;
    let texts = [
        ("log-position", position.to_string()),
        ("dataset-rows", file.rows.to_string()),
        ("dataset-sha256", file.sha256_text()),
        ("repr-digest", format!("sha-256=:{}:", BASE64.encode(&file.sha256))),
        ("content-location", format!("/v1/datasets/{name}/data?format={format}&as_of={position}")),
        ("content-disposition", format!("attachment; filename=\"{name}-{position}.{format}\"")),
        (
            "link",
            format!(
                "</v1/datasets/{name}/datapackage.json?as_of={position}>; rel=\"describedby\", </v1/events?after={position}>; rel=\"next\""
            ),
        ),
    ];
    let header = |(name, text): (&'static str, String)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(&text).ok()?))
    };
    let reply = FileReply {
        etag: format!("\"{}\"", file.sha256_text()),
        length: file.bytes,
        media_type: format.media_type(),
        headers: texts.into_iter().filter_map(header).collect(),
        read: move |from, bytes| file.read(from, bytes),
    };
    Ok(file_reply(&request, reply))
}

/// The file that is asked for: as of which position, and what of it the caller sees.
async fn order(caller: &Caller, name: Name, format: Format, as_of: Option<&str>) -> Result<Order, Problem> {
    let reach = match name.area() {
        None => Reach::of_public(caller.actor.as_ref()),
        Some(area) => Reach::of(&caller.reads(area)?.0, area),
    };
    let (as_of, now) = (parse_as_of(as_of)?, caller.service.clock.now());
    let position = caller.service.read(move |connection| match as_of {
        Some(as_of) => Ok(point_in_time(connection, as_of, now)?.0),
        None => Ok(head_position(connection)?),
    });
    Ok(Order { name, format, position: position.await?, reach })
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
            let position = order.position;
            let why = text!(
                "Dataset ini masih dibuat; minta lagi dengan as_of={position}.",
                "The dataset is still being made; ask again with as_of={position}."
            );
            Err(Refusal::new(&OVERLOADED, why).into())
        }
    }
}
