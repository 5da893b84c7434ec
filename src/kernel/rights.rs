//! Who may do what: [`reach`] is the whole table, one pure function. Deny by default.
//!
//! Its answer is a [`Scope`]: a decision asks whether the scope admits a record, a list turns it into its SQL filter (`within!`), and so does
//! whoever reads the log. Where the table of the contract leaves something open, this is how it is read:
//!
//! | kind | what the table leaves open |
//! |---|---|
//! | certifier | sees managers put forward to it without their personal data, which only the rows of province, regency (in full) and auditor (everything) include: it may put anybody forward to itself. No cooperatives |
//! | bank | of cooperatives the public facts: identity, licences, address, status, health categories, certified managers; neither how we came to know them (histories) nor our own notes (warnings) |
//! | regency, certifier | put candidates forward and appeal for them: the table names results and certificates, and somebody has to bring the candidates |
//! | all | see their own organisation with its keys; programmes and designations of regions are public |

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
        /// The log's entries as they were signed, every event of every organisation.
        Log = "log",
        /// Who looked at personal data.
        Audit = "audit",
    }
}

/// What is done with the records of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Recording something of them.
    Write,
    /// Reading them, whole or in part.
    Read,
    /// Reading them whole: what is internal too, and their histories.
    ReadInFull,
    /// Seeing who the person is.
    SeePerson,
    /// Seeing who the person is although processing is restricted, and lifting the restriction.
    SeeRestricted,
    /// Telling a person everything that is known of them.
    Disclose,
    /// Seeing worksheets and their scoring.
    SeeWorksheet,
}

/// Which records of an area a right reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// None.
    Nothing,
    /// Those of one region.
    Region(Region),
    /// Those that belong to one organisation: a financing to its lender, a certification to its certifier, a manager to the certifiers it was
    /// put forward to, an organisation to itself.
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

    /// What both reach. A region's records that belong to an organisation are no scope of their own: then nothing is.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, scope) | (scope, Self::All) => scope,
            (one, other) if one == other => one,
            _ => Self::Nothing,
        }
    }
}

/// Which records of `area` are reached by an action of `actor`: every right there is.
#[allow(clippy::match_same_arms, reason = "one arm per line of the table of rights")]
pub fn reach(actor: &Actor, action: Action, area: Area) -> Scope {
    use Area as A;
    let read = may_read(actor, area);
    match (action, actor.kind, area) {
        (Action::Write, ..) => may_write(actor, area),
        (Action::ReadInFull, Kind::Bank, A::Cooperatives) => Scope::Nothing,
        (Action::Read | Action::ReadInFull, ..) => read,
        (Action::SeePerson, Kind::Province | Kind::Auditor, A::Managers | A::Enterprises)
        | (Action::SeeRestricted | Action::Disclose, Kind::Province, A::Managers | A::Enterprises)
        | (Action::SeeWorksheet, Kind::Province | Kind::Council | Kind::Ministry | Kind::Auditor, A::Assessments) => {
            read
        }
        (Action::SeePerson, Kind::Regency, A::Managers | A::Enterprises)
        | (Action::SeeWorksheet, Kind::Regency, A::Assessments) => read.and(Scope::Region(actor.region)),
        // Whoever registered the person, which only regencies do besides the province.
        (Action::Disclose, Kind::Regency, A::Managers | A::Enterprises) => {
            read.and(Scope::Organisation(actor.organisation))
        }
        (Action::SeePerson | Action::SeeRestricted | Action::Disclose | Action::SeeWorksheet, ..) => Scope::Nothing,
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
        (_, Area::Log | Area::Audit) => Scope::Nothing,
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
        (Kind::Ministry, A::Log | A::Audit) => Scope::Nothing,
        (Kind::Province | Kind::Ministry | Kind::Auditor, _)
        | (_, A::Programmes | A::Regions)
        | (
            Kind::Regency,
            A::Cooperatives
            | A::Managers
            | A::Assessments
            | A::Determinations
            | A::Enterprises
            | A::Financings
            | A::Candidates
            | A::Certificates
            | A::Trainings,
        )
        | (Kind::Council, A::Cooperatives | A::Assessments | A::Determinations)
        | (Kind::Bank, A::Cooperatives) => Scope::All,
        (Kind::Certifier, A::Managers | A::Candidates | A::Certificates) | (Kind::Bank, A::Financings) => {
            Scope::Organisation(actor.organisation)
        }
        (_, A::Organisations) => Scope::Organisation(actor.organisation),
        _ => Scope::Nothing,
    }
}

/// Which events of an area's resources `actor` reads in the log: of what it may read whole, of assessments with their worksheets. Whoever recorded
/// an event reads it besides, with a credential that may read anything there.
pub fn may_follow(actor: &Actor, area: Area) -> Scope {
    reach(actor, if area == Area::Assessments { Action::SeeWorksheet } else { Action::ReadInFull }, area)
}

/// Whether `actor` sees the personal data in a record of `area` that it reads, of `region` and registered by `registered_by`. Regencies register
/// in their own region alone, so whoever registered a person sees it. Restricted data only those see who may lift the restriction.
pub fn personal_data(actor: &Actor, area: Area, (region, registered_by): (Region, Uuid), restricted: bool) -> bool {
    let sees = |action| reach(actor, action, area).admits(region, registered_by);
    sees(Action::SeePerson) && (!restricted || sees(Action::SeeRestricted))
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

    /// Refuses a credential that is confined to less than writing in an area where its organisation may.
    ///
    /// # Errors
    /// `insufficient_scope`.
    pub fn require_scope(&self, area: Area) -> Result<(), Refusal> {
        let confined = may_write(self, area) == Scope::Nothing && kind_may_write(self, area) != Scope::Nothing;
        if confined { Err(ScopeWord::Write(area).missing()) } else { Ok(()) }
    }

    /// Refuses a write outside the actor's reach.
    ///
    /// # Errors
    /// `insufficient_scope`, or `forbidden`, naming what the actor may reach instead.
    pub fn require_write(&self, area: Area, region: Region, owner: Uuid) -> Result<(), Refusal> {
        self.require_scope(area)?;
        let scope = may_write(self, area);
        if scope.admits(region, owner) {
            return Ok(());
        }
        Err(match scope {
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
            Log,
            Audit,
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
    fn who_may_write_nothing_of_a_kind_follows_no_worksheets_or_loans_of_others() {
        let regency = actor(Kind::Regency, "64.72");
        assert_eq!(may_follow(&regency, Area::Assessments), Scope::Region(regency.region));
        assert_eq!(may_follow(&regency, Area::Organisations), Scope::Organisation(regency.organisation));
        let bank = actor(Kind::Bank, "64");
        assert_eq!(may_follow(&bank, Area::Financings), Scope::Organisation(bank.organisation));
        for area in [Area::Cooperatives, Area::Assessments, Area::Managers, Area::Certificates] {
            assert_eq!(may_follow(&bank, area), Scope::Nothing, "{area:?}");
        }
        assert_eq!(may_follow(&actor(Kind::Auditor, "64"), Area::Trainings), Scope::All);
    }

    #[test]
    fn a_bank_reads_its_own_financings_and_no_assessments_or_enterprises() {
        let bank = actor(Kind::Bank, "64");
        assert_eq!(may_read(&bank, Area::Financings), Scope::Organisation(bank.organisation));
        assert_eq!(may_read(&bank, Area::Assessments), Scope::Nothing);
        assert_eq!(may_read(&bank, Area::Enterprises), Scope::Nothing);
        assert_eq!(may_read(&bank, Area::Cooperatives), Scope::All);
        assert_eq!(reach(&bank, Action::ReadInFull, Area::Cooperatives), Scope::Nothing);
        assert_eq!(reach(&bank, Action::ReadInFull, Area::Financings), Scope::Organisation(bank.organisation));
    }

    #[test]
    fn persons_are_seen_by_province_auditor_and_their_regency() {
        let (own, other) = (Region::parse("64.72").unwrap(), Region::parse("64.71").unwrap());
        let sees = |kind, region| personal_data(&actor(kind, "64.72"), Area::Managers, (region, Uuid::nil()), false);
        for kind in [Kind::Province, Kind::Auditor] {
            assert!(sees(kind, own) && sees(kind, other), "{kind}");
        }
        assert!(sees(Kind::Regency, own) && !sees(Kind::Regency, other));
        for kind in [Kind::Ministry, Kind::Council, Kind::Certifier, Kind::Bank] {
            assert!(!sees(kind, own) && !sees(kind, other), "{kind}");
        }
    }

    #[test]
    fn entries_and_looks_are_the_provinces_and_the_auditors_and_a_key_needs_the_word_for_them() {
        for area in [Area::Log, Area::Audit] {
            for kind in [Kind::Province, Kind::Auditor] {
                assert_eq!(may_read(&actor(kind, "64"), area), Scope::All);
                assert_eq!(may_write(&actor(kind, "64"), area), Scope::Nothing);
                let confined =
                    Actor { scopes: Some(super::super::Scopes::of_claim("cooperatives:read")), ..actor(kind, "64") };
                assert_eq!(may_read(&confined, area), Scope::Nothing);
            }
            for kind in [Kind::Regency, Kind::Council, Kind::Certifier, Kind::Bank, Kind::Ministry] {
                assert_eq!(may_read(&actor(kind, "64.72"), area), Scope::Nothing, "{kind}");
            }
        }
        let mirror = Actor { scopes: Some(super::super::Scopes::of_claim("log:read")), ..actor(Kind::Auditor, "64") };
        assert_eq!(may_read(&mirror, Area::Log), Scope::All);
        assert!(!personal_data(&mirror, Area::Managers, (mirror.region, Uuid::nil()), false));
    }

    #[test]
    fn what_two_scopes_reach_together() {
        let (one, other) = (Scope::Region(Region::parse("64.72").unwrap()), Scope::Organisation(Uuid::from_u128(7)));
        assert_eq!((Scope::All.and(one), one.and(Scope::All), one.and(one)), (one, one, one));
        assert_eq!((one.and(other), Scope::Nothing.and(Scope::All)), (Scope::Nothing, Scope::Nothing));
    }
}
