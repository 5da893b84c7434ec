//! Registering enterprises. The owner's data arrives here sealed.

use super::events::EnterpriseEvent as Event;
use super::size::{SizeBasis, judge};
use super::state::Enterprise;
use crate::kernel::{Area, Name, Refusal, Region};
use crate::ledger::{Decide, Decision, Scene, SubjectKey};

/// Puts an enterprise on record, its owner's data sealed.
#[derive(Clone, Debug)]
pub struct RegisterSealedEnterprise {
    /// Its name.
    pub name: Name,
    /// Where.
    pub region: Region,
    /// What it does.
    pub sector: Option<Name>,
    /// What its size is judged on.
    pub size_basis: SizeBasis,
    /// The owner's sealed data.
    pub sealed: String,
    /// The key it was sealed with, wrapped.
    pub key: SubjectKey,
}

impl Decide for RegisterSealedEnterprise {
    type Resource = Enterprise;
    const CREATES: bool = true;

    fn decide(&self, scene: &Scene<'_, Enterprise>) -> Result<Decision<Enterprise>, Refusal> {
        scene.actor.require_write(Area::Enterprises, self.region, scene.actor.organisation)?;
        self.size_basis.check(scene.now)?;
        let (size_class, size_rule) = judge(&self.size_basis, scene.occurred_at.day())?;
        let event = Event::Registered {
            name: self.name.clone(),
            region: self.region,
            sector: self.sector.clone(),
            subject: self.key.subject,
            sealed: self.sealed.clone(),
            size_basis: self.size_basis.clone(),
            size_class,
            size_rule,
        };
        Ok(Decision::one(event).with_key(Some(self.key.clone())))
    }
}
