//! Two rounds of assessments: every regency's, and the council's of half the cooperatives; then determinations, and a late correction.

use super::player::{Player, date, day, id, note, parsed};
use super::registers::cooperative_region;
use super::worksheets::{STRENGTHS, worksheet};
use crate::assessments::{Correct, Determine, Resubmit, Return, Submit};
use crate::cooperatives::HealthCategory;
use crate::kernel::{Id, OrganisationKind, Rupiah, Word};
use crate::storage::OpenError;

/// How strong each cooperative is: eleven healthy, seven fairly, three less, two un- and one very unhealthy.
static STRENGTH: [usize; 24] = [0, 0, 0, 0, 0, 1, 0, 1, 0, 2, 0, 0, 1, 0, 1, 3, 1, 0, 2, 1, 4, 1, 2, 3];
/// The cooperative whose first assessment is returned.
const RETURNED: usize = 5;
/// The cooperative whose regency states another total than computed.
const DISCREPANT: usize = 7;
/// The cooperative whose determination is corrected in May: eleven healthy become ten.
const CORRECTED: usize = 17;

fn assets(nth: usize) -> i64 {
    1_850_000_000 + 417_300_000 * i64::try_from(nth % 9).unwrap_or_default() + 1_137
}

fn submission(nth: usize, on: &str, share: i64) -> Result<Submit, OpenError> {
    let discrepant = nth == DISCREPANT;
    Ok(Submit {
        cooperative: Id(id("cooperative", nth)),
        regulation: parsed(Word::parse("permen-14-2009"))?,
        book_year: 2013,
        assessed_on: date(on)?,
        worksheet: worksheet(&STRENGTHS[STRENGTH[nth]], assets(nth) * share / 100),
        readings: None,
        stated_total: discrepant.then(|| Rupiah::parse("88.00")).and_then(Result::ok),
        stated_category: discrepant.then_some(HealthCategory::Sehat),
    })
}

/// From the third week of February to the second of March; the province determines on the way.
pub fn first_and_second_round(player: &Player<'_>) -> Result<(), OpenError> {
    let council = player.actor(OrganisationKind::Council, 0);
    let province = player.province();
    for nth in 0..24 {
        let regency = player.regency(cooperative_region(nth)?);
        let assessment = id("assessment", nth);
        let on = day("2014-02-24", nth / 3)?;
        player.play(&regency, &on, assessment, submission(nth, &on, 100)?)?;
        if nth == RETURNED {
            let back = Return { reasons: vec![note("Kas dan bank tidak sama dengan neraca RAT")?] };
            player.play(&province, &day(&on, 2)?, assessment, back)?;
            let again = submission(nth, &day(&on, 4)?, 101)?;
            let again = Resubmit {
                assessed_on: again.assessed_on,
                worksheet: again.worksheet,
                readings: None,
                stated_total: None,
                stated_category: None,
            };
            player.play(&regency, &day(&on, 4)?, assessment, again)?;
        }
        let mut determine = Determine::default();
        if nth % 2 == 0 {
            let second = id("council-assessment", nth);
            let later = day(&on, 1)?;
            player.play(&council, &later, second, submission(nth, &later, 100)?)?;
            determine.reconciles = Some(vec![Id(second)]);
        }
        player.play(&province, &day("2014-03-10", nth / 5)?, assessment, determine)?;
    }
    Ok(())
}

/// In May reserves turn out to have been counted twice: March as known in May is not March as known in March.
pub fn correction(player: &Player<'_>) -> Result<(), OpenError> {
    let correct = Correct {
        category: Some(HealthCategory::CukupSehat),
        worksheet: None,
        readings: None,
        reason: note("Cadangan risiko terhitung dua kali dalam lembar kerja")?,
    };
    player.play(&player.province(), "2014-05-12", id("assessment", CORRECTED), correct)
}
