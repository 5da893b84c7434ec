//! The demonstration: the 100-day programme of 17 February to 27 May 2014, played through the normal path with a clock that is set to those
//! days, the same every time. All names are invented and say so.
//!
//! Ten savings-and-loan cooperatives are found healthy, thirty of the thirty-six managers who were trained certified, three cooperatives and twenty enterprises financed; on the
//! way one assessment is returned, one states another total than computed, one determination is corrected, one disbursement reversed, one
//! certificate suspended and one person erased.

mod assessments;
mod certifications;
mod financing;
mod history;
mod player;
mod registers;
mod worksheets;

pub use history::generate;

use std::fmt::Write;

use serde_json::json;
use uuid::Uuid;

use crate::app::{Core, Place};
use crate::kernel::{Clock, OrganisationKind, Timestamp};
use crate::ledger::Ids;
use crate::organisations;
use crate::storage::{OpenError, head_position};
use crate::web::{Service, Stored};
use player::{Player, id};

/// What a visitor needs to try it.
#[derive(Debug)]
pub struct Guide {
    /// Keys by kind of organisation: `province`, `regency:64.72`, `bank:991`, …
    pub keys: Vec<(String, String)>,
    /// The programme.
    pub programme: Uuid,
}

impl Guide {
    /// The one line of `demo --json`.
    pub fn to_json(&self, url: &str) -> String {
        let keys: serde_json::Map<String, serde_json::Value> =
            self.keys.iter().map(|(name, key)| (name.clone(), json!(key))).collect();
        json!({"url": url, "keys": keys, "programme_id": self.programme}).to_string()
    }

    /// What `demo` prints: a key of each kind and three lines to try.
    pub fn to_text(&self, url: &str) -> String {
        let mut text = format!("lumbung demonstrates at {url} (API description: {url}/docs/)\n\nKeys:\n");
        for (name, key) in &self.keys {
            let _ = writeln!(text, "  {name:<14} {key}");
        }
        let key = |wanted: &str| {
            let found = self.keys.iter().find(|(name, _)| name.starts_with(wanted));
            found.map_or("", |(_, key)| key.as_str())
        };
        let programme = self.programme;
        let _ = write!(
            text,
            "\nTry:\n  curl {url}/v1/programmes/{programme}/progress\n  curl -H 'Authorization: Bearer {}' '{url}/v1/cooperatives?health_category=sehat&certified_manager=true&certified_on=2014-05-27&limit=3'\n  curl -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' -d '{{\"regulation\":\"permen-14-2009\",\"worksheet\":{{\"modal_sendiri\":\"2804349753.60\",\"total_aset\":\"4228431187.55\"}}}}' {url}/v1/assessments/preview\n",
            key("bank:"),
            key("regency:64.72"),
        );
        text
    }
}

/// Fills an empty database with the demonstration, or finds it there, and issues a key to each organisation.
///
/// # Errors
/// When the database holds something else.
pub fn prepare(place: &Place) -> Result<Guide, OpenError> {
    let programme = id("programme", 1);
    let empty = {
        let core = Core::open(place, Clock::System, Ids::Random, 1, 64)?;
        let position = read(&core.service, head_position)?;
        let known =
            read(&core.service, |connection| crate::programmes::Programme::find(connection, &programme.to_string()))?;
        core.close();
        if position > 0 && known.is_none() {
            return Err(OpenError(
                "the database already holds other data; name an empty one for the demonstration".to_owned(),
            ));
        }
        position == 0
    };
    if empty {
        let clock =
            Clock::set_to(Timestamp::parse("2014-02-16T08:00:00+08:00").map_err(|why| OpenError(why.en.into_owned()))?);
        let core = Core::open(place, clock, Ids::Counted(0), 1, 64)?;
        let played = play(&core.service);
        core.close();
        played?;
    }
    let core = Core::open(place, Clock::System, Ids::Random, 1, 64)?;
    let keys = issue_keys(&core.service);
    core.close();
    Ok(Guide { keys: keys?, programme })
}

fn read<T>(
    service: &Service,
    read: impl FnOnce(&mut crate::storage::AnyConnection) -> Result<T, crate::storage::ReadError>,
) -> Result<T, OpenError> {
    let mut connection = service.readers.get()?;
    read(&mut connection).map_err(|why| OpenError(why.to_string()))
}

fn issue_keys(service: &Service) -> Result<Vec<(String, String)>, OpenError> {
    let mut keys = Vec::new();
    // A label of its own for every start: a database that is kept gets further keys each time.
    let label = format!("demo {}", service.clock.now());
    for organisation in registers::ORGANISATIONS {
        let name = match organisation.kind {
            OrganisationKind::Regency => format!("regency:{}", organisation.region),
            OrganisationKind::Bank => format!("bank:{}", organisation.code.unwrap_or_default()),
            kind => kind.to_string(),
        };
        let region = organisation.region().filter(|region| !region.is_province());
        let key = organisations::issue_key(
            service,
            organisation.kind,
            region,
            organisation.name,
            organisation.code,
            Some(&label),
        )?;
        keys.push((name, key.text));
    }
    Ok(keys)
}

fn play(service: &Service) -> Result<(), OpenError> {
    let player = Player::new(service);
    registers::organisations(&player)?;
    registers::launch(&player)?;
    registers::cooperatives(&player)?;
    registers::managers(&player)?;
    registers::enterprises(&player)?;
    registers::trainings(&player)?;
    registers::designations(&player)?;
    assessments::first_and_second_round(&player)?;
    certifications::candidates_and_certificates(&player)?;
    financing::applications_and_disbursements(&player)?;
    assessments::correction(&player)?;
    certifications::suspension(&player)?;
    financing::reversal(&player)?;
    registers::erasure(&player)?;
    player.run()
}
