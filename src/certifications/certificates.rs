//! Certificates: issuing, copying and renewing them, and what befalls them.

use deserr::Deserr;
use utoipa::ToSchema;
use uuid::Uuid;

use super::commands::{day_of, in_state};
use super::events::{CertificationEvent as Event, Renewal};
use super::state::{CertificateLink, Certification, CertificationState as State, SurveillanceOutcome};
use crate::kernel::{Date, Faults, Note, Number, OneOf, Refusal, Text};
use crate::ledger::{Decide, Decision, Scene, Wants, World};
use crate::managers::{Manager, Role};

/// Years a certificate is valid when nothing else is said (BNSP practice; facts of Karangasem 2025).
const VALIDITY_YEARS: i32 = 3;

/// The day of issue and the last day: not issued before what it rests on, valid beyond the day of issue.
fn validity(
    scene: &Scene<'_, Certification>,
    issued_on: Option<Date>,
    valid_until: Option<Date>,
    rests_on: Option<Date>,
) -> Result<(Date, Date), Refusal> {
    let issued_on = day_of(scene, issued_on, "/issued_on", rests_on)?;
    let valid_until = valid_until.unwrap_or_else(|| issued_on.plus_years(VALIDITY_YEARS));
    if valid_until <= issued_on {
        return Err(Refusal::rule(
            "/valid_until",
            "ends_before_it_begins",
            Text::fixed("Masa berlaku harus melewati hari terbit.", "It must be valid beyond the day of issue."),
        ));
    }
    Ok((issued_on, valid_until))
}

fn role_on(scene: &Scene<'_, Certification>, manager: Uuid, day: Date) -> Option<Role> {
    scene.world.find::<Manager>(manager).and_then(|manager| manager.role_on(day))
}

/// Issues the certificate.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"certificate_number": "64190 1345 4 0000123 2014", "registration_number": "KJK.1234.00123.2014", "issued_on": "2014-04-21"}))]
pub struct IssueCertificate {
    /// Its number, as printed; unique per certifier.
    pub certificate_number: Number,
    /// The registration number, as printed.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub registration_number: Option<Number>,
    /// The day of issue; when left out, the day of `occurred_at`.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub issued_on: Option<Date>,
    /// The last day it is valid; three years after issue when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub valid_until: Option<Date>,
}

impl Decide for IssueCertificate {
    type Resource = Certification;

    fn reads(&self, own: Option<&Certification>, _: &World, wants: &mut Wants) {
        if let Some(own) = own {
            wants.state::<Manager>(own.manager);
        }
    }

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        let own = in_state(scene, &[State::Kompeten])?;
        let (issued_on, valid_until) = validity(scene, self.issued_on, self.valid_until, own.competent_since())?;
        let role = role_on(scene, own.manager, issued_on);
        Ok(Decision::one(Event::CertificateIssued {
            certificate_number: self.certificate_number.clone(),
            registration_number: self.registration_number.clone(),
            issued_on,
            valid_until,
            role,
        }))
    }
}

/// Suspends the certificate.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Dalam pemeriksaan penyalahgunaan sertifikat"}))]
pub struct Suspend {
    /// Why.
    pub reason: Note,
}

impl Decide for Suspend {
    type Resource = Certification;

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        let own = in_state(scene, &[State::Certified])?;
        day_of(scene, None, "/occurred_at", own.stands_since())?;
        Ok(Decision::one(Event::Suspended { reason: self.reason.clone() }))
    }
}

/// Lets the certificate hold again.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Pemeriksaan selesai, tidak terbukti"}))]
pub struct Reinstate {
    /// Why.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reason: Option<Note>,
}

impl Decide for Reinstate {
    type Resource = Certification;

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        let own = in_state(scene, &[State::Suspended])?;
        day_of(scene, None, "/occurred_at", own.stands_since())?;
        Ok(Decision::one(Event::Reinstated { reason: self.reason.clone() }))
    }
}

/// Revokes the certificate.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Putusan pidana berkekuatan hukum tetap"}))]
pub struct Revoke {
    /// Why.
    pub reason: Note,
}

impl Decide for Revoke {
    type Resource = Certification;

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        let own = in_state(scene, &[State::Certified, State::Suspended])?;
        day_of(scene, None, "/occurred_at", own.stands_since())?;
        Ok(Decision::one(Event::Revoked { reason: self.reason.clone() }))
    }
}

/// Records a surveillance (penilikan) of the holder.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"outcome": "maintained", "held_on": "2015-04-21"}))]
pub struct Surveil {
    /// What it showed.
    pub outcome: SurveillanceOutcome,
    /// The day; when left out, the day of `occurred_at`.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub held_on: Option<Date>,
    /// What was seen.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub note: Option<Note>,
}

impl Decide for Surveil {
    type Resource = Certification;

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        let own = in_state(scene, &[State::Certified])?;
        let held_on = day_of(scene, self.held_on, "/held_on", own.stands_since())?;
        Ok(Decision::one(Event::Surveilled { held_on, outcome: self.outcome, note: self.note.clone() }))
    }
}

/// Issues a copy under the same number.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"reason": "Asli hilang; surat kehilangan dari kepolisian", "issued_on": "2015-01-12"}))]
pub struct IssueDuplicate {
    /// Why.
    pub reason: Note,
    /// The day; when left out, the day of `occurred_at`.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub issued_on: Option<Date>,
}

impl Decide for IssueDuplicate {
    type Resource = Certification;

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        let own = in_state(scene, &[State::Certified])?;
        let issued_on = day_of(scene, self.issued_on, "/issued_on", own.stands_since())?;
        Ok(Decision::one(Event::DuplicateIssued { issued_on, reason: self.reason.clone() }))
    }
}

/// The certificate that is to take an earlier one's place.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"certificate_number": "64190 1345 4 0000456 2017", "assessed_on": "2017-03-20", "issued_on": "2017-04-03"}))]
pub struct RenewalTerms {
    /// Its number, as printed; unique per certifier, so another than the earlier one's.
    pub certificate_number: Number,
    /// The registration number, as printed.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub registration_number: Option<Number>,
    /// The day competence was looked at again, if it was.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub assessed_on: Option<Date>,
    /// The day of issue; when left out, the day of `occurred_at`.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub issued_on: Option<Date>,
    /// The last day it is valid; three years after issue when left out.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub valid_until: Option<Date>,
}

/// Renews a certificate: a certification of its own, chained to the earlier one.
#[derive(Clone, Debug)]
pub struct RenewCertificate {
    /// The certification whose certificate is renewed.
    pub earlier: Uuid,
    /// The new certificate.
    pub terms: RenewalTerms,
}

impl RenewCertificate {
    /// The earlier certification, when it can be seen, is the actor's to write and can be renewed.
    fn earlier<'a>(&self, scene: &Scene<'a, Certification>) -> Result<&'a Certification, Refusal> {
        let earlier = scene.world.find::<Certification>(self.earlier);
        // The rights are those of the earlier certification: who may not see it must not learn that it exists.
        let as_own = Scene {
            id: self.earlier,
            state: earlier,
            world: scene.world,
            actor: scene.actor,
            occurred_at: scene.occurred_at,
            now: scene.now,
        };
        in_state(&as_own, &[State::Certified, State::Expired]).map_err(|refusal| {
            match earlier.and_then(|earlier| earlier.renewed_by.as_ref()) {
                Some(renewed) if refusal.code.status == 409 => {
                    refusal.with("existing", renewed.certification.to_string())
                }
                _ => refusal,
            }
        })
    }
}

impl Decide for RenewCertificate {
    type Resource = Certification;
    const CREATES: bool = true;

    fn reads(&self, _: Option<&Certification>, world: &World, wants: &mut Wants) {
        wants.state::<Certification>(self.earlier);
        if let Some(earlier) = world.find::<Certification>(self.earlier) {
            wants.state::<Manager>(earlier.manager);
        }
    }

    fn decide(&self, scene: &Scene<'_, Certification>) -> Result<Decision<Certification>, Refusal> {
        let earlier = self.earlier(scene)?;
        let certificate = earlier
            .certificate
            .as_ref()
            .ok_or_else(|| Refusal::wrong_state(earlier.state.word(), earlier.allowed_on(scene.occurred_at.day())))?;
        let terms = &self.terms;
        let mut faults = Faults::default();
        let after_issue = Some(certificate.issued_on.plus_days(1));
        if let Some(day) = terms.assessed_on {
            faults.check(day_of(scene, Some(day), "/assessed_on", after_issue));
        }
        let rests_on = after_issue.max(terms.assessed_on).max(earlier.stands_since());
        let valid = faults.check(validity(scene, terms.issued_on, terms.valid_until, rests_on));
        let (issued_on, valid_until) = match valid {
            Some(days) if faults.0.is_empty() => days,
            _ => return Err(Refusal::faults(&crate::kernel::problem_codes::RULE_REFUSED, faults)),
        };
        let link =
            |certification, number: &Number| CertificateLink { certification, certificate_number: number.clone() };
        let renewal = Renewal {
            manager: earlier.manager,
            region: earlier.region,
            scheme: earlier.scheme.clone(),
            certifier: earlier.certifier,
            renews: link(self.earlier, &certificate.certificate_number),
            assessed_on: terms.assessed_on,
            certificate_number: terms.certificate_number.clone(),
            registration_number: terms.registration_number.clone(),
            issued_on,
            valid_until,
            role: role_on(scene, earlier.manager, issued_on),
        };
        let renewed = Event::Renewed { renewed_by: link(scene.id, &terms.certificate_number), renewed_on: issued_on };
        Decision::one(Event::RenewalIssued(Box::new(renewal))).causing::<Certification>(self.earlier, renewed)
    }
}
