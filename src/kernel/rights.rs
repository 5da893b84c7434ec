//! Who may do what: one pure function for writing, one for reading. Deny by default.
//!
//! The answer is a [`Scope`]; a decision asks whether the scope admits a record, a list turns it into its SQL filter.

use uuid::Uuid;

use super::problem_codes::FORBIDDEN;
use super::{Actor, OrganisationKind as Kind, Refusal, Region, ScopeWord};

crate::words! {
    /// The areas that rights are given by.
    Area {
        /// Organisations and their keys.
        Organisations = "organisations",
        /// Cooperatives.
        Cooperatives = "cooperatives",
        /// Managers.
        Managers = "managers",
        /// Submitting, resubmitting and withdrawing assessments.
        Assessments = "assessments",
        /// Returning, determining and correcting assessments.
        Determinations = "determinations",
        /// Putting candidates forward for certification.
        Candidates = "candidates",
        /// Results and certificates.
        Certificates = "certificates",
        /// Enterprises.
        Enterprises = "enterprises",
        /// Financings.
        Financings = "financings",
        /// Trainings and who attended them.
        Trainings = "trainings",
        /// Programmes.
        Programmes = "programmes",
        /// Designations of regions.
        Regions = "regions",
    }
}

/// Which records of an area a right reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// None.
    Nothing,
    /// Those of one region.
    Region(Region),
    /// Those that belong to one organisation.
    Organisation(Uuid),
    /// All.
    All,
}

impl Scope {
    /// Whether a record of `region` that belongs to `owner` is within reach.
    pub fn admits(self, region: Region, owner: Uuid) -> bool {
        match self {
            Self::Nothing => false,
            Self::Region(own) => own.covers(region),
            Self::Organisation(own) => own == owner,
            Self::All => true,
        }
    }
}

/// What `actor` may write in `area`: what its kind may, as far as its credential goes.
pub fn may_write(actor: &Actor, area: Area) -> Scope {
    if actor.scopes.as_ref().is_none_or(|scopes| scopes.write(area)) {
        kind_may_write(actor, area)
    } else {
        Scope::Nothing
    }
}

/// What `actor` may read in `area`, likewise.
pub fn may_read(actor: &Actor, area: Area) -> Scope {
    if actor.scopes.as_ref().is_none_or(|scopes| scopes.read(area)) {
        kind_may_read(actor, area)
    } else {
        Scope::Nothing
    }
}

/// What an organisation of the actor's kind may write in `area`.
pub(super) fn kind_may_write(actor: &Actor, area: Area) -> Scope {
    match (actor.kind, area) {
        (Kind::Province, _) | (Kind::Council, Area::Assessments) => Scope::All,
        (
            Kind::Regency,
            Area::Cooperatives
            | Area::Managers
            | Area::Assessments
            | Area::Enterprises
            | Area::Candidates
            | Area::Trainings,
        ) => Scope::Region(actor.region),
        (Kind::Certifier, Area::Candidates | Area::Certificates) | (Kind::Bank, Area::Financings) => {
            Scope::Organisation(actor.organisation)
        }
        _ => Scope::Nothing,
    }
}

/// What an organisation of the actor's kind may read in `area`.
#[allow(clippy::match_same_arms, reason = "one arm per line of the table of rights")]
pub(super) fn kind_may_read(actor: &Actor, area: Area) -> Scope {
    use Area as A;
    match (actor.kind, area) {
        (Kind::Province | Kind::Ministry | Kind::Auditor, _)
        | (_, A::Cooperatives | A::Programmes | A::Regions)
        | (
            Kind::Regency,
            A::Managers
            | A::Assessments
            | A::Enterprises
            | A::Financings
            | A::Candidates
            | A::Certificates
            | A::Trainings,
        )
        | (Kind::Council, A::Assessments | A::Determinations) => Scope::All,
        (Kind::Certifier, A::Managers | A::Candidates | A::Certificates) | (Kind::Bank, A::Financings) => {
            Scope::Organisation(actor.organisation)
        }
        (_, A::Organisations) => Scope::Organisation(actor.organisation),
        _ => Scope::Nothing,
    }
}

/// Whether `actor` sees the personal data of a person whom `registered_by` registered.
pub fn personal_data(actor: &Actor, registered_by: Uuid) -> bool {
    actor.kind == Kind::Province || actor.organisation == registered_by
}

impl Actor {
    /// Refuses who may write nothing at all in an area, before anything is looked up that could tell them what exists.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn require_some_write(&self, area: Area) -> Result<(), Refusal> {
        match may_write(self, area) {
            Scope::Nothing => self.require_write(area, super::PROVINCE, Uuid::nil()),
            _ => Ok(()),
        }
    }

    /// Refuses a read of an area of which the actor may see nothing, and says what it lacks.
    ///
    /// # Errors
    /// `forbidden` or `insufficient_scope`.
    pub fn require_some_read(&self, area: Area) -> Result<Scope, Refusal> {
        match may_read(self, area) {
            Scope::Nothing if kind_may_read(self, area) != Scope::Nothing => Err(ScopeWord::Read(area).missing()),
            Scope::Nothing => {
                let kind = self.kind;
                Err(Refusal::new(
                    &FORBIDDEN,
                    text!(
                        "Organisasi berjenis `{kind}` tidak dapat membaca bagian ini.",
                        "An organisation of kind `{kind}` cannot read this part."
                    ),
                ))
            }
            scope => Ok(scope),
        }
    }

    /// Refuses a write outside the actor's reach.
    ///
    /// # Errors
    /// `forbidden`, naming what the actor may reach instead.
    pub fn require_write(&self, area: Area, region: Region, owner: Uuid) -> Result<(), Refusal> {
        let scope = may_write(self, area);
        if scope.admits(region, owner) {
            return Ok(());
        }
        Err(match scope {
            Scope::Nothing if kind_may_write(self, area) != Scope::Nothing => ScopeWord::Write(area).missing(),
            Scope::Region(own) => Refusal::new(
                &FORBIDDEN,
                text!(
                    "Kunci Anda milik wilayah {own} dan tidak dapat menulis untuk wilayah {region}.",
                    "Your key belongs to region {own} and cannot write for region {region}."
                ),
            ),
            Scope::Organisation(_) => Refusal::new(
                &FORBIDDEN,
                super::Text::fixed(
                    "Catatan ini milik organisasi lain.",
                    "This record belongs to another organisation.",
                ),
            ),
            _ => {
                let kind = self.kind;
                Refusal::new(
                    &FORBIDDEN,
                    text!(
                        "Organisasi berjenis `{kind}` tidak dapat melakukan ini.",
                        "An organisation of kind `{kind}` cannot do this."
                    ),
                )
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(kind: Kind, region: &str) -> Actor {
        Actor::of(Uuid::from_u128(7), kind, Region::parse(region).unwrap())
    }

    #[test]
    fn a_regency_writes_for_its_own_region_only() {
        let samarinda = actor(Kind::Regency, "64.72");
        let own = Region::parse("64.72").unwrap();
        let other = Region::parse("64.71").unwrap();
        assert!(samarinda.require_write(Area::Cooperatives, own, Uuid::nil()).is_ok());
        assert!(samarinda.require_write(Area::Cooperatives, other, Uuid::nil()).is_err());
        assert!(samarinda.require_write(Area::Determinations, own, Uuid::nil()).is_err());
    }

    #[test]
    fn ministry_and_auditor_write_nothing_and_no_one_but_the_province_holds_keys() {
        use Area::*;
        let areas = [
            Organisations,
            Cooperatives,
            Managers,
            Assessments,
            Determinations,
            Candidates,
            Certificates,
            Enterprises,
            Financings,
            Trainings,
            Programmes,
            Regions,
        ];
        for area in areas {
            for kind in [Kind::Ministry, Kind::Auditor] {
                assert_eq!(may_write(&actor(kind, "64"), area), Scope::Nothing);
            }
        }
        for kind in [Kind::Regency, Kind::Council, Kind::Certifier, Kind::Bank] {
            assert_eq!(may_write(&actor(kind, "64.72"), Organisations), Scope::Nothing);
        }
    }

    #[test]
    fn a_bank_reads_its_own_financings_and_no_assessments_or_enterprises() {
        let bank = actor(Kind::Bank, "64");
        assert_eq!(may_read(&bank, Area::Financings), Scope::Organisation(bank.organisation));
        assert_eq!(may_read(&bank, Area::Assessments), Scope::Nothing);
        assert_eq!(may_read(&bank, Area::Enterprises), Scope::Nothing);
        assert_eq!(may_read(&bank, Area::Cooperatives), Scope::All);
    }
}
