//! Addresses of the statistics and of the definitions behind every figure.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use super::area::{ALL_MEASURES, StatisticsArea};
use super::figures::{FigureEvidence, StatisticsAnswer, evidence, shown, statistics};
use super::wanted::{StatisticsParams, Wanted};
use crate::certifications::COVERAGE;
use crate::kernel::problem_codes::{FORBIDDEN, NOT_FOUND, UNAUTHENTICATED};
use crate::kernel::{Actor, Refusal, Scope, Text, may_read};
use crate::programmes::DEFINITIONS;
use crate::storage::{ReadError, head_position};
use crate::web::{
    Caller, List, MadePage, NoFilter, Page, PageParams, Params, Problem, Service, json_reply, made_page, report_point,
};

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config.service(get_statistics).service(list_statistics_evidence).service(list_metrics);
}

fn area_of(word: &str) -> Result<StatisticsArea, Problem> {
    serde_json::from_value(json!(word)).map_err(|_| {
        let why = Text::fixed(
            "Statistik ada untuk: assessments, certifications, financing.",
            "There are statistics of: assessments, certifications, financing.",
        );
        Refusal::new(&NOT_FOUND, why).into()
    })
}

/// What each bank lends is its own business: figures of single lenders are for those whose rights reach the financings behind them.
/// Determinations and certificates are acts of office, and who did them is public.
fn require_public_or_own(
    actor: Option<&Actor>,
    area: StatisticsArea,
    params: &StatisticsParams,
    wanted: &Wanted,
) -> Result<(), Refusal> {
    let told_by_lender = params.organisation.is_some() || wanted.by.iter().any(|name| name == "organisation");
    if area != StatisticsArea::Financing || !told_by_lender {
        return Ok(());
    }
    let reached = match actor.map_or(Scope::Nothing, |actor| may_read(actor, area.rights())) {
        Scope::All => true,
        Scope::Region(own) => params.region.is_some_and(|region| own.covers(region)),
        Scope::Organisation(own) => params.organisation.is_some_and(|asked| asked.0 == own),
        Scope::Nothing => false,
    };
    if reached {
        return Ok(());
    }
    let why = Text::fixed(
        "Angka per pemberi pembiayaan hanya untuk yang berhak membaca pembiayaan itu; sebuah bank untuk miliknya sendiri (`organisation`).",
        "Figures by lender are for those who may read the financings behind them; a bank for its own (`organisation`).",
    );
    Err(Refusal::new(if actor.is_some() { &FORBIDDEN } else { &UNAUTHENTICATED }, why))
}

/// Read statistics
///
/// Counts and amounts by region, month, organisation and what else a measure is told apart by, as of now or any point of the log. Every figure
/// says where the events behind it are listed. `diketahui_pada` (or `as_of`) tells them as known then, `per_tanggal` as they were in the world at
/// the end of a month. Figures of a month's end that are not to be added up, such as `financings_by_collectibility`, are told by month whether or
/// not that is asked for. For anyone, but that figures of financing are told by lender only to those who may read the financings behind them.
#[utoipa::path(tag = "statistics", security((), ("api_key" = [])),
    params(("area" = StatisticsArea, Path, description = "The area"), StatisticsParams),
    responses((status = 200, description = "The figures", body = StatisticsAnswer)))]
#[get("/statistics/{area}")]
async fn get_statistics(
    caller: Caller,
    area: web::Path<String>,
    params: Params<StatisticsParams>,
) -> Result<HttpResponse, Problem> {
    let (area, params) = (area_of(&area)?, params.0);
    let wanted = params.understand(area)?;
    require_public_or_own(caller.actor.as_ref(), area, &params, &wanted)?;
    let known = params.known(&caller.service).await?;
    let now = caller.service.clock.now();
    let answer = caller.service.read(move |connection| {
        let point = report_point(connection, known, params.per_tanggal, now)?;
        Ok(statistics(connection, area, &params, &wanted, point)?)
    });
    Ok(json_reply(&answer.await?))
}

/// List the events behind figures
///
/// To those whose rights reach the events: a bank sees its own. What counts and what was taken back both stand here; they add up to the figure.
#[utoipa::path(tag = "statistics",
    params(("area" = StatisticsArea, Path, description = "The area"), StatisticsParams, PageParams),
    responses((status = 200, description = "A page", body = List<FigureEvidence>)))]
#[get("/statistics/{area}/evidence")]
async fn list_statistics_evidence(
    request: HttpRequest,
    caller: Caller,
    area: web::Path<String>,
    page: Page<StatisticsParams>,
) -> Result<HttpResponse, Problem> {
    let area = area_of(&area)?;
    let (_, scope) = caller.reads(area.rights())?;
    let wanted = page.filter.understand(area)?;
    let known = page.filter.known(&caller.service).await?;
    let now = caller.service.clock.now();
    made_page(&request, &caller.service, page, move |connection, params, keyset| {
        let up_to = report_point(connection, known, params.per_tanggal, now)?.position;
        let after = keyset.after.as_ref().map_or(Ok((0, 0)), |(position, ordinal)| {
            let number = |text: &str| text.parse::<i64>().map_err(|why| ReadError::Corrupt(why.to_string()));
            Ok::<_, ReadError>((number(position)?, number(ordinal)?))
        })?;
        let limit = usize::try_from(keyset.limit).unwrap_or(1);
        let mut rows = evidence(connection, params, &wanted, scope, (after, up_to, limit))?;
        let more = rows.len() == limit;
        if more {
            rows.pop();
        }
        let last = rows.last().filter(|_| more).map(|row| (row.position.to_string(), row.ordinal.to_string()));
        let rows: Result<Vec<String>, _> =
            rows.into_iter().map(|row| serde_json::to_string(&shown(row, &wanted))).collect();
        Ok(MadePage { docs: rows.map_err(ReadError::from)?, last, as_of_position: up_to })
    })
    .await
}

/// List measures with their definitions
///
/// What every published figure counts, how precisely, and in which version of its definition.
#[utoipa::path(tag = "statistics", security(()),
    responses((status = 200, description = "The measures", body = serde_json::Value)))]
#[get("/metrics")]
async fn list_metrics(service: web::Data<Service>, _: Params<NoFilter>) -> Result<HttpResponse, Problem> {
    let position = service.read(|connection| Ok(head_position(connection)?)).await?;
    let mut all = Vec::new();
    for definition in &DEFINITIONS {
        all.push(json!(definition));
    }
    all.push(json!(COVERAGE));
    for definition in ALL_MEASURES.into_iter().flatten() {
        all.push(json!(definition));
    }
    Ok(json_reply(&json!({ "data": all, "next_cursor": null, "as_of_position": position })))
}
