//! Addresses of regions. All of it can be read by anyone.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::commands::{Designate, DesignationTerms};
use super::state::{Designation, RegionRecord, region_id};
use super::views;
use crate::kernel::codelists::{CodeEntry, code_list};
use crate::kernel::problem_codes::NOT_FOUND;
use crate::kernel::{REGIONS, Refusal, Region, Timestamp};
use crate::ledger::{Resource, Stamp};
use crate::storage::{AnyConnection, ReadError, head_position};
use crate::web::{
    AsOfParams, Command, List, NoFilter, Params, Present, Problem, Service, Shown, Viewer, document_reply, json_reply,
    resource_as_of,
};

/// A region as it is shown.
#[derive(Serialize, ToSchema)]
pub struct RegionDocument {
    /// The record's id.
    id: Uuid,
    /// How many events made it what it is; 0 when nothing was recorded of it.
    version: i64,
    /// Position of its last event in the log; 0 likewise.
    position: i64,
    /// The organisation that recorded its first event; null likewise.
    recorded_by: Option<Uuid>,
    /// When its first event was recorded, likewise.
    recorded_at: Option<Timestamp>,
    /// When its last event was recorded, likewise.
    updated_at: Option<Timestamp>,
    /// Dotted Kemendagri code.
    code: &'static str,
    /// BPS code; mind that the same digits may mean another regency in the Kemendagri system.
    bps_code: &'static str,
    /// Official name.
    name: &'static str,
    /// Periods in which the code meant this region, with sources.
    crosswalk: Vec<&'static CodeEntry>,
    /// What it was designated as.
    designations: Vec<Designation>,
}

fn crosswalk(wanted: impl Fn(&CodeEntry) -> bool) -> Vec<&'static CodeEntry> {
    code_list("regions").into_iter().flat_map(|list| &list.entries).filter(|entry| wanted(entry)).collect()
}

fn document(record: RegionRecord) -> Option<RegionDocument> {
    let RegionRecord { stamp, region, designations } = record;
    let entry = REGIONS.iter().find(|entry| entry.code == region.code())?;
    let crosswalk = crosswalk(|known| known.id == entry.code);
    let told = Some(stamp).filter(|stamp| stamp.version > 0);
    Some(RegionDocument {
        id: stamp.id,
        version: stamp.version,
        position: stamp.position,
        recorded_by: told.map(|stamp| stamp.recorded_by),
        recorded_at: told.map(|stamp| stamp.recorded_at),
        updated_at: told.map(|stamp| stamp.updated_at),
        code: entry.code,
        bps_code: entry.bps_code,
        name: entry.name,
        crosswalk,
        designations,
    })
}

impl Present for RegionRecord {
    const PATH: &'static str = "regions";
    const REWRITES: bool = true;

    /// Puts codes, name and crosswalk to what was recorded.
    fn present(_: &Viewer, _: &mut AnyConnection, docs: Vec<String>) -> Result<Vec<String>, Problem> {
        docs.iter().map(|doc| text(serde_json::from_str(doc).map_err(ReadError::from)?)).collect()
    }
}

fn text(record: RegionRecord) -> Result<String, Problem> {
    Ok(serde_json::to_string(&document(record)).map_err(ReadError::from)?)
}

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_regions).service(get_region).service(designate_region);
}

/// The region of a path. An undotted code is refused, one that left the province is told where it went.
fn region_of(code: &str) -> Result<Region, Problem> {
    Region::parse(code).map_err(|(fault, why)| {
        if fault == "undotted_region" {
            return Refusal::parameter("/code", fault, why).into();
        }
        let moved = crosswalk(|entry| entry.id == code).first().map(|entry| {
            let (name, now) = (&entry.name.id, entry.more.get("now").and_then(|now| now.as_str()).unwrap_or_default());
            text!(
                "{code} adalah kode {name} ketika masih di Kalimantan Timur; sekarang {now} di Kalimantan Utara.",
                "{code} was the code of {name} while it belonged to East Kalimantan; it is {now} in North Kalimantan now."
            )
        });
        Refusal::new(&NOT_FOUND, moved.unwrap_or(why)).into()
    })
}

/// List regions
///
/// The province and its ten regencies and cities, with both code systems and designations; `former` are codes of areas that left the province
/// and may still stand in old numbers.
#[utoipa::path(tag = "regions", security(()),
    responses((status = 200, description = "The regions", body = List<RegionDocument>)))]
#[get("/regions")]
async fn list_regions(service: web::Data<Service>, _: Params<NoFilter>) -> Result<HttpResponse, Problem> {
    let (mut records, position) =
        service.read(|connection| Ok((views::all(connection)?, head_position(connection)?))).await?;
    let known = REGIONS.iter().filter_map(|entry| Region::parse(entry.code).ok());
    let data: Vec<RegionDocument> = known
        .filter_map(|region| {
            let recorded = records.iter().position(|record| record.region == region);
            document(recorded.map_or_else(|| RegionRecord::untold(region), |at| records.swap_remove(at)))
        })
        .collect();
    let former = crosswalk(|entry| entry.more.get("now").is_some_and(|now| *now != entry.id.as_str()));
    Ok(json_reply(&json!({ "data": data, "former": former, "next_cursor": null, "as_of_position": position })))
}

/// Read one region
///
/// By its dotted Kemendagri code. An undotted code is refused, because in the BPS system it may mean another regency.
#[utoipa::path(tag = "regions", security(()),
    params(("code" = String, Path, description = "Dotted Kemendagri code", example = "64.72"), AsOfParams),
    responses((status = 200, description = "The region", body = RegionDocument)))]
#[get("/regions/{code}")]
async fn get_region(
    request: HttpRequest,
    service: web::Data<Service>,
    code: web::Path<String>,
    params: Params<AsOfParams>,
) -> Result<HttpResponse, Problem> {
    let region = region_of(&code)?;
    let record = resource_as_of::<RegionRecord>(&service, region_id(region), params.0).await?;
    let record = record.unwrap_or_else(|| RegionRecord::untold(region));
    let Stamp { version, position, .. } = *record.stamp();
    Ok(document_reply(&request, Shown { version, position, doc: text(record)? }))
}

/// Designate a regency or city
///
/// Kabupaten/Kota Penggerak Koperasi, by the provincial office.
#[utoipa::path(tag = "regions", params(("code" = String, Path, description = "Dotted Kemendagri code", example = "64.72")),
    request_body = DesignationTerms, responses((status = 200, description = "Designated", body = RegionDocument)))]
#[post("/regions/{code}/designations")]
async fn designate_region(
    code: web::Path<String>,
    command: Command<DesignationTerms>,
) -> Result<HttpResponse, Problem> {
    let region = region_of(&code)?;
    let terms = command.body.clone();
    let mut response = command.with(Designate { region, terms }).on(region_id(region)).await?;
    if let Ok(address) = header::HeaderValue::from_str(&format!("/v1/regions/{region}")) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    Ok(response)
}
