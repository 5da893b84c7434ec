//! Registering, amending and closing enterprises. The owner's data arrives here sealed.

use deserr::Deserr;
use utoipa::ToSchema;

use super::events::{EnterpriseEvent as Event, Judged};
use super::size::{SizeBasis, judge};
use super::state::{Enterprise, EnterpriseStatus};
use crate::kernel::problem_codes::PRECONDITION_FAILED;
use crate::kernel::{Area, Date, Faults, Name, Note, OneOf, Refusal, Region};
use crate::ledger::{Decide, Decision, Scene, SubjectKey};
use crate::persons::HoldsPerson;

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

/// The enterprise, unless it was closed.
fn working<'a>(scene: &Scene<'a, Enterprise>) -> Result<&'a Enterprise, Refusal> {
    let own = scene.own()?;
    match own.status {
        EnterpriseStatus::Active => Ok(own),
        closed @ EnterpriseStatus::Closed => Err(Refusal::wrong_state(closed.word(), &[])),
    }
}

/// The owner's data with changes made, sealed again.
#[derive(Clone, Debug)]
pub struct ResealedOwner {
    /// The sealed data that was changed: when it is no longer there, somebody else was first.
    pub based_on: String,
    /// All of the data with its key; nothing when there was nothing to open.
    pub changed: Option<(String, SubjectKey)>,
}

/// Changes details; what is named.
#[derive(Clone, Debug, Default)]
pub struct AmendSealedEnterprise {
    /// New name.
    pub name: Option<Name>,
    /// What it does now.
    pub sector: Option<Name>,
    /// New figures, all of them: its size is judged again by the rule in force on the day of `occurred_at`.
    pub size_basis: Option<SizeBasis>,
    /// The owner's data, if it changes.
    pub owner: Option<ResealedOwner>,
}

impl Decide for AmendSealedEnterprise {
    type Resource = Enterprise;

    fn decide(&self, scene: &Scene<'_, Enterprise>) -> Result<Decision<Enterprise>, Refusal> {
        let own = working(scene)?;
        let judged = |basis: &SizeBasis| -> Result<Judged, Refusal> {
            basis.check(scene.now)?;
            let (size_class, size_rule) = judge(basis, scene.occurred_at.day())?;
            Ok(Judged { size_basis: basis.clone(), size_class, size_rule })
        };
        let (mut sealed, mut key) = (None, None);
        if let Some(owner) = &self.owner {
            own.standing().require_amendable()?;
            let Some((changed, with)) = owner.changed.clone().filter(|_| own.sealed == owner.based_on) else {
                return Err(Refusal::new(&PRECONDITION_FAILED, PRECONDITION_FAILED.advice.clone()));
            };
            (sealed, key) = (Some(changed), Some(with));
        }
        let name = self.name.clone().filter(|name| *name != own.name);
        let sector = self.sector.clone().filter(|sector| Some(sector) != own.sector.as_ref());
        let size = self.size_basis.as_ref().map(judged).transpose()?;
        if name.is_none() && sector.is_none() && size.is_none() && sealed.is_none() {
            return Ok(Decision::nothing());
        }
        Ok(Decision::one(Event::DetailsAmended { name, sector, sealed, size }).with_key(key))
    }
}

/// Closes an enterprise for good.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Pemilik berhenti berusaha", "closed_on": "2014-05-01"}))]
pub struct CloseEnterprise {
    /// Why.
    pub reason: Note,
    /// The last day; when left out, the day of `occurred_at`.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub closed_on: Option<Date>,
}

impl Decide for CloseEnterprise {
    type Resource = Enterprise;

    fn decide(&self, scene: &Scene<'_, Enterprise>) -> Result<Decision<Enterprise>, Refusal> {
        working(scene)?;
        let closed_on = self.closed_on.unwrap_or_else(|| scene.occurred_at.day());
        closed_on.require_past(scene.now, "/closed_on")?;
        Ok(Decision::one(Event::Closed { closed_on, reason: self.reason.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::size::{SizeClass, SizeRule};
    use super::*;
    use crate::kernel::Money;
    use crate::ledger::testing::Story;
    use rust_decimal::Decimal;
    use uuid::Uuid;

    fn basis(millions: i64) -> SizeBasis {
        let sales = Money::idr(Decimal::from(millions) * Decimal::from(1_000_000));
        SizeBasis { net_worth: None, yearly_sales: Some(sales), founded_on: None }
    }

    fn registered() -> Event {
        Event::Registered {
            name: Name::parse("Warung").unwrap(),
            region: Region::parse("64.72").unwrap(),
            sector: None,
            subject: Uuid::from_u128(0x5B),
            sealed: "x1.sealed".to_owned(),
            size_basis: basis(180),
            size_class: SizeClass::Mikro,
            size_rule: SizeRule::Uu202008,
        }
    }

    fn closed() -> Event {
        Event::Closed { closed_on: Date::parse("2014-03-01").unwrap(), reason: Note::parse("berhenti").unwrap() }
    }

    #[test]
    fn amended_figures_are_judged_again_and_what_is_so_already_changes_nothing() {
        let amend = |millions| AmendSealedEnterprise { size_basis: Some(basis(millions)), ..Default::default() };
        let size = Judged { size_basis: basis(301), size_class: SizeClass::Kecil, size_rule: SizeRule::Uu202008 };
        Story::given([registered()]).when(amend(301)).then([Event::DetailsAmended {
            name: None,
            sector: None,
            sealed: None,
            size: Some(size),
        }]);
        Story::given([registered()]).when(amend(-1)).refused_at("rule_refused", "/size_basis/yearly_sales");
        let name = Name::parse("Warung").unwrap();
        Story::given([registered()]).when(AmendSealedEnterprise { name: Some(name), ..Default::default() }).then([]);
    }

    #[test]
    fn a_closed_enterprise_is_neither_amended_nor_closed_again() {
        let close = |day: &str| CloseEnterprise {
            reason: Note::parse("berhenti").unwrap(),
            closed_on: Some(Date::parse(day).unwrap()),
        };
        Story::given([registered()]).when(close("2014-03-01")).then([closed()]);
        Story::given([registered()]).when(close("2014-04-01")).refused_at("rule_refused", "/closed_on");
        let after = || Story::<Enterprise>::given([registered(), closed()]);
        assert_eq!(after().state().status, EnterpriseStatus::Closed);
        after().when(close("2014-03-02")).refused("wrong_state");
        after().when(AmendSealedEnterprise::default()).refused("wrong_state");
    }

    #[test]
    fn an_owner_whose_data_somebody_else_changed_meanwhile_is_not_overwritten() {
        let owner = Some(ResealedOwner { based_on: "x1.older".to_owned(), changed: None });
        let amend = AmendSealedEnterprise { owner, ..Default::default() };
        Story::given([registered()]).when(amend).refused("precondition_failed");
    }
}
