//! Whether the service lives and can serve, for whoever restarts it or sends it traffic.

use std::time::Duration;

use actix_web::rt::time::timeout;
use actix_web::{HttpResponse, get, web};
use serde_json::json;

use super::problem::Problem;
use super::reply::json_reply;
use super::service::Service;
use crate::kernel::Refusal;
use crate::kernel::problem_codes::UNAVAILABLE;
use crate::storage::{ReadError, head_position, pending};

/// How long the database may take: whoever asks waits for hardly longer.
const ANSWER_MAX: Duration = Duration::from_millis(1500);

/// Tell whether the process lives
#[utoipa::path(tag = "service", security(()), responses((status = 200, description = "It lives", body = serde_json::Value)))]
#[get("/livez")]
pub async fn get_livez() -> HttpResponse {
    json_reply(&json!({"status": "ok"}))
}

/// Tell whether requests can be served
///
/// When they cannot, the problem's `checks` say which of database, schema, executor and the log's signing is at fault, and why.
#[utoipa::path(tag = "service", security(()), responses((status = 200, description = "They can", body = serde_json::Value)))]
#[get("/readyz")]
pub async fn get_readyz(service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    let operators = service.for_operators();
    let looking = operators.look_up(|connection| {
        let position = head_position(connection)?;
        let steps = pending(connection).map_err(ReadError::from)?;
        Ok((position, steps))
    });
    let (looked, database) = match timeout(ANSWER_MAX, looking).await {
        Ok(Ok(looked)) => (Some(looked), "ok"),
        Ok(Err(_)) => (None, "it cannot be read; the log says why"),
        Err(_) => (None, "no answer"),
    };
    let schema = match looked {
        Some((_, 0)) => "ok".to_owned(),
        Some((_, steps)) => format!("{steps} steps are still to be taken; run `lumbung migrate`"),
        None => "not known".to_owned(),
    };
    let executor = service.ledger.stopped().unwrap_or("ok");
    let refused = service.checkpoints.refused();
    let log = refused.as_deref().unwrap_or("ok");
    let checks = json!({"database": database, "schema": schema, "executor": executor, "log": log});
    match looked {
        Some((position, 0)) if service.ledger.stopped().is_none() && refused.is_none() => {
            let waiting = service.ledger.waiting();
            Ok(json_reply(
                &json!({"status": "ok", "position": position, "commands_waiting": waiting, "checks": checks}),
            ))
        }
        _ => {
            let why = text!("Belum dapat melayani; lihat `checks`.", "Requests cannot be served; see `checks`.");
            Err(Refusal::new(&UNAVAILABLE, why).with("checks", checks).into())
        }
    }
}
