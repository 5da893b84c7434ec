//! What an organisation is recognised by beside its keys: clients of the token issuer, and certificates.

use deserr::Deserr;
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{ClientIdentity, OrganisationEvent as Event};
use super::issuing::require_within_own;
use super::state::Organisation;
use crate::kernel::{Faults, Id, Name, Note, Refusal, Text};
use crate::ledger::{Decide, Decision, Scene};

/// Hexadecimal digits of a SHA-256.
const FINGERPRINT_DIGITS: usize = 64;

/// Names a client: by `issuer` and `client_id`, or by `certificate_sha256`.
#[derive(Clone, Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"issuer": "https://masuk.bank-contoh.example", "client_id": "lumbung-produksi", "label": "Sistem inti"}))]
pub struct ClientRequest {
    /// The issuer of its tokens: their `iss`, letter by letter.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub issuer: Option<Name>,
    /// The `client_id` of its tokens.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub client_id: Option<Name>,
    /// SHA-256 of its certificate (DER), hexadecimal, with or without colons.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub certificate_sha256: Option<Name>,
    /// What it is for.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub label: Option<Name>,
}

impl ClientRequest {
    fn identity(&self) -> Result<ClientIdentity, Refusal> {
        match (&self.issuer, &self.client_id, &self.certificate_sha256) {
            (Some(issuer), Some(client_id), None) => {
                Ok(ClientIdentity::Token { issuer: issuer.clone(), client_id: client_id.clone() })
            }
            (None, None, Some(fingerprint)) => fingerprint_of(&fingerprint.0).ok_or_else(|| {
                let why = Text::fixed(
                    "Kirim 64 digit heksadesimal: `openssl x509 -in sertifikat.pem -noout -fingerprint -sha256`.",
                    "Send 64 hexadecimal digits: `openssl x509 -in certificate.pem -noout -fingerprint -sha256`.",
                );
                Refusal::rule("/certificate_sha256", "invalid_fingerprint", why)
            }),
            _ => {
                let why = Text::fixed(
                    "Sebut `issuer` bersama `client_id`, atau `certificate_sha256` saja.",
                    "Name `issuer` together with `client_id`, or `certificate_sha256` alone.",
                );
                let missing = if self.client_id.is_some() && self.certificate_sha256.is_none() {
                    "/issuer"
                } else {
                    "/client_id"
                };
                Err(Refusal::rule(missing, "one_identity", why))
            }
        }
    }
}

fn fingerprint_of(text: &str) -> Option<ClientIdentity> {
    let sha256: String = text.chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()).collect();
    let hexadecimal = sha256.len() == FINGERPRINT_DIGITS && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal.then_some(ClientIdentity::Certificate { sha256 })
}

/// Lets an organisation act by tokens of a client, or by a certificate.
#[derive(Clone, Debug)]
pub struct AddClient {
    /// The client's id here.
    pub client: Uuid,
    /// What it is recognised by.
    pub request: ClientRequest,
}

impl Decide for AddClient {
    type Resource = Organisation;

    fn decide(&self, scene: &Scene<'_, Organisation>) -> Result<Decision<Organisation>, Refusal> {
        let own = scene.own()?;
        // A client can do all that its organisation may.
        require_within_own(scene.actor, None)?;
        own.require_active()?;
        let identity = self.request.identity()?;
        if let Some(known) = own.clients.iter().find(|known| known.identity == identity && known.removed_at.is_none()) {
            return Err(Refusal::duplicate(identity.claim().pointer, "client", known.client));
        }
        Ok(Decision::one(Event::ClientAdded { client: self.client, label: self.request.label.clone(), identity }))
    }
}

/// Makes a client stop being recognised, at once.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"client": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b", "reason": "Sertifikat diganti"}))]
pub struct RemoveClient {
    /// Which.
    pub client: Id,
    /// Why.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reason: Option<Note>,
}

impl Decide for RemoveClient {
    type Resource = Organisation;

    fn decide(&self, scene: &Scene<'_, Organisation>) -> Result<Decision<Organisation>, Refusal> {
        let own = scene.own()?;
        match own.clients.iter().find(|known| known.client == self.client.0) {
            None => Err(Refusal::not_found("client", self.client.0)),
            Some(known) if known.removed_at.is_some() => Ok(Decision::nothing()),
            Some(_) => Ok(Decision::one(Event::ClientRemoved { client: self.client.0, reason: self.reason.clone() })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::commands::tests::{itself, registered};
    use super::*;
    use crate::kernel::{Actor, ScopeWord, Scopes};
    use crate::ledger::testing::Story;

    #[allow(clippy::unnecessary_wraps, reason = "as the fields want it")]
    fn name(text: &str) -> Option<Name> {
        Some(Name::parse(text).unwrap())
    }

    fn of_token() -> ClientRequest {
        ClientRequest { issuer: name("https://issuer"), client_id: name("core"), ..ClientRequest::default() }
    }

    fn add(request: ClientRequest) -> AddClient {
        AddClient { client: Uuid::from_u128(5), request }
    }

    fn added() -> Event {
        Event::ClientAdded { client: Uuid::from_u128(5), label: None, identity: of_token().identity().unwrap() }
    }

    #[test]
    fn a_client_is_added_removed_and_added_again() {
        Story::given([registered()]).when(add(of_token())).then([added()]);
        Story::given([registered(), added()]).when(add(of_token())).refused("duplicate");
        let remove = || RemoveClient { client: Id(Uuid::from_u128(5)), reason: None };
        let removed = || Event::ClientRemoved { client: Uuid::from_u128(5), reason: None };
        Story::given([registered(), added()]).when(remove()).then([removed()]);
        Story::given([registered(), added(), removed()]).when(remove()).then_types(&[]);
        Story::given([registered(), added(), removed()])
            .when(add(of_token()))
            .then_types(&["organisation.client_added"]);
        Story::given([registered()]).when(remove()).refused("not_found");
        Story::given([registered()]).by(itself()).when(add(of_token())).refused("forbidden");
    }

    #[test]
    fn a_client_has_one_identity() {
        let refused =
            |request, pointer| Story::given([registered()]).when(add(request)).refused_at("rule_refused", pointer);
        refused(ClientRequest::default(), "/client_id");
        refused(ClientRequest { issuer: None, ..of_token() }, "/issuer");
        refused(ClientRequest { certificate_sha256: name(&"ab".repeat(32)), ..of_token() }, "/client_id");
        let certificate = |text: &str| ClientRequest { certificate_sha256: name(text), ..ClientRequest::default() };
        refused(certificate("ab:cd"), "/certificate_sha256");
        refused(certificate(&"xy".repeat(32)), "/certificate_sha256");
        let colons = ["AB"; 32].join(":");
        assert_eq!(certificate(&colons).identity(), certificate(&"ab".repeat(32)).identity());
    }

    #[test]
    fn a_key_confined_to_scopes_names_no_clients() {
        let scopes = Some(Scopes::of(vec![ScopeWord::Write(crate::kernel::Area::Organisations)]));
        let confined = Actor { scopes, ..Actor::service() };
        Story::given([registered()]).by(confined).when(add(of_token())).refused("insufficient_scope");
    }
}
