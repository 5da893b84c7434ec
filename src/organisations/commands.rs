//! Registering, deactivating and reactivating organisations.

use deserr::Deserr;
use utoipa::ToSchema;

use super::events::OrganisationEvent as Event;
use super::state::Organisation;
use crate::kernel::{Area, Faults, Name, Note, Number, OrganisationKind, PROVINCE, Refusal, Region, Text};
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

/// Makes everything of an organisation stop working at once: keys, certificates, clients of a token issuer.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Kerja sama berakhir"}))]
pub struct DeactivateOrganisation {
    /// Why.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reason: Option<Note>,
}

impl Decide for DeactivateOrganisation {
    type Resource = Organisation;

    fn decide(&self, scene: &Scene<'_, Organisation>) -> Result<Decision<Organisation>, Refusal> {
        let own = scene.own()?;
        if scene.actor.organisation == scene.id {
            return Err(Refusal::rule(
                "",
                "own_organisation",
                Text::fixed(
                    "Organisasi tidak dapat menonaktifkan dirinya sendiri: tidak ada yang dapat mengaktifkannya kembali.",
                    "An organisation cannot deactivate itself: nobody could reactivate it.",
                ),
            ));
        }
        own.require_active()?;
        Ok(Decision::one(Event::Deactivated { reason: self.reason.clone() }))
    }
}

/// Lets an organisation's keys and clients work again.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Kerja sama diperpanjang"}))]
pub struct ReactivateOrganisation {
    /// Why.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reason: Option<Note>,
}

impl Decide for ReactivateOrganisation {
    type Resource = Organisation;

    fn decide(&self, scene: &Scene<'_, Organisation>) -> Result<Decision<Organisation>, Refusal> {
        if scene.own()?.deactivated_at.is_none() {
            return Err(Refusal::wrong_state("active", &["deactivations"]));
        }
        Ok(Decision::one(Event::Reactivated { reason: self.reason.clone() }))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::kernel::Actor;
    use crate::ledger::testing::Story;

    pub fn registered() -> Event {
        Event::Registered {
            name: Name::parse("Bank Uji").unwrap(),
            kind: OrganisationKind::Bank,
            region: PROVINCE,
            code: None,
        }
    }

    /// The organisation all stories are about.
    pub fn itself() -> Actor {
        Actor::of(crate::ledger::testing::SUBJECT, OrganisationKind::Bank, PROVINCE)
    }

    #[test]
    fn an_organisation_is_deactivated_and_reactivated_by_another_only() {
        let (off, on) = (DeactivateOrganisation { reason: None }, ReactivateOrganisation { reason: None });
        let deactivated = || Event::Deactivated { reason: None };
        Story::given([registered()]).when(off.clone()).then([deactivated()]);
        Story::given([registered(), deactivated()]).when(off.clone()).refused("wrong_state");
        Story::given([registered()]).when(on.clone()).refused("wrong_state");
        Story::given([registered(), deactivated()]).when(on).then([Event::Reactivated { reason: None }]);
        Story::given([registered()]).by(itself()).when(off.clone()).refused("forbidden");
        let province = Actor { kind: OrganisationKind::Province, ..itself() };
        Story::given([registered()]).by(province).when(off).refused_at("rule_refused", "");
    }
}
