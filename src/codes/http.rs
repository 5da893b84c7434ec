//! Addresses of code lists. Anyone may read them.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use deserr::Deserr;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::kernel::codelists::{CodeList, code_list, code_lists};
use crate::kernel::problem_codes::NOT_FOUND;
use crate::kernel::{Date, Faults, Refusal};
use crate::web::{NoFilter, Params, Problem, constant_reply};

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_codes).service(get_code_list);
}

/// List code lists
///
/// What codes there are, each with its address. Regulations are a list of their own.
#[utoipa::path(tag = "codes", security(()),
    responses((status = 200, description = "The lists", body = serde_json::Value), (status = 304, description = "You have it already")))]
#[get("/codes")]
async fn list_codes(request: HttpRequest, _: Params<NoFilter>) -> HttpResponse {
    let lists = code_lists().iter().map(
        |list| json!({"id": list.id, "title": list.title, "entries": list.entries.len(), "href": format!("/v1/codes/{}", list.id)}),
    );
    let regulations = json!({"id": "regulations", "title": {"id": "Regulasi penilaian kesehatan", "en": "Regulations of health assessment"},
        "entries": null, "href": "/v1/regulations"});
    let data: Vec<_> = lists.chain([regulations]).collect();
    constant_reply(&request, &json!({ "data": data, "next_cursor": null }))
}

/// The day a list is asked for.
#[derive(Debug, Clone, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OnParams {
    /// Only what is in force on this day; everything, with its periods, when left out.
    #[deserr(default)]
    #[param(inline, example = "2014-03-20")]
    pub on: Option<Date>,
}

/// Read a code list
///
/// Codes with the periods they are in force in, and who says so.
#[utoipa::path(tag = "codes", security(()),
    params(("list" = String, Path, description = "The list", example = "schemes"), OnParams),
    responses((status = 200, description = "The list", body = CodeList), (status = 303, description = "Regulations are read elsewhere"),
        (status = 304, description = "You have it already")))]
#[get("/codes/{list}")]
async fn get_code_list(
    request: HttpRequest,
    list: web::Path<String>,
    params: Params<OnParams>,
) -> Result<HttpResponse, Problem> {
    if *list == "regulations" {
        let on = params.0.on.map_or_else(String::new, |day| format!("?on={day}"));
        return Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, format!("/v1/regulations{on}"))).finish());
    }
    let found = code_list(&list).ok_or_else(|| {
        let known: Vec<&str> = code_lists().iter().map(|list| list.id.as_str()).collect();
        let known = known.join(", ");
        Refusal::new(&NOT_FOUND, text!("Daftar kode yang ada: {known}.", "The code lists are: {known}."))
    })?;
    Ok(match params.0.on {
        Some(day) => constant_reply(&request, &found.valid_on(day)),
        None => constant_reply(&request, found),
    })
}
