//! Registering cooperatives and what follows in their life.

use deserr::Deserr;
use utoipa::ToSchema;

use super::events::{BadanHukum, CooperativeEvent as Event, Licence};
use super::state::{Cooperative, CooperativeKind, CooperativeStatus};
use crate::kernel::{Area, Date, Faults, Name, Note, Number, Refusal, Region, Text};
use crate::ledger::{Decide, Decision, Scene};

/// Puts a cooperative on record.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"name": "KSP Sumber Rejeki", "kind": "ksp", "region": "64.72",
    "badan_hukum": {"number": "518.08/96/BH/XIV.10/VIII/2008", "date": "2008-08-14"}}))]
pub struct RegisterCooperative {
    /// Its name.
    pub name: Name,
    /// What it does.
    pub kind: CooperativeKind,
    /// Where it sits: one of the ten regencies and cities, or `64` for a cooperative of the whole province.
    pub region: Region,
    /// Its NIK Koperasi, 13 digits, if it has one.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub nik_koperasi: Option<Number>,
    /// Its ratification; needed when there is no `nik_koperasi`.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub badan_hukum: Option<BadanHukum>,
    /// Its address.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub address: Option<Note>,
}

impl Decide for RegisterCooperative {
    type Resource = Cooperative;
    const CREATES: bool = true;

    fn decide(&self, scene: &Scene<'_, Cooperative>) -> Result<Decision<Cooperative>, Refusal> {
        scene.actor.require_write(Area::Cooperatives, self.region, scene.actor.organisation)?;
        if self.nik_koperasi.is_none() && self.badan_hukum.is_none() {
            return Err(Refusal::rule(
                "/badan_hukum",
                "no_identity",
                Text::fixed(
                    "Sebutkan `nik_koperasi`, atau `badan_hukum` dengan nomor dan tanggalnya: tanpa itu koperasi tidak dapat dikenali.",
                    "Name the `nik_koperasi`, or the `badan_hukum` with number and date: without one the cooperative cannot be told apart.",
                ),
            ));
        }
        if let Some(badan_hukum) = &self.badan_hukum {
            badan_hukum.date.require_past(scene.now, "/badan_hukum/date")?;
        }
        Ok(Decision::one(Event::Registered {
            name: self.name.clone(),
            kind: self.kind,
            region: self.region,
            nik_koperasi: self.nik_koperasi.clone(),
            badan_hukum: self.badan_hukum.clone(),
            address: self.address.clone(),
        }))
    }
}

/// The cooperative, unless it was dissolved.
fn living<'a>(scene: &Scene<'a, Cooperative>) -> Result<&'a Cooperative, Refusal> {
    let own = scene.own()?;
    if own.status == CooperativeStatus::Dissolved {
        return Err(Refusal::wrong_state("dissolved", &[]));
    }
    Ok(own)
}

/// Changes some details; those that are named.
#[derive(Clone, Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"name": "KSP Sumber Rejeki Mandiri", "nik_koperasi": "6472010010001"}))]
pub struct AmendCooperative {
    /// New name.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub name: Option<Name>,
    /// New kind.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub kind: Option<CooperativeKind>,
    /// New or first NIK Koperasi.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub nik_koperasi: Option<Number>,
    /// New address.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub address: Option<Note>,
}

impl Decide for AmendCooperative {
    type Resource = Cooperative;

    fn decide(&self, scene: &Scene<'_, Cooperative>) -> Result<Decision<Cooperative>, Refusal> {
        let own = living(scene)?;
        let name = self.name.clone().filter(|name| *name != own.name);
        let kind = self.kind.filter(|kind| *kind != own.kind);
        let nik_koperasi = self.nik_koperasi.clone().filter(|nik| Some(nik) != own.nik_koperasi.as_ref());
        let address = self.address.clone().filter(|address| Some(address) != own.address.as_ref());
        if name.is_none() && kind.is_none() && nik_koperasi.is_none() && address.is_none() {
            return Ok(Decision::nothing());
        }
        Ok(Decision::one(Event::DetailsAmended { name, kind, nik_koperasi, address }))
    }
}

/// Records a further ratification as legal entity.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"badan_hukum": {"number": "AHU-0000667.AH.01.27.TAHUN 2020", "date": "2020-03-02"}}))]
pub struct RatifyLegalEntity {
    /// Number and date.
    pub badan_hukum: BadanHukum,
}

impl Decide for RatifyLegalEntity {
    type Resource = Cooperative;

    fn decide(&self, scene: &Scene<'_, Cooperative>) -> Result<Decision<Cooperative>, Refusal> {
        let own = living(scene)?;
        self.badan_hukum.date.require_past(scene.now, "/badan_hukum/date")?;
        let number = self.badan_hukum.number.normalised();
        if own.badan_hukum.iter().any(|known| known.number.normalised() == number) {
            return Err(Refusal::duplicate("/badan_hukum/number", "badan_hukum", scene.id));
        }
        Ok(Decision::one(Event::LegalEntityRatified(self.badan_hukum.clone())))
    }
}

/// Records a licence.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"kind": "Izin usaha simpan pinjam", "number": "503/12/IUSP/2013", "granted_on": "2013-05-02", "valid_until": "2018-05-01"}))]
pub struct GrantLicence {
    /// What it allows.
    pub kind: Name,
    /// Its number as printed.
    pub number: Number,
    /// The day it was granted.
    pub granted_on: Date,
    /// The last day it is valid.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub valid_until: Option<Date>,
}

impl Decide for GrantLicence {
    type Resource = Cooperative;

    fn decide(&self, scene: &Scene<'_, Cooperative>) -> Result<Decision<Cooperative>, Refusal> {
        living(scene)?;
        self.granted_on.require_past(scene.now, "/granted_on")?;
        if self.valid_until.is_some_and(|end| end < self.granted_on) {
            return Err(Refusal::rule(
                "/valid_until",
                "ends_before_it_begins",
                Text::fixed("Masa berlaku berakhir sebelum diterbitkan.", "It would end before it was granted."),
            ));
        }
        Ok(Decision::one(Event::LicenceGranted(Licence {
            kind: self.kind.clone(),
            number: self.number.clone(),
            granted_on: self.granted_on,
            valid_until: self.valid_until,
        })))
    }
}

/// The cooperative no longer works.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Tidak mengadakan RAT dua tahun berturut-turut"}))]
pub struct Deactivate {
    /// Why.
    pub reason: Note,
}

impl Decide for Deactivate {
    type Resource = Cooperative;

    fn decide(&self, scene: &Scene<'_, Cooperative>) -> Result<Decision<Cooperative>, Refusal> {
        match living(scene)?.status {
            CooperativeStatus::Active => Ok(Decision::one(Event::Deactivated { reason: self.reason.clone() })),
            _ => Err(Refusal::wrong_state("inactive", &["reactivations", "dissolutions"])),
        }
    }
}

/// The cooperative works again.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "RAT tahun buku 2013 telah diadakan"}))]
pub struct Reactivate {
    /// Why.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reason: Option<Note>,
}

impl Decide for Reactivate {
    type Resource = Cooperative;

    fn decide(&self, scene: &Scene<'_, Cooperative>) -> Result<Decision<Cooperative>, Refusal> {
        match living(scene)?.status {
            CooperativeStatus::Inactive => Ok(Decision::one(Event::Reactivated { reason: self.reason.clone() })),
            _ => Err(Refusal::wrong_state("active", &["deactivations", "dissolutions"])),
        }
    }
}

/// The cooperative was dissolved.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Keputusan rapat anggota pembubaran"}))]
pub struct Dissolve {
    /// Why.
    pub reason: Note,
}

impl Decide for Dissolve {
    type Resource = Cooperative;

    fn decide(&self, scene: &Scene<'_, Cooperative>) -> Result<Decision<Cooperative>, Refusal> {
        living(scene)?;
        Ok(Decision::one(Event::Dissolved { reason: self.reason.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Actor, OrganisationKind};
    use crate::ledger::testing::Story;
    use uuid::Uuid;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn note(text: &str) -> Note {
        Note::parse(text).unwrap()
    }

    fn badan_hukum(number: &str) -> BadanHukum {
        BadanHukum { number: Number::parse(number).unwrap(), date: Date::parse("2008-08-14").unwrap() }
    }

    fn registration(region: &str) -> RegisterCooperative {
        RegisterCooperative {
            name: name("KSP Uji"),
            kind: CooperativeKind::Ksp,
            region: Region::parse(region).unwrap(),
            nik_koperasi: None,
            badan_hukum: Some(badan_hukum("1/BH/2008")),
            address: None,
        }
    }

    fn registered() -> Event {
        let RegisterCooperative { name, kind, region, nik_koperasi, badan_hukum, address } = registration("64.72");
        Event::Registered { name, kind, region, nik_koperasi, badan_hukum, address }
    }

    fn samarinda() -> Actor {
        Actor {
            organisation: Uuid::from_u128(1),
            kind: OrganisationKind::Regency,
            region: Region::parse("64.72").unwrap(),
            key: Uuid::nil(),
            scopes: None,
        }
    }

    #[test]
    fn a_regency_registers_in_its_own_region() {
        Story::given([]).by(samarinda()).when(registration("64.72")).then([registered()]);
    }

    #[test]
    fn a_regency_cannot_register_for_another_region() {
        Story::given([]).by(samarinda()).when(registration("64.71")).refused("forbidden");
    }

    #[test]
    fn a_cooperative_without_any_official_number_is_refused() {
        let command = RegisterCooperative { badan_hukum: None, ..registration("64.72") };
        Story::given([]).when(command).refused_at("rule_refused", "/badan_hukum");
    }

    #[test]
    fn a_ratification_in_the_future_is_refused() {
        let later = BadanHukum { date: Date::parse("2999-01-01").unwrap(), ..badan_hukum("2/BH/2999") };
        let command = RegisterCooperative { badan_hukum: Some(later), ..registration("64.72") };
        Story::given([]).when(command).refused_at("rule_refused", "/badan_hukum/date");
    }

    #[test]
    fn an_amendment_that_changes_nothing_makes_no_event() {
        let same = AmendCooperative { name: Some(name("KSP Uji")), ..AmendCooperative::default() };
        Story::given([registered()]).when(same).then([]);
    }

    #[test]
    fn a_ratification_with_the_same_number_spelt_otherwise_is_a_duplicate() {
        let again = RatifyLegalEntity { badan_hukum: badan_hukum("1 / bh / 2008") };
        Story::given([registered()]).when(again).refused("duplicate");
    }

    #[test]
    fn an_active_cooperative_is_deactivated_and_then_only_reactivated_or_dissolved() {
        let gone = Event::Deactivated { reason: note("tidak RAT") };
        Story::given([registered()]).when(Deactivate { reason: note("tidak RAT") }).then([gone.clone()]);
        Story::given([registered(), gone.clone()]).when(Deactivate { reason: note("lagi") }).refused("wrong_state");
        let back = Event::Reactivated { reason: None };
        Story::given([registered(), gone]).when(Reactivate { reason: None }).then([back]);
        Story::given([registered()]).when(Reactivate { reason: None }).refused("wrong_state");
    }

    #[test]
    fn nothing_happens_to_a_dissolved_cooperative() {
        let dissolved = || Story::given([registered(), Event::Dissolved { reason: note("bubar") }]);
        dissolved().when(AmendCooperative::default()).refused("wrong_state");
        dissolved().when(Deactivate { reason: note("x") }).refused("wrong_state");
        dissolved().when(Dissolve { reason: note("x") }).refused("wrong_state");
    }
}
