//! Who takes part: organisations, cooperatives, managers, enterprises; and the programme itself.

use rust_decimal::Decimal;

use super::player::{Player, date, day, failed, id, name, note, number};
use crate::cooperatives::{BadanHukum, CooperativeKind, GrantLicence, RegisterCooperative};
use crate::enterprises::{RegisterSealedEnterprise, SizeBasis};
use crate::kernel::{Actor, Id, Money, NikOrang, OrganisationKind, Person, Region};
use crate::managers::{Appoint, Manager, RegisterSealed, Role};
use crate::organisations::RegisterOrganisation;
use crate::persons::{ErasePerson, OnPerson};
use crate::programmes::{Enrol, Launch, Measure, ParticipantKind, Target};
use crate::regions::{Designate, DesignationTerms, DesignationTitle, region_id};
use crate::storage::OpenError;
use crate::trainings::{AttendeeKind, AttendeeReference, HoldTraining, RecordAttendance};
use crate::web::seal_person;

/// An organisation of the demonstration.
pub struct DemoOrganisation {
    /// What it is.
    pub kind: OrganisationKind,
    /// Its region.
    pub region: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its code.
    pub code: Option<&'static str>,
}

impl DemoOrganisation {
    /// Its region, parsed.
    pub fn region(&self) -> Option<Region> {
        Region::parse(self.region).ok()
    }
}

macro_rules! organisations {
    ($($kind:ident $region:literal $name:literal $code:expr;)*) => {
        &[$(DemoOrganisation { kind: OrganisationKind::$kind, region: $region, name: $name, code: $code }),*]
    };
}

/// Every organisation; all invented.
pub static ORGANISATIONS: &[DemoOrganisation] = organisations! {
    Province "64" "Dinas Koperasi Provinsi (peragaan)" None;
    Regency "64.01" "Dinas Koperasi Paser (peragaan)" None;
    Regency "64.02" "Dinas Koperasi Kutai Kartanegara (peragaan)" None;
    Regency "64.03" "Dinas Koperasi Berau (peragaan)" None;
    Regency "64.07" "Dinas Koperasi Kutai Barat (peragaan)" None;
    Regency "64.08" "Dinas Koperasi Kutai Timur (peragaan)" None;
    Regency "64.09" "Dinas Koperasi Penajam Paser Utara (peragaan)" None;
    Regency "64.11" "Dinas Koperasi Mahakam Ulu (peragaan)" None;
    Regency "64.71" "Dinas Koperasi Balikpapan (peragaan)" None;
    Regency "64.72" "Dinas Koperasi Samarinda (peragaan)" None;
    Regency "64.74" "Dinas Koperasi Bontang (peragaan)" None;
    Council "64" "Dewan Koperasi Wilayah (peragaan)" None;
    Certifier "64" "LSP Koperasi Peraga (fiktif)" None;
    Bank "64" "Bank Peraga Daerah (fiktif)" Some("991");
    Bank "64" "Bank Peraga Rakyat (fiktif)" Some("992");
    Bank "64" "Bank Peraga Niaga (fiktif)" Some("993");
    Ministry "64" "Kementerian (peragaan)" None;
    Auditor "64" "Auditor (peragaan)" None;
};

/// Where the 24 cooperatives sit: every regency and city has one at least.
pub static COOPERATIVE_REGIONS: [&str; 24] = [
    "64.72", "64.71", "64.02", "64.74", "64.08", "64.01", "64.03", "64.09", "64.07", "64.11", "64.72", "64.71",
    "64.02", "64.72", "64.08", "64.71", "64.01", "64.74", "64.03", "64.72", "64.02", "64.71", "64.09", "64.07",
];

/// Invented names.
static COOPERATIVE_NAMES: [&str; 24] = [
    "Sumber Rejeki",
    "Mitra Sejahtera",
    "Etam Bersama",
    "Taman Makmur",
    "Sangatta Mandiri",
    "Daya Taka",
    "Batiwakkal Jaya",
    "Benuo Sejati",
    "Sendawar Maju",
    "Urip Kerimaan",
    "Mahakam Berkah",
    "Manuntung Karya",
    "Tenggarong Usaha",
    "Pesut Makmur",
    "Tuah Bumi",
    "Beriman Sentosa",
    "Kandilo Abadi",
    "Laut Bersih",
    "Kakaban Harapan",
    "Tepian Sentosa",
    "Kedaton Bersatu",
    "Selat Makassar",
    "Nipah Subur",
    "Tanaa Purai",
];

/// The region of the n-th cooperative.
pub fn cooperative_region(nth: usize) -> Result<Region, OpenError> {
    Region::parse(COOPERATIVE_REGIONS[nth % 24]).map_err(|(_, why)| OpenError(why.en.into_owned()))
}

/// Lets every organisation in.
pub fn organisations(player: &Player<'_>) -> Result<(), OpenError> {
    for (index, organisation) in ORGANISATIONS.iter().enumerate() {
        let command = RegisterOrganisation {
            name: name(organisation.name)?,
            kind: organisation.kind,
            region: organisation.region(),
            code: organisation.code.map(number).transpose()?,
        };
        player.play(&Actor::service(), "2014-02-16", id("organisation", index), command)?;
    }
    Ok(())
}

/// Launches the programme with its four targets.
pub fn launch(player: &Player<'_>) -> Result<(), OpenError> {
    let target = |measure, number| Target { measure, number };
    let command = Launch {
        name: name("Program 100 hari Kalimantan Timur 2014 (peragaan)")?,
        region: None,
        starts_on: date("2014-02-17")?,
        ends_on: date("2014-05-27")?,
        targets: vec![
            target(Measure::HealthyKsp, 10),
            target(Measure::CertifiedManagers, 30),
            target(Measure::FinancedCooperatives, 3),
            target(Measure::FinancedEnterprises, 20),
        ],
    };
    player.play(&player.province(), "2014-02-17", id("programme", 1), command)
}

/// Registers the 24 cooperatives, each by its regency, and enrols them.
pub fn cooperatives(player: &Player<'_>) -> Result<(), OpenError> {
    for (nth, called) in COOPERATIVE_NAMES.iter().enumerate() {
        let region = cooperative_region(nth)?;
        let regency = player.regency(region);
        let command = RegisterCooperative {
            name: name(&format!("KSP {called} (fiktif)"))?,
            kind: CooperativeKind::Ksp,
            region,
            nik_koperasi: None,
            badan_hukum: Some(BadanHukum {
                number: number(&format!("{:03}/BH/PERAGAAN/{}", nth + 1, 1998 + nth % 14))?,
                date: date(&format!("{}-06-{:02}", 1998 + nth % 14, 1 + nth))?,
            }),
            address: Some(note(&format!("Jalan Contoh Nomor {}", nth + 1))?),
        };
        player.play(&regency, "2014-02-17", id("cooperative", nth), command)?;
        let licence = GrantLicence {
            kind: name("Izin usaha simpan pinjam")?,
            number: number(&format!("503/{:03}/IUSP/2012", nth + 1))?,
            granted_on: date("2012-07-02")?,
            valid_until: None,
        };
        player.play(&regency, "2014-02-17", id("cooperative", nth), licence)?;
        let enrol = Enrol { kind: ParticipantKind::Cooperative, participant: Id(id("cooperative", nth)) };
        player.play(&player.province(), "2014-02-17", id("programme", 1), enrol)?;
    }
    Ok(())
}

/// Registers 36 managers: one at every cooperative, a branch manager at half of them.
pub fn managers(player: &Player<'_>) -> Result<(), OpenError> {
    for nth in 0..36 {
        let cooperative = nth % 24;
        let region = cooperative_region(cooperative)?;
        let regency = player.regency(region);
        let on = day("2014-02-18", nth / 12)?;
        let manager = id("manager", nth);
        let person = Person {
            name: name(&format!("Manajer Peraga {:02} (fiktif)", nth + 1))?,
            nik_orang: Some(NikOrang(format!("{}0101018{:05}", region.code().replace('.', ""), 70_000 + nth))),
            phone: Some(number(&format!("0541-9990{:02}", nth + 1))?),
            address: None,
        };
        let (key, sealed) = seal_person(player.service, manager, &person, true).map_err(|problem| failed(&problem))?;
        player.play(&regency, &on, manager, RegisterSealed { region, sealed, key })?;
        let role = if nth < 24 { Role::Manajer } else { Role::ManajerCabang };
        let since = Some(date(&format!("{}-01-02", 2008 + nth % 5))?);
        player.play(
            &regency,
            &on,
            manager,
            Appoint { cooperative: Id(id("cooperative", cooperative)), role, since },
        )?;
    }
    Ok(())
}

/// Registers 24 enterprises over the regencies.
pub fn enterprises(player: &Player<'_>) -> Result<(), OpenError> {
    const TRADES: [&str; 6] = ["Warung", "Bengkel", "Kerajinan Rotan", "Amplang", "Sarung Tenun", "Tambak"];
    for nth in 0..24 {
        let region = cooperative_region(nth + 5)?;
        let enterprise = id("enterprise", nth);
        let owner = Person {
            name: name(&format!("Pemilik Peraga {:02} (fiktif)", nth + 1))?,
            nik_orang: Some(NikOrang(format!("{}4101018{:05}", region.code().replace('.', ""), 80_000 + nth))),
            phone: None,
            address: Some(note(&format!("Gang Contoh Nomor {}", nth + 1))?),
        };
        let (key, sealed) =
            seal_person(player.service, enterprise, &owner, false).map_err(|problem| failed(&problem))?;
        let sales = Decimal::from(120_000_000 + 35_000_000 * i64::try_from(nth).unwrap_or_default());
        let command = RegisterSealedEnterprise {
            name: name(&format!("{} Peraga {:02} (fiktif)", TRADES[nth % 6], nth + 1))?,
            region,
            sector: Some(name(TRADES[nth % 6])?),
            size_basis: SizeBasis { net_worth: None, yearly_sales: Some(Money::idr(sales)), founded_on: None },
            sealed,
            key,
        };
        player.play(&player.regency(region), &day("2014-02-20", nth / 8)?, enterprise, command)?;
    }
    Ok(())
}

/// Two trainings of the candidates before they are put forward: managers first, branch managers later.
pub fn trainings(player: &Player<'_>) -> Result<(), OpenError> {
    let sessions =
        [("Pelatihan manajer KSP", "2014-03-03", 0..24), ("Pelatihan manajer cabang KSP", "2014-03-10", 24..36)];
    for (nth, (called, from, managers)) in sessions.into_iter().enumerate() {
        let (region, until) = (cooperative_region(nth)?, day(from, 2)?);
        let training = HoldTraining {
            name: name(&format!("{called} (peragaan)"))?,
            region,
            held_from: date(from)?,
            held_until: Some(date(&until)?),
            place: Some(name("Balai Latihan Koperasi (peragaan)")?),
            organiser: Some(name("Dinas Koperasi Provinsi (peragaan)")?),
            subject_matter: Some(note("Standar kompetensi pengelola koperasi jasa keuangan")?),
        };
        player.play(&player.regency(region), &until, id("training", nth), training)?;
        let reference = |nth| AttendeeReference { kind: AttendeeKind::Manager, id: Id(id("manager", nth)) };
        let attendance = RecordAttendance { attendees: managers.map(reference).collect() };
        player.play(&player.regency(region), &until, id("training", nth), attendance)?;
    }
    Ok(())
}

/// Two cities are designated as movers of cooperatives.
pub fn designations(player: &Player<'_>) -> Result<(), OpenError> {
    for nth in 0..2 {
        let region = cooperative_region(nth)?;
        let terms = DesignationTerms {
            title: DesignationTitle::PenggerakKoperasi,
            designated_on: None,
            decree_number: Some(number(&format!("518/PERAGAAN.{}/2014", nth + 1))?),
            note: None,
        };
        player.play(&player.province(), "2014-04-02", region_id(region), Designate { region, terms })?;
    }
    Ok(())
}

/// One person asks for erasure.
pub fn erasure(player: &Player<'_>) -> Result<(), OpenError> {
    let erase = ErasePerson { reason: note("Permintaan pemilik data; bukan lagi pengelola")? };
    player.play(&player.province(), "2014-05-26", id("manager", 35), OnPerson::<Manager, _>::of(erase))
}
