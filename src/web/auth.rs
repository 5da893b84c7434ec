//! Who is calling.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use sha2::{Digest, Sha256};

use super::around::RequestId;
use super::line::Line;
use super::problem::Problem;
use super::service::Service;
use crate::kernel::problem_codes::{FORBIDDEN, INVALID_HEADER, UNAUTHENTICATED};
use crate::kernel::{Actor, Area, Refusal, Scope, Text, may_read};
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
    /// What is asked: method and route.
    pub(super) operation: Arc<str>,
    /// What personal data is wanted for, if the caller says.
    pub(super) purpose: Option<Arc<str>>,
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
        let route = request.match_pattern().unwrap_or_default();
        let operation: Arc<str> = format!("{} {route}", request.method()).into();
        let purpose = purpose(request.headers());
        Box::pin(async move {
            let purpose = purpose?;
            let service = service.ok_or_else(|| Problem::of(&crate::kernel::problem_codes::INTERNAL))?;
            let Some(token) = token? else {
                return Ok(Self { service, actor: None, request_id, key: None, operation, purpose });
            };
            let key = Sha256::digest(token.as_bytes()).into();
            let actor = who(&service, key).await?;
            Ok(Self { service, actor: Some(actor), request_id, key: Some(key), operation, purpose })
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

/// Says what personal data is wanted for: the reference of a letter or a file.
const PURPOSE_REFERENCE: &str = "purpose-reference";
/// Longest reference.
const PURPOSE_CHARACTERS_MAX: usize = 64;
/// Digits in a row that may be an identity number or a phone: a reference that holds them is refused, because it is kept in clear.
const PURPOSE_DIGITS_MAX: usize = 9;

/// The `Purpose-Reference` that was sent.
fn purpose(headers: &header::HeaderMap) -> Result<Option<Arc<str>>, Problem> {
    let Some(value) = headers.get(PURPOSE_REFERENCE) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
    let longest = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default();
    let usable = (1..=PURPOSE_CHARACTERS_MAX).contains(&text.len()) && text.bytes().all(plain);
    if usable && longest <= PURPOSE_DIGITS_MAX {
        return Ok(Some(text.into()));
    }
    Err(Refusal::new(
        &INVALID_HEADER,
        Text::fixed(
            "Purpose-Reference menyebut nomor surat atau berkas: 1 sampai 64 huruf, angka, atau -_.:/, tanpa spasi dan tanpa lebih dari 9 angka berturut-turut.",
            "Purpose-Reference names a letter or a file: 1 to 64 letters, digits or -_.:/, without spaces and without more than 9 digits in a row.",
        ),
    )
    .into())
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
