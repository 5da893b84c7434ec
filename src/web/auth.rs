//! Who is calling.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use sha2::{Digest, Sha256};

use super::around::RequestId;
use super::line::Line;
use super::problem::Problem;
use super::service::Service;
use crate::kernel::problem_codes::{FORBIDDEN, UNAUTHENTICATED};
use crate::kernel::{Actor, Area, Refusal, Scope, may_read};
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
}

/// Marks a request that asks for a caller and brought no key.
pub(super) struct KeyMissing;

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
            Some(key) => who(&self.service, *key).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// What the caller may read in an area.
    ///
    /// # Errors
    /// `unauthenticated` without a key, `forbidden` when it may read nothing there.
    pub fn reads(&self, area: Area) -> Result<(Actor, Scope), Problem> {
        let actor = self.actor()?;
        match may_read(actor, area) {
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
        let token = bearer(request);
        if matches!(token, Ok(None)) {
            request.extensions_mut().insert(KeyMissing);
        }
        Box::pin(async move {
            let service = service.ok_or_else(|| Problem::of(&crate::kernel::problem_codes::INTERNAL))?;
            let Some(token) = token? else {
                return Ok(Self { service, actor: None, request_id, key: None });
            };
            let key = Sha256::digest(token.as_bytes()).into();
            let actor = who(&service, key).await?;
            Ok(Self { service, actor: Some(actor), request_id, key: Some(key) })
        })
    }
}

/// Who holds the key with this hash.
async fn who(service: &Service, key: Hash) -> Result<Actor, Problem> {
    let now = service.clock.now();
    if let Some(actor) = service.keyring.recall(&key, now) {
        return Ok(actor);
    }
    let keyring = service.keyring.clone();
    let found = service.look_up(move |connection| keyring.find(connection, &key, now)).await?;
    found.ok_or_else(|| Problem::of(&UNAUTHENTICATED))
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

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fuzz_a_header_holds_a_bearer_token_or_is_refused(text in "(Bearer|bearer|Basic|Bear) {0,2}[!-~]{0,12} ?|[ -~]{0,20}") {
            let request = TestRequest::default().insert_header((header::AUTHORIZATION, text.as_str())).to_http_request();
            match bearer(&request) {
                Ok(token) => {
                    let token = token.unwrap();
                    prop_assert!(!token.is_empty() && token.trim() == token);
                    prop_assert!(text.to_ascii_lowercase().starts_with("bearer ") && text.contains(&token));
                }
                Err(problem) => prop_assert_eq!(problem.0.code.status, 401),
            }
        }
    }
}
