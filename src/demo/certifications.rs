//! 36 candidates: thirty are found competent and certified, four are not yet, two still wait.

use super::player::{Player, day, id, name, note, number};
use super::registers::cooperative_region;
use crate::certifications::{CompetenceResult, IssueCertificate, RecordResult, RegisterCandidate, Suspend};
use crate::kernel::{Id, OrganisationKind};
use crate::storage::OpenError;

/// How many are certified, and how many get a result.
const CERTIFIED: usize = 30;
const ASSESSED: usize = 34;
/// The one whose certificate is suspended.
const SUSPENDED: usize = 11;

/// From March to May.
pub fn candidates_and_certificates(player: &Player<'_>) -> Result<(), OpenError> {
    let certifier = player.actor(OrganisationKind::Certifier, 0);
    for nth in 0..36 {
        let regency = player.regency(cooperative_region(nth % 24)?);
        let certification = id("certification", nth);
        let candidate = RegisterCandidate {
            manager: Id(id("manager", nth)),
            scheme: name("Kepala Cabang/Manajer KSP")?,
            certifier: Some(Id(certifier.organisation)),
        };
        player.play(&regency, &day("2014-03-17", nth / 12)?, certification, candidate)?;
        if nth >= ASSESSED {
            continue;
        }
        let result = if nth < CERTIFIED { CompetenceResult::Kompeten } else { CompetenceResult::BelumKompeten };
        let on = day("2014-04-07", nth / 2)?;
        let place = Some(name("TUK Sementara Samarinda (peragaan)")?);
        player.play(&certifier, &on, certification, RecordResult { result, assessed_on: None, place })?;
        if nth < CERTIFIED {
            let certificate = IssueCertificate {
                certificate_number: number(&format!("DEMO-64-{:04}", nth + 1))?,
                registration_number: Some(number(&format!("DEMO.KJK.{:05}.2014", nth + 1))?),
                issued_on: None,
                valid_until: None,
            };
            player.play(&certifier, &day(&on, 14)?, certification, certificate)?;
        }
    }
    Ok(())
}

/// One certificate is suspended; it was issued all the same, and counts.
pub fn suspension(player: &Player<'_>) -> Result<(), OpenError> {
    let suspend = Suspend { reason: note("Dalam pemeriksaan penyalahgunaan sertifikat")? };
    let certifier = player.actor(OrganisationKind::Certifier, 0);
    player.play(&certifier, "2014-05-19", id("certification", SUSPENDED), suspend)
}
