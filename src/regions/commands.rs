//! Designating regions.

use deserr::Deserr;
use utoipa::ToSchema;

use super::events::{DesignationTitle, RegionEvent as Event};
use super::state::RegionRecord;
use crate::kernel::{Area, Date, Faults, Note, Number, PROVINCE, Refusal, Region, Text};
use crate::ledger::{Decide, Decision, Scene};

/// What a region is designated as.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"title": "penggerak_koperasi", "designated_on": "2014-03-12", "decree_number": "518/K.123/2014"}))]
pub struct DesignationTerms {
    /// As what.
    pub title: DesignationTitle,
    /// The day; when left out, the day of `occurred_at`.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub designated_on: Option<Date>,
    /// Number of the decree.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub decree_number: Option<Number>,
    /// Remarks.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub note: Option<Note>,
}

/// Designates a regency or city.
#[derive(Clone, Debug)]
pub struct Designate {
    /// Which.
    pub region: Region,
    /// As what.
    pub terms: DesignationTerms,
}

impl Decide for Designate {
    type Resource = RegionRecord;

    fn decide(&self, scene: &Scene<'_, RegionRecord>) -> Result<Decision<RegionRecord>, Refusal> {
        scene.actor.require_write(Area::Regions, PROVINCE, scene.actor.organisation)?;
        if self.region.is_province() {
            return Err(Refusal::rule(
                "",
                "not_a_regency",
                Text::fixed(
                    "Yang ditetapkan adalah kabupaten atau kota, bukan provinsi.",
                    "A regency or city is designated, not the province.",
                ),
            ));
        }
        let DesignationTerms { title, designated_on, decree_number, note } = self.terms.clone();
        let designated_on = designated_on.unwrap_or_else(|| scene.occurred_at.day());
        designated_on.require_past(scene.now, "/designated_on")?;
        let known = scene.state.and_then(|state| {
            state.designations.iter().find(|known| known.title == title && known.designated_on == designated_on)
        });
        if let Some(known) = known {
            return Err(Refusal::duplicate("/designated_on", "designation", known.event_id));
        }
        Ok(Decision::one(Event::Designated { region: self.region, title, designated_on, decree_number, note }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::region_id;
    use super::*;
    use crate::kernel::{Actor, OrganisationKind, REGIONS};
    use crate::ledger::testing::Story;
    use uuid::Uuid;

    fn designate(code: &str, day: &str) -> Designate {
        let terms = DesignationTerms {
            title: DesignationTitle::PenggerakKoperasi,
            designated_on: Some(Date::parse(day).unwrap()),
            decree_number: None,
            note: None,
        };
        Designate { region: Region::parse(code).unwrap(), terms }
    }

    fn designated() -> Event {
        Event::Designated {
            region: Region::parse("64.72").unwrap(),
            title: DesignationTitle::PenggerakKoperasi,
            designated_on: Date::parse("2014-03-01").unwrap(),
            decree_number: None,
            note: None,
        }
    }

    #[test]
    fn a_regency_is_designated_by_the_province_once_a_day_and_not_ahead() {
        Story::given([]).when(designate("64.72", "2014-03-01")).then([designated()]);
        Story::given([designated()]).when(designate("64.72", "2014-03-01")).refused("duplicate");
        Story::given([designated()]).when(designate("64.72", "2014-03-02")).then_types(&["region.designated"]);
        Story::given([]).when(designate("64.72", "2014-04-01")).refused_at("rule_refused", "/designated_on");
        Story::given([]).when(designate("64", "2014-03-01")).refused("rule_refused");
        let regency = Actor {
            organisation: Uuid::from_u128(7),
            kind: OrganisationKind::Regency,
            region: Region::parse("64.72").unwrap(),
            key: Uuid::nil(),
            scopes: None,
        };
        Story::given([]).by(regency).when(designate("64.72", "2014-03-01")).refused("forbidden");
    }

    #[test]
    fn every_region_has_a_stream_of_its_own() {
        let ids: std::collections::BTreeSet<Uuid> =
            REGIONS.iter().map(|entry| region_id(Region::parse(entry.code).unwrap())).collect();
        assert_eq!(ids.len(), REGIONS.len());
    }
}
