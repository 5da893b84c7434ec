//! Registering organisations, issuing and revoking their keys.

use deserr::Deserr;
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::OrganisationEvent as Event;
use super::state::Organisation;
use crate::kernel::{
    Area, Faults, Id, Name, Note, Number, OrganisationKind, PROVINCE, Refusal, Region, Text, Timestamp,
};
use crate::ledger::{Decide, Decision, Scene};

/// Lets an organisation use the service.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"name": "Dinas Koperasi Kota Samarinda", "kind": "regency", "region": "64.72"}))]
pub struct RegisterOrganisation {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub kind: OrganisationKind,
    /// Where it is competent; a regency must name its own, for others it is the province.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub region: Option<Region>,
    /// A code it is known by, such as a bank's three digits.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub code: Option<Number>,
}

impl Decide for RegisterOrganisation {
    type Resource = Organisation;
    const CREATES: bool = true;

    fn decide(&self, scene: &Scene<'_, Organisation>) -> Result<Decision<Organisation>, Refusal> {
        let region = self.region.unwrap_or(PROVINCE);
        scene.actor.require_write(Area::Organisations, region, scene.id)?;
        if (self.kind == OrganisationKind::Regency) == region.is_province() {
            return Err(Refusal::rule(
                "/region",
                "region_does_not_fit_kind",
                Text::fixed(
                    "Jenis `regency` harus menyebut kabupaten/kotanya; jenis lain berlaku untuk provinsi.",
                    "Kind `regency` must name its regency or city; every other kind is for the province.",
                ),
            ));
        }
        Ok(Decision::one(Event::Registered {
            name: self.name.clone(),
            kind: self.kind,
            region,
            code: self.code.clone(),
        }))
    }
}

/// Records a key that was made for an organisation; the secret itself is not part of it.
#[derive(Clone, Debug)]
pub struct IssueKey {
    /// The key's id.
    pub key_id: Uuid,
    /// What it is for.
    pub label: Option<Name>,
    /// SHA-256 of the key, hexadecimal.
    pub hash: String,
    /// Its last four characters.
    pub last_four: String,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
}

impl Decide for IssueKey {
    type Resource = Organisation;

    fn decide(&self, scene: &Scene<'_, Organisation>) -> Result<Decision<Organisation>, Refusal> {
        let own = scene.own()?;
        if own.keys.iter().any(|key| key.key_id == self.key_id) {
            return Err(Refusal::duplicate("/key_id", "key_id", self.key_id));
        }
        if self.expires_at.is_some_and(|end| end <= scene.now) {
            return Err(Refusal::rule(
                "/expires_at",
                "already_over",
                Text::fixed("Waktu berakhir harus di masa depan.", "The expiry must lie in the future."),
            ));
        }
        Ok(Decision::one(Event::KeyIssued {
            key_id: self.key_id,
            label: self.label.clone(),
            hash: self.hash.clone(),
            last_four: self.last_four.clone(),
            expires_at: self.expires_at,
        }))
    }
}

/// Makes a key stop working at once.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"key_id": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b", "reason": "Pegawai pindah tugas"}))]
pub struct RevokeKey {
    /// Which key.
    pub key_id: Id,
    /// Why.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reason: Option<Note>,
}

impl Decide for RevokeKey {
    type Resource = Organisation;

    fn decide(&self, scene: &Scene<'_, Organisation>) -> Result<Decision<Organisation>, Refusal> {
        let own = scene.own()?;
        let key = own.keys.iter().find(|key| key.key_id == self.key_id.0);
        match key {
            None => Err(Refusal::not_found("key", self.key_id.0)),
            Some(key) if key.revoked_at.is_some() => Ok(Decision::nothing()),
            Some(_) => Ok(Decision::one(Event::KeyRevoked { key_id: self.key_id.0, reason: self.reason.clone() })),
        }
    }
}
