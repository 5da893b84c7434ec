//! Who is calling.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use sha2::{Digest, Sha256};

use super::around::{RequestId, is_public, route_of};
use super::keyring::{Credential, KnownKey};
use super::line::Line;
use super::problem::Problem;
use super::quota::{count_for_organisation, count_key_lookup};
use super::service::Service;
use crate::kernel::problem_codes::{FORBIDDEN, INVALID_HEADER, UNAUTHENTICATED};
use crate::kernel::{Action, Actor, Area, KEY_PREFIX, Refusal, Scope, Scopes, Text, Timestamp, check_key, reach};
use crate::ledger::Hash;

/// SHA-256 of the certificate a connection was opened with; kept with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCertificate(pub Hash);

/// The caller: anonymous, or an organisation by one of its keys, a token or a certificate. What is sent and not valid is refused, never ignored.
#[derive(Clone)]
pub struct Caller {
    /// The service's handles.
    pub service: web::Data<Service>,
    /// The organisation, if a key was sent.
    pub actor: Option<Actor>,
    /// The request's id.
    pub request_id: RequestId,
    /// What is known of the key or client, if one was sent.
    pub known: Option<Arc<KnownKey>>,
    /// What identifies the caller.
    pub(super) shown: Shown,
    /// Whether the answer to a command shall bring the receipt of what it recorded.
    pub(super) wants_proof: bool,
    /// How it is asked.
    pub(super) method: Method,
    /// What is asked.
    pub(super) route: Option<Arc<str>>,
    /// What personal data is wanted for, if the caller says.
    pub(super) purpose: Option<Arc<str>>,
}

/// What a request shows of its sender.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// A key or a token.
    bearer: Option<Bearer>,
    certificate: Option<Hash>,
}

/// What the `Authorization` header holds.
#[derive(Clone, Debug)]
struct Bearer {
    credential: Credential,
    /// How a token confines its bearer: to scopes, and until when.
    confined: Option<(Option<Scopes>, Timestamp)>,
}

/// Marks a request that needs a caller and brought neither a key nor a certificate.
pub(super) struct KeyMissing;

impl Caller {
    /// The organisation.
    ///
    /// # Errors
    /// `unauthenticated` when no key was sent.
    pub fn actor(&self) -> Result<&Actor, Problem> {
        self.actor.as_ref().ok_or_else(|| Problem::of(&UNAUTHENTICATED))
    }

    /// Looks once more whether what was sent still works: it may have been revoked while a long request was served.
    ///
    /// # Errors
    /// `unauthenticated` when it does not.
    pub async fn require_still_valid(&self) -> Result<(), Problem> {
        identify(&self.service, &self.shown, None).await.map(|_| ())
    }

    /// Refuses a caller that came upon too many persons who are hidden from it.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn require_room_for_guesses(&self) -> Result<(), Problem> {
        self.service.guesses.require_room(self.actor()?.organisation)
    }

    /// What is asked, by method and route.
    pub(super) fn operation(&self) -> String {
        format!("{} {}", self.method, self.route.as_deref().unwrap_or_default())
    }

    /// What the caller may read in an area.
    ///
    /// # Errors
    /// `unauthenticated` without a key, `forbidden` or `insufficient_scope` when it may read nothing there.
    pub fn reads(&self, area: Area) -> Result<(Actor, Scope), Problem> {
        self.reaches(Action::Read, area)
    }

    /// What an action of the caller reaches in an area.
    ///
    /// # Errors
    /// As [`Caller::reads`].
    pub fn reaches(&self, action: Action, area: Area) -> Result<(Actor, Scope), Problem> {
        let actor = self.actor()?;
        let read = actor.require_some_read(area)?;
        match if action == Action::Read { read } else { reach(actor, action, area) } {
            Scope::Nothing => {
                let kind = actor.kind;
                let why = text!(
                    "Organisasi berjenis `{kind}` tidak dapat membaca bagian ini.",
                    "An organisation of kind `{kind}` cannot read this part."
                );
                Err(Refusal::new(&FORBIDDEN, why).into())
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
        let (token, certificate) = (bearer(request), request.conn_data::<PeerCertificate>().copied());
        if matches!(token, Ok(None)) && certificate.is_none() && !is_public(request) {
            request.extensions_mut().insert(KeyMissing);
        }
        let (wants_proof, purpose) = (wants_proof(request), purpose(request.headers()));
        let (method, route) = (request.method().clone(), route_of(request));
        let request = request.clone();
        Box::pin(async move {
            let purpose = purpose?;
            let service = service.ok_or_else(|| Problem::of(&crate::kernel::problem_codes::INTERNAL))?;
            let (token, wants_proof) = (token?, wants_proof?);
            let bearer = token.map(|token| read_bearer(&service, &token, certificate)).transpose()?;
            let shown = Shown { bearer, certificate: certificate.map(|certificate| certificate.0) };
            let known = identify(&service, &shown, Some(&request)).await?;
            let actor = known.as_ref().map(|known| known.actor.clone());
            if let Some(actor) = &actor {
                count_for_organisation(&request, actor, 1)?;
            }
            Ok(Self { service, actor, request_id, known, shown, wants_proof, method, route, purpose })
        })
    }
}

/// A refusal of what was sent, with a machine-readable reason.
fn refused(reason: &'static str, detail: Text) -> Problem {
    Refusal::new(&UNAUTHENTICATED, detail).with("reason", reason).into()
}

/// Reads a key or a token. What its text alone tells is refused without asking the database.
fn read_bearer(service: &Service, token: &str, certificate: Option<PeerCertificate>) -> Result<Bearer, Problem> {
    if let Some(tokens) = service.tokens.as_ref().filter(|_| !token.starts_with(KEY_PREFIX)) {
        let verified = tokens.verify(token, service.clock.now(), certificate.map(|certificate| certificate.0));
        let verified = verified.map_err(|fault| refused(fault.name(), fault.detail()))?;
        let credential = Credential::Client { issuer: tokens.issuer().to_owned(), client_id: verified.client_id };
        return Ok(Bearer { credential, confined: Some((verified.scopes, verified.until)) });
    }
    check_key(token, service.environment).map_err(|fault| refused(fault.name(), fault.detail()))?;
    Ok(Bearer { credential: Credential::Key(Sha256::digest(token.as_bytes()).into()), confined: None })
}

/// Who shows this; nobody when nothing is shown.
async fn identify(
    service: &Service,
    shown: &Shown,
    request: Option<&HttpRequest>,
) -> Result<Option<Arc<KnownKey>>, Problem> {
    let by_certificate = match shown.certificate {
        Some(hash) => Some(who(service, &Credential::Certificate(hash), request).await?),
        None => None,
    };
    let Some(bearer) = &shown.bearer else { return Ok(by_certificate) };
    let known = who(service, &bearer.credential, request).await?;
    if by_certificate.is_some_and(|other| other.actor.organisation != known.actor.organisation) {
        return Err(refused(
            "two_organisations",
            Text::fixed(
                "Sertifikat sambungan ini milik organisasi lain daripada kunci atau token yang dikirim.",
                "The certificate of this connection belongs to another organisation than the key or token that was sent.",
            ),
        ));
    }
    let Some((scopes, until)) = &bearer.confined else { return Ok(Some(known)) };
    if service.clock.now() >= *until {
        return Err(unknown(&bearer.credential));
    }
    let actor = Actor { scopes: scopes.clone(), ..known.actor.clone() };
    Ok(Some(Arc::new(KnownKey { actor, expires_at: Some(*until), label: known.label.clone() })))
}

/// Who shows this credential. Unknown, revoked and expired take the same way: one look into memory, one into the database, which is counted
/// when it is for a request.
async fn who(
    service: &Service,
    credential: &Credential,
    request: Option<&HttpRequest>,
) -> Result<Arc<KnownKey>, Problem> {
    let now = service.clock.now();
    if let Some(known) = service.keyring.recall(credential, now) {
        return Ok(known);
    }
    request.map_or(Ok(()), count_key_lookup)?;
    let (keyring, asked) = (service.keyring.clone(), credential.clone());
    let found = service.look_up(move |connection| keyring.find(connection, &asked, now)).await?;
    found.ok_or_else(|| unknown(credential))
}

fn unknown(credential: &Credential) -> Problem {
    let detail = match credential {
        Credential::Key(_) => Text::fixed(
            "Kunci ini tidak dikenal di sini, sudah dicabut, atau sudah berakhir.",
            "This key is not known here, was revoked, or has expired.",
        ),
        Credential::Certificate(_) => Text::fixed(
            "Sertifikat sambungan ini tidak terdaftar pada organisasi mana pun.",
            "The certificate of this connection is not registered with any organisation.",
        ),
        Credential::Client { .. } => Text::fixed(
            "Klien yang disebut token ini tidak terdaftar pada organisasi mana pun.",
            "The client this token names is not registered with any organisation.",
        ),
    };
    refused("unknown", detail)
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
    let mut sent = request.headers().get_all(header::AUTHORIZATION);
    let Some(value) = sent.next() else {
        return Ok(None);
    };
    // Whoever stands in between may have looked at the other one.
    if sent.next().is_some() {
        let why = Text::fixed("Kirim satu `Authorization` saja.", "Send one `Authorization` only.");
        return Err(Refusal::new(&INVALID_HEADER, why).into());
    }
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
