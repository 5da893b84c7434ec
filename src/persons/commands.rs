//! Erasing, refusing to erase, restricting, lifting: the same for every kind of record that holds a person.

use std::marker::PhantomData;

use deserr::Deserr;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::problem_codes::FORBIDDEN;
use crate::kernel::{Action, DataStanding, Date, Faults, Note, Refusal, Text, reach};
use crate::ledger::{Decide, Decision, Resource, Scene};

crate::words! {
    /// Why the law keeps data that somebody asked to have erased.
    ErasureGround {
        /// It must be kept for a term that has not ended.
        Retention = "retention",
        /// A financing of the person's runs.
        FinancingRuns = "financing_runs",
        /// A certificate of the person's is in force.
        CertificateInForce = "certificate_in_force",
        /// A dispute is pending in which it is evidence.
        Dispute = "dispute",
        /// The state's administration needs it (UU 27/2022 pasal 15).
        StateAdministration = "state_administration",
        /// The supervision of finance needs it (UU 27/2022 pasal 15).
        FinancialSupervision = "financial_supervision",
    }
}

/// What happens to a person's data, in words of no area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonChange {
    /// The key is destroyed.
    Erased {
        /// Why.
        reason: Note,
    },
    /// It was asked to be erased and is kept.
    ErasureRefused {
        /// What the law gives as a ground.
        ground: ErasureGround,
        /// The provision.
        law: Note,
        /// Why it applies.
        reason: Note,
        /// When it ceases to.
        until: Option<Date>,
    },
    /// Its processing is restricted.
    Restricted {
        /// Why.
        reason: Note,
    },
    /// It is restricted no longer.
    RestrictionLifted {
        /// Why.
        reason: Note,
    },
}

/// A kind of record that holds a person's data.
pub trait HoldsPerson: Resource {
    /// How the data stands.
    fn standing(&self) -> DataStanding;
    /// Whose key it is sealed with.
    fn subject(&self) -> Uuid;
    /// The area's own event for a change.
    fn event_of(change: PersonChange) -> Self::Event;
}

/// A command on a person's data, whatever record holds it.
pub trait PersonCommand: Send + 'static {
    /// Whether it destroys the person's key.
    const DESTROYS: bool = false;

    /// The decision; that the actor may write the record was checked before. `sees_restricted` tells whether it sees restricted data there.
    ///
    /// # Errors
    /// The reason it is not carried out.
    fn decide(&self, standing: DataStanding, sees_restricted: bool) -> Result<PersonChange, Refusal>;
}

/// A [`PersonCommand`] on a record of kind `R`.
pub struct OnPerson<R, C> {
    command: C,
    kind: PhantomData<fn() -> R>,
}

impl<R, C> OnPerson<R, C> {
    /// The command, aimed at a kind of record.
    pub const fn of(command: C) -> Self {
        Self { command, kind: PhantomData }
    }
}

impl<R: HoldsPerson, C: PersonCommand> Decide for OnPerson<R, C> {
    type Resource = R;

    fn decide(&self, scene: &Scene<'_, R>) -> Result<Decision<R>, Refusal> {
        let own = scene.own()?;
        let (region, owner) = own.home();
        let sees_restricted = reach(scene.actor, Action::SeeRestricted, R::AREA).admits(region, owner);
        let change = self.command.decide(own.standing(), sees_restricted)?;
        let mut decision = Decision::one(R::event_of(change));
        if C::DESTROYS {
            decision.destroyed.push(own.subject());
        }
        Ok(decision)
    }
}

/// Destroys the key of a person's data.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Permintaan pemilik data menurut UU 27/2022 pasal 8"}))]
pub struct ErasePerson {
    /// Why. Name nobody: it is not sealed.
    pub reason: Note,
}

impl PersonCommand for ErasePerson {
    const DESTROYS: bool = true;

    fn decide(&self, standing: DataStanding, _: bool) -> Result<PersonChange, Refusal> {
        standing.require_kept()?;
        Ok(PersonChange::Erased { reason: self.reason.clone() })
    }
}

/// Records that a request to erase was refused, as the law demands or allows.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"ground": "financing_runs", "law": "UU 27/2022 pasal 15 ayat (1)", "reason": "Pembiayaan belum lunas",
    "until": "2017-02-28"}))]
pub struct RefuseErasure {
    /// What the law gives as a ground.
    pub ground: ErasureGround,
    /// The provision.
    pub law: Note,
    /// Why it applies. Name nobody: it is not sealed.
    pub reason: Note,
    /// When it ceases to, if that is known.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub until: Option<Date>,
}

impl PersonCommand for RefuseErasure {
    fn decide(&self, standing: DataStanding, _: bool) -> Result<PersonChange, Refusal> {
        standing.require_kept()?;
        let Self { ground, law, reason, until } = self.clone();
        Ok(PersonChange::ErasureRefused { ground, law, reason, until })
    }
}

/// Restricts the processing of a person's data.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Pemilik data menyangkal ketepatannya (UU 27/2022 pasal 11)"}))]
pub struct RestrictProcessing {
    /// Why. Name nobody: it is not sealed.
    pub reason: Note,
}

impl PersonCommand for RestrictProcessing {
    fn decide(&self, standing: DataStanding, _: bool) -> Result<PersonChange, Refusal> {
        standing.require_kept()?;
        if standing.restricted {
            return Err(Refusal::wrong_state("restricted", &["restriction-liftings"]));
        }
        Ok(PersonChange::Restricted { reason: self.reason.clone() })
    }
}

/// Lifts a restriction.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Data sudah diperiksa bersama pemiliknya"}))]
pub struct LiftRestriction {
    /// Why. Name nobody: it is not sealed.
    pub reason: Note,
}

impl PersonCommand for LiftRestriction {
    fn decide(&self, standing: DataStanding, sees_restricted: bool) -> Result<PersonChange, Refusal> {
        standing.require_kept()?;
        // Whom a restriction keeps from reading shall not undo it.
        if !sees_restricted {
            return Err(Refusal::new(
                &FORBIDDEN,
                Text::fixed(
                    "Pembatasan hanya dicabut oleh dinas provinsi.",
                    "Only the provincial office lifts a restriction.",
                ),
            ));
        }
        if !standing.restricted {
            return Err(Refusal::wrong_state("not_restricted", &["restrictions"]));
        }
        Ok(PersonChange::RestrictionLifted { reason: self.reason.clone() })
    }
}
