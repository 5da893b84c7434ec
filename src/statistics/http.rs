//! Addresses of the statistics and of the definitions behind every figure.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use super::area::{ALL_MEASURES, StatisticsArea};
use super::figures::{FigureEvidence, StatisticsAnswer, evidence, shown, statistics};
use super::public::{Sight, end_of_day};
use super::wanted::StatisticsParams;
use crate::kernel::problem_codes::NOT_FOUND;
use crate::kernel::{Refusal, Text};
use crate::programmes::DEFINITIONS;
use crate::storage::{ReadError, head_position};
use crate::web::{
    Caller, List, MadePage, NoFilter, Page, PageParams, Params, Problem, Service, json_reply, made_page, parse_as_of,
    point_in_time,
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

/// Read statistics
///
/// Counts and amounts by region, month, organisation and what else a measure is told apart by, as of now or any point of the log. Every figure
/// says where the events behind it are listed.
///
/// Of financing, who may not read the financings themselves (nobody's key, a bank's but for `organisation` its own, a certifier's, the council's)
/// is told what is public: as of the last midnight in East Kalimantan by `as_of` or by now, no positions of the log; nothing by `organisation`;
/// and no figure behind which fewer than three lenders stand, or which would tell such a one from the sums: its `amount` is null and `withheld` is
/// true, and its `count` is null too unless figures are told apart and filtered by region and month alone.
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
    let sight = Sight::of(caller.actor.as_ref(), area, &params, &wanted)?;
    let (as_of, now) = (parse_as_of(params.as_of.as_deref())?, caller.service.clock.now());
    let answer = caller.service.read(move |connection| {
        let position = match (sight, as_of) {
            (Sight::Public, as_of) => end_of_day(connection, as_of, now)?,
            (Sight::Whole, Some(as_of)) => point_in_time(connection, as_of, now)?.0,
            (Sight::Whole, None) => head_position(connection)?,
        };
        Ok(statistics(connection, area, &params, &wanted, (sight, position))?)
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
    let as_of = parse_as_of(page.filter.as_of.as_deref())?;
    let now = caller.service.clock.now();
    made_page(&request, &caller.service, page, move |connection, params, keyset| {
        let head = head_position(connection)?;
        let up_to = match as_of {
            Some(as_of) => point_in_time(connection, as_of, now)?.0,
            None => head,
        };
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
    for definition in ALL_MEASURES.into_iter().flatten() {
        all.push(json!(definition));
    }
    Ok(json_reply(&json!({ "data": all, "next_cursor": null, "as_of_position": position })))
}
