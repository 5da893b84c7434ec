//! Who is calling.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use sha2::{Digest, Sha256};

use super::around::RequestId;
use super::line::Line;
use super::problem::Problem;
use super::quota::{count_for_organisation, count_key_lookup};
use super::service::Service;
use crate::kernel::problem_codes::{FORBIDDEN, INVALID_HEADER, UNAUTHENTICATED};
use crate::kernel::{Action, Actor, Area, Refusal, Scope, Text, reach};
use crate::ledger::Hash;

/// The caller: anonymous, or an organisation by one of its keys. A key that is sent and not valid is refused, never ignored.
#[derive(Clone)]
pub struct Caller {
    /// The service's handles.
    pub service: web::Data<Service>,
    /// The organisation, if a key was sent.
    pub actor: Option<Actor>,
    /// The request's id.
    pub request_id: RequestId,
    /// Hash of the key that was sent.
    pub(super) key: Option<Hash>,
    /// Whether the answer to a command shall bring the receipt of what it recorded.
    pub(super) wants_proof: bool,
}

impl Caller {
    /// The organisation.
    ///
    /// # Errors
    /// `unauthenticated` when no key was sent.
    pub fn actor(&self) -> Result<&Actor, Problem> {
        self.actor.as_ref().ok_or_else(|| Problem::of(&UNAUTHENTICATED))
    }

    /// Looks once more whether the key still works: it may have been revoked while a long request was served.
    ///
    /// # Errors
    /// `unauthenticated` when it does not.
    pub async fn require_still_valid(&self) -> Result<(), Problem> {
        match &self.key {
            Some(key) => who(&self.service, *key, None).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// What the caller may read in an area.
    ///
    /// # Errors
    /// `unauthenticated` without a key, `forbidden` when it may read nothing there.
    pub fn reads(&self, area: Area) -> Result<(Actor, Scope), Problem> {
        self.reaches(Action::Read, area)
    }

    /// What an action of the caller reaches in an area.
    ///
    /// # Errors
    /// As [`Caller::reads`].
    pub fn reaches(&self, action: Action, area: Area) -> Result<(Actor, Scope), Problem> {
        let actor = self.actor()?;
        match reach(actor, action, area) {
            Scope::Nothing => {
                let kind = actor.kind;
                Err(Refusal::new(
                    &FORBIDDEN,
                    text!(
                        "Organisasi berjenis `{kind}` tidak dapat membaca bagian ini.",
                        "An organisation of kind `{kind}` cannot read this part."
                    ),
                )
                .into())
            }
            scope => Ok((actor.clone(), scope)),
        }
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if let Some(caller) = Line::caller(request) {
            return Box::pin(std::future::ready(Ok(caller)));
        }
        let service = request.app_data::<web::Data<Service>>().cloned();
        let request_id = RequestId::of(request);
        let (token, wants_proof) = (bearer(request), wants_proof(request));
        let request = request.clone();
        Box::pin(async move {
            let service = service.ok_or_else(|| Problem::of(&crate::kernel::problem_codes::INTERNAL))?;
            let (token, wants_proof) = (token?, wants_proof?);
            let Some(token) = token else {
                return Ok(Self { service, actor: None, request_id, key: None, wants_proof });
            };
            let key = Sha256::digest(token.as_bytes()).into();
            let actor = who(&service, key, Some(&request)).await?;
            count_for_organisation(&request, &actor, 1)?;
            Ok(Self { service, actor: Some(actor), request_id, key: Some(key), wants_proof })
        })
    }
}

/// Who holds the key with this hash. When it has to be looked up for a request, that is counted.
async fn who(service: &Service, key: Hash, request: Option<&HttpRequest>) -> Result<Actor, Problem> {
    let now = service.clock.now();
    if let Some(actor) = service.keyring.recall(&key, now) {
        return Ok(actor);
    }
    request.map_or(Ok(()), count_key_lookup)?;
    let keyring = service.keyring.clone();
    let found = service.look_up(move |connection| keyring.find(connection, &key, now)).await?;
    found.ok_or_else(|| Problem::of(&UNAUTHENTICATED))
}

/// `Want-Proof: ?1`, a boolean as RFC 9651 writes it.
fn wants_proof(request: &HttpRequest) -> Result<bool, Problem> {
    match request.headers().get("want-proof").map(header::HeaderValue::as_bytes) {
        None | Some(b"?0") => Ok(false),
        Some(b"?1") => Ok(true),
        Some(_) => {
            let why = Text::fixed("Kirim `Want-Proof: ?1` atau `?0`.", "Send `Want-Proof: ?1` or `?0`.");
            Err(Refusal::new(&INVALID_HEADER, why).into())
        }
    }
}

/// The bearer token, if an `Authorization` header was sent at all.
fn bearer(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| Problem::of(&UNAUTHENTICATED))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(Some(token.trim().to_owned()))
        }
        _ => Err(Problem::of(&UNAUTHENTICATED)),
    }
}
