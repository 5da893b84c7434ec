//! A manager as the events made them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::ManagerEvent as Event;
use super::views;
use crate::cooperatives::MANAGED_BY;
use crate::kernel::codelists::is_marked;
use crate::kernel::{Area, DataStanding, Date, OneOf, Region};
use crate::ledger::{Cell, Envelope, Fact, Resource, Span, Stamp, Table};
use crate::persons::{HoldsPerson, PersonChange};

crate::words! {
    /// What a person is at a cooperative.
    Role {
        /// Member of the board.
        Pengurus = "pengurus",
        /// Supervisor.
        Pengawas = "pengawas",
        /// Manager.
        Manajer = "manajer",
        /// Branch manager.
        ManajerCabang = "manajer_cabang",
        /// Head of funds.
        KabagDana = "kabag_dana",
        /// Head of loans.
        KabagPinjaman = "kabag_pinjaman",
        /// Bookkeeper.
        JuruBuku = "juru_buku",
        /// Cashier.
        Kasir = "kasir",
    }
}

impl Role {
    /// Whether its holder counts as a manager: the code list says so.
    pub fn is_manager(self) -> bool {
        is_marked("roles", self.word(), "counts_as_manager")
    }
}

/// A role held at a cooperative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Appointment {
    /// Where.
    pub cooperative: Uuid,
    /// As what.
    pub role: Role,
    /// From this day on.
    pub since: Date,
    /// The last day; null while it is held.
    pub until: Option<Date>,
    /// The event that made it.
    pub event_id: Uuid,
}

/// A manager. What the sealed text holds appears as `person` to those who may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Manager {
    /// About the record.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Where.
    pub region: Region,
    /// Whose key the data is sealed with; never shown.
    #[schema(ignore)]
    pub subject: Uuid,
    /// The person's data, sealed; never shown.
    #[schema(ignore)]
    pub sealed: String,
    /// Whether the data was erased.
    pub erased: bool,
    /// Whether its processing is restricted; said where it is so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(ignore)]
    pub restricted: bool,
    /// Roles held now and before.
    pub appointments: Vec<Appointment>,
}

impl Manager {
    /// Roles held now.
    pub fn current(&self) -> impl Iterator<Item = &Appointment> {
        self.appointments.iter().filter(|appointment| appointment.until.is_none())
    }

    /// The role that counted on a day: a manager role if one was held then, else the latest.
    pub fn role_on(&self, day: Date) -> Option<Role> {
        leading(
            self.appointments
                .iter()
                .filter(|appointment| appointment.since <= day && appointment.until.is_none_or(|until| day <= until)),
        )
    }

    /// The role that counts now: a manager role if one is held, else the latest.
    pub fn role(&self) -> Option<Role> {
        leading(self.current())
    }
}

/// Of roles held side by side, the one that counts: a manager role, else the latest.
fn leading<'a>(held: impl Iterator<Item = &'a Appointment>) -> Option<Role> {
    let roles: Vec<Role> = held.map(|appointment| appointment.role).collect();
    roles.iter().find(|role| role.is_manager()).or(roles.last()).copied()
}

impl Resource for Manager {
    type Event = Event;
    const KIND: &'static str = "manager";
    const TABLE: Table = views::TABLE;
    const AREA: Area = Area::Managers;
    const MEASURES: &'static [&'static str] = &[MANAGED_BY];

    fn evolve(state: Option<Self>, event: &Event, envelope: &Envelope) -> Option<Self> {
        let Some(mut state) = state else {
            let Event::Registered { region, subject, sealed } = event else {
                return None;
            };
            return Some(Self {
                stamp: Stamp::default(),
                region: *region,
                subject: *subject,
                sealed: sealed.clone(),
                erased: false,
                restricted: false,
                appointments: Vec::new(),
            });
        };
        match event {
            Event::Registered { .. } => return None,
            Event::DetailsAmended { sealed } => state.sealed.clone_from(sealed),
            Event::Appointed { cooperative, role, since } => state.appointments.push(Appointment {
                cooperative: *cooperative,
                role: *role,
                since: *since,
                until: None,
                event_id: envelope.event_id,
            }),
            Event::Departed { cooperative, role, until, .. } => {
                let held = |held: &&mut Appointment| {
                    held.cooperative == *cooperative && held.role == *role && held.until.is_none()
                };
                state.appointments.iter_mut().find(held)?.until = Some(*until);
            }
            Event::PersonalDataErased { .. } => {
                state.erased = true;
                state.sealed.clear();
            }
            Event::ErasureRefused { .. } => {}
            Event::ProcessingRestricted { .. } => state.restricted = true,
            Event::RestrictionLifted { .. } => state.restricted = false,
        }
        Some(state)
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
            Cell::text(self.stamp.recorded_by),
            Cell::maybe(self.current().last().map(|appointment| appointment.cooperative)),
            Cell::maybe(self.role().map(OneOf::word)),
            Cell::text(if self.erased { "erased" } else { "active" }),
        ]
    }
    fn home(&self) -> (Region, Uuid) {
        (self.region, self.stamp.recorded_by)
    }
    fn facts(&self) -> Vec<Fact> {
        self.appointments
            .iter()
            .filter(|held| held.role.is_manager() && held.until.is_none_or(|until| held.since <= until))
            .map(|held| {
                let span = Span { from: held.since, until: held.until, event_id: held.event_id };
                span.fact(MANAGED_BY, held.cooperative, self.region)
            })
            .collect()
    }
}

impl HoldsPerson for Manager {
    fn standing(&self) -> DataStanding {
        DataStanding { erased: self.erased, restricted: self.restricted }
    }
    fn subject(&self) -> Uuid {
        self.subject
    }
    fn event_of(change: PersonChange) -> Event {
        match change {
            PersonChange::Erased { reason } => Event::PersonalDataErased { reason },
            PersonChange::ErasureRefused { ground, law, reason, until } => {
                Event::ErasureRefused { ground, law, reason, until }
            }
            PersonChange::Restricted { reason } => Event::ProcessingRestricted { reason },
            PersonChange::RestrictionLifted { reason } => Event::RestrictionLifted { reason },
        }
    }
}
