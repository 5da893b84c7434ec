//! The address of the timeline.

use actix_web::{HttpRequest, HttpResponse, get};
use deserr::Deserr;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::lines::{LineKind, TimelineLine};
use super::views::lines_about;
use crate::cooperatives::Cooperative;
use crate::kernel::{Faults, Refusal, Scope};
use crate::ledger::{Resource, fold_stream};
use crate::storage::{ReadError, head_position, stream_up_to};
use crate::web::{
    Caller, IdPath, List, MadePage, Page, PageParams, Point, Problem, made_page, point_in_time, read_as_of,
};

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_timeline);
}

/// What a timeline is asked for with.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TimelineFilter {
    /// One kind of lines.
    #[deserr(default)]
    #[param(inline)]
    kind: Option<LineKind>,
    /// As recorded by then: a position of the log, or an RFC 3339 instant.
    #[deserr(default)]
    #[param(value_type = Option<Point>, inline, example = "2014-03-31T00:00:00+08:00")]
    as_of: Option<String>,
}

/// Read the timeline of a cooperative
///
/// What it is, its health, the certificates of whoever managed it on the day, and its financing on one line, by the day things happened.
/// Everybody sees what their rights reach: a bank its own financings.
#[utoipa::path(tag = "cooperatives",
    params(("id" = Uuid, Path, description = "The cooperative"), TimelineFilter, PageParams),
    responses((status = 200, description = "A page of lines", body = List<TimelineLine>)))]
#[get("/cooperatives/{id}/timeline")]
async fn list_timeline(
    request: HttpRequest,
    caller: Caller,
    id: IdPath,
    page: Page<TimelineFilter>,
) -> Result<HttpResponse, Problem> {
    let (actor, scope) = caller.reads(Cooperative::AREA)?;
    let as_of = read_as_of(&caller.service, page.filter.as_of.as_deref()).await?;
    let now = caller.service.clock.now();
    made_page(&request, &caller.service, page, move |connection, filter, keyset| {
        let position = match as_of {
            Some(as_of) => point_in_time(connection, as_of, now)?.0,
            None => head_position(connection)?,
        };
        let own = fold_stream::<Cooperative>(&stream_up_to(connection, Cooperative::KIND, id.0, position)?);
        let own = own.map_err(ReadError::Corrupt)?.ok_or_else(|| Refusal::not_found(Cooperative::KIND, id.0))?;
        let (region, owner) = own.home();
        if scope != Scope::All && !scope.admits(region, owner) {
            return Err(Refusal::not_found(Cooperative::KIND, id.0).into());
        }
        let mut lines = lines_about(connection, &actor, id.0, position)?;
        lines.retain(|line| filter.kind.is_none_or(|kind| kind == line.kind));
        lines.sort_by_key(|line| (line.on, line.position));
        let key = |line: &TimelineLine| (line.on.to_string(), format!("{:020}", line.position));
        if let Some(after) = &keyset.after {
            lines.retain(|line| key(line) > *after);
        }
        let limit = usize::try_from(keyset.limit - 1).unwrap_or(1);
        let more = lines.len() > limit;
        lines.truncate(limit);
        let last = lines.last().filter(|_| more).map(key);
        let docs: Result<Vec<String>, _> = lines.iter().map(serde_json::to_string).collect();
        Ok(MadePage { docs: docs.map_err(ReadError::from)?, last, as_of_position: position })
    })
    .await
}
