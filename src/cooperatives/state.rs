//! A cooperative as its events made it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{BadanHukum, CooperativeEvent as Event, Licence, Rating};
use super::views::{self, WORKING_KSP};
use crate::kernel::codelists::is_marked;
use crate::kernel::{Area, Date, Name, Note, Number, OneOf, Region};
use crate::ledger::{Cell, Claim, Envelope, Fact, Resource, Span, Stamp, Table};

crate::words! {
    /// What a cooperative does.
    CooperativeKind {
        /// Koperasi simpan pinjam: savings and loans.
        Ksp = "ksp",
        /// Koperasi simpan pinjam dan pembiayaan syariah.
        Kspps = "kspps",
        /// A savings-and-loan unit of another cooperative.
        Usp = "usp",
        /// Producers.
        Producer = "producer",
        /// Consumers.
        Consumer = "consumer",
        /// Marketing.
        Marketing = "marketing",
        /// Services.
        Services = "services",
    }
}

impl CooperativeKind {
    /// Whether it lends its members' savings: what health is rated of and managers are certified for. The code list
    /// says so.
    pub fn saves_and_lends(self) -> bool {
        is_marked("kinds", self.word(), "saves_and_lends")
    }
}

crate::words! {
    /// Whether it lives.
    CooperativeStatus {
        /// It works.
        Active = "active",
        /// It does not work at present.
        Inactive = "inactive",
        /// It was dissolved.
        Dissolved = "dissolved",
    }
}

crate::words! {
    /// A health category of any regulation; the words are terms of law.
    HealthCategory {
        /// Healthy.
        Sehat = "sehat",
        /// Fairly healthy.
        CukupSehat = "cukup_sehat",
        /// Less healthy (2009).
        KurangSehat = "kurang_sehat",
        /// Unhealthy (2009).
        TidakSehat = "tidak_sehat",
        /// Very unhealthy (2009).
        SangatTidakSehat = "sangat_tidak_sehat",
        /// Under supervision (2016).
        DalamPengawasan = "dalam_pengawasan",
        /// Under special supervision (2016).
        DalamPengawasanKhusus = "dalam_pengawasan_khusus",
    }
}

/// A cooperative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cooperative {
    /// About the record.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Its name.
    pub name: Name,
    /// What it does.
    pub kind: CooperativeKind,
    /// Where it sits.
    pub region: Region,
    /// Whether it lives.
    pub status: CooperativeStatus,
    /// Its NIK Koperasi. The digits do not tell where it sits.
    pub nik_koperasi: Option<Number>,
    /// Its ratifications, in the order they were recorded.
    pub badan_hukum: Vec<BadanHukum>,
    /// Its licences.
    pub licences: Vec<Licence>,
    /// Its address.
    pub address: Option<Note>,
    /// The rating of the latest book year.
    pub health: Option<Rating>,
    /// The rating of every book year, by year.
    pub ratings: Vec<Rating>,
    /// What looked odd when it was recorded, and was accepted; not told to banks.
    #[schema(required = false)]
    pub warnings: Vec<String>,
    /// The days on which it was on record as working; deactivation and dissolution end them. Not told to banks.
    #[serde(default)]
    #[schema(required = false)]
    pub working: Vec<Span>,
}

/// Digits of a NIK Koperasi as seen in practice; another count is a warning, not a refusal.
const NIK_KOPERASI_DIGITS: usize = 13;

fn warnings(nik_koperasi: Option<&Number>) -> Vec<String> {
    let expected =
        |nik: &&Number| nik.0.len() == NIK_KOPERASI_DIGITS && nik.0.bytes().all(|byte| byte.is_ascii_digit());
    let odd = nik_koperasi.is_some_and(|nik| !expected(&nik));
    odd.then(|| "nik_koperasi_not_13_digits".to_owned()).into_iter().collect()
}

impl Cooperative {
    fn registered(event: &Event, envelope: &Envelope) -> Option<Self> {
        let Event::Registered { name, kind, region, nik_koperasi, badan_hukum, address } = event else {
            return None;
        };
        Some(Self {
            stamp: Stamp::default(),
            name: name.clone(),
            kind: *kind,
            region: *region,
            status: CooperativeStatus::Active,
            warnings: warnings(nik_koperasi.as_ref()),
            nik_koperasi: nik_koperasi.clone(),
            badan_hukum: badan_hukum.iter().cloned().collect(),
            licences: Vec::new(),
            address: address.clone(),
            health: None,
            ratings: Vec::new(),
            working: vec![Span { from: envelope.occurred_at.day(), until: None, event_id: envelope.event_id }],
        })
    }

    fn amend(
        &mut self,
        name: Option<&Name>,
        kind: Option<CooperativeKind>,
        nik: Option<&Number>,
        address: Option<&Note>,
    ) {
        self.name = name.unwrap_or(&self.name).clone();
        self.kind = kind.unwrap_or(self.kind);
        if nik.is_some() {
            self.nik_koperasi = nik.cloned();
            self.warnings = warnings(nik);
        }
        if address.is_some() {
            self.address = address.cloned();
        }
    }

    fn rate(&mut self, rating: &Rating) {
        self.ratings.retain(|known| known.book_year != rating.book_year);
        self.ratings.push(rating.clone());
        self.ratings.sort_by_key(|known| known.book_year);
        self.health = self.ratings.last().cloned();
    }
}

impl Resource for Cooperative {
    type Event = Event;
    const KIND: &'static str = "cooperative";
    const TABLE: Table = views::TABLE;
    const AREA: Area = Area::Cooperatives;
    const CLAIMS: &'static [&'static str] = &["nik_koperasi", "badan_hukum"];
    const MEASURES: &'static [&'static str] = &[WORKING_KSP];

    fn evolve(state: Option<Self>, event: &Event, envelope: &Envelope) -> Option<Self> {
        let Some(mut state) = state else {
            return Self::registered(event, envelope);
        };
        let day = envelope.occurred_at.day();
        match event {
            Event::Registered { .. } => return None,
            Event::DetailsAmended { name, kind, nik_koperasi, address } => {
                state.amend(name.as_ref(), *kind, nik_koperasi.as_ref(), address.as_ref());
            }
            Event::LegalEntityRatified(badan_hukum) => state.badan_hukum.push(badan_hukum.clone()),
            Event::LicenceGranted(licence) => state.licences.push(licence.clone()),
            Event::Deactivated { .. } => {
                state.status = CooperativeStatus::Inactive;
                Span::end_before(&mut state.working, day);
            }
            Event::Reactivated { .. } => {
                state.status = CooperativeStatus::Active;
                state.working.push(Span { from: day, until: None, event_id: envelope.event_id });
            }
            Event::Dissolved { .. } => {
                state.status = CooperativeStatus::Dissolved;
                Span::end_before(&mut state.working, day);
            }
            Event::HealthRated(rating) => state.rate(rating),
        }
        Some(state)
    }

    /// A rating counts from the day of its determination, a corrected one too.
    fn counts_from(_: Option<&Self>, event: &Event, envelope: &Envelope) -> Date {
        match event {
            Event::LegalEntityRatified(badan_hukum) => badan_hukum.date,
            Event::LicenceGranted(licence) => licence.granted_on,
            Event::HealthRated(rating) => rating.determined_on,
            _ => envelope.occurred_at.day(),
        }
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }
    fn stamp_mut(&mut self) -> &mut Stamp {
        &mut self.stamp
    }
    fn columns(&self) -> Vec<Cell> {
        vec![
            Cell::text(self.region),
            Cell::text(self.kind.word()),
            Cell::text(self.status.word()),
            Cell::text(&self.name),
            Cell::text(self.name.0.to_lowercase()),
            Cell::maybe(self.health.as_ref().map(|rating| rating.category.word())),
        ]
    }
    fn home(&self) -> (Region, Uuid) {
        (self.region, self.stamp.recorded_by)
    }
    fn claims(&self) -> Vec<Claim> {
        let nik = self.nik_koperasi.iter().map(|nik| Claim {
            namespace: "nik_koperasi",
            value: nik.normalised(),
            pointer: "/nik_koperasi",
            what: "nik_koperasi",
        });
        let badan_hukum = self.badan_hukum.iter().map(|badan_hukum| Claim {
            namespace: "badan_hukum",
            value: format!("{}|{}", self.region, badan_hukum.number.normalised()),
            pointer: "/badan_hukum/number",
            what: "badan_hukum",
        });
        nik.chain(badan_hukum).collect()
    }
    fn facts(&self) -> Vec<Fact> {
        let working = self.working.iter().filter(|_| self.kind.saves_and_lends());
        working.map(|span| span.fact(WORKING_KSP, self.stamp.id, self.region)).collect()
    }
}
