//! Issuing, rotating and revoking keys.

use deserr::Deserr;
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{OrganisationEvent as Event, Replaced};
use super::state::{Key, Organisation};
use crate::kernel::problem_codes::{INSUFFICIENT_SCOPE, WRONG_STATE};
use crate::kernel::{Actor, Environment, Faults, Id, Name, Note, Refusal, Scopes, Text, Timestamp};
use crate::ledger::{Decide, Decision, Scene};

/// Live keys of one label: one in use and the one that takes over from it.
const LIVE_KEYS_MAX: usize = 2;
/// How long a key that is replaced goes on working unless something else is asked for, in days.
pub const OVERLAP_DAYS: i64 = 7;
/// The longest it may, in days.
pub const OVERLAP_DAYS_MAX: i64 = 90;
const MICROS_A_DAY: i64 = 24 * 3600 * 1_000_000;

/// What is recorded of a key that was just made; the secret itself is not part of it.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// The key's id.
    pub key_id: Uuid,
    /// SHA-256 of the key, hexadecimal.
    pub hash: String,
    /// Its last four characters.
    pub last_four: String,
    /// What its text says it is for.
    pub environment: Environment,
}

/// Records a key that was made for an organisation.
#[derive(Clone, Debug)]
pub struct IssueKey {
    /// The key.
    pub made: MadeKey,
    /// What it is for.
    pub label: Option<Name>,
    /// What it is confined to.
    pub scopes: Option<Scopes>,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
}

impl Decide for IssueKey {
    type Resource = Organisation;

    fn decide(&self, scene: &Scene<'_, Organisation>) -> Result<Decision<Organisation>, Refusal> {
        let own = scene.own()?;
        own.require_active()?;
        if own.keys.iter().any(|key| key.key_id == self.made.key_id) {
            return Err(Refusal::duplicate("/key_id", "key_id", self.made.key_id));
        }
        require_ahead(self.expires_at, scene.now)?;
        if let Some(scopes) = &self.scopes {
            scopes.require_within(&own.actor())?;
        }
        require_within_own(scene.actor, self.scopes.as_ref())?;
        require_room(own, self.label.as_ref(), scene.now)?;
        Ok(Decision::one(issued(&self.made, self.label.as_ref(), self.scopes.as_ref(), self.expires_at, None)))
    }
}

/// Replaces a key by one of the same label and scopes; both work for a while.
#[derive(Clone, Debug)]
pub struct RotateKey {
    /// The new key.
    pub made: MadeKey,
    /// The key that is replaced.
    pub replaces: Uuid,
    /// How many days that one goes on working.
    pub overlap_days: Option<i64>,
    /// When the new one stops working by itself, if not when the old one would have.
    pub expires_at: Option<Timestamp>,
}

impl Decide for RotateKey {
    type Resource = Organisation;

    /// Whoever holds a key may replace it by another that can do the same and no longer, whatever its scopes.
    fn require_scope(&self, actor: &Actor) -> Result<(), Refusal> {
        if actor.key == self.replaces { Ok(()) } else { actor.require_scope(Self::AREA) }
    }

    fn decide(&self, scene: &Scene<'_, Organisation>) -> Result<Decision<Organisation>, Refusal> {
        let itself = scene.actor.organisation == scene.id && scene.actor.key == self.replaces;
        let own = match scene.state {
            Some(own) if itself => own,
            _ => scene.own()?,
        };
        own.require_active()?;
        let old = own.keys.iter().find(|key| key.key_id == self.replaces);
        let old = old.ok_or_else(|| Refusal::not_found("key", self.replaces))?;
        if !old.works(scene.now) {
            let state = if old.revoked_at.is_some() { "revoked" } else { "expired" };
            return Err(Refusal::wrong_state(state, &["keys"]));
        }
        let overlap_days = self.overlap_days()?;
        require_within_own(scene.actor, old.scopes.as_ref())?;
        let expires_at = self.expires_at.or(old.expires_at);
        require_ahead(expires_at, scene.now)?;
        if itself && old.expires_at.is_some_and(|end| expires_at.is_none_or(|new| new > end)) {
            return Err(Refusal::rule(
                "/expires_at",
                "later_than_before",
                Text::fixed(
                    "Kunci pengganti tidak dapat berlaku lebih lama dari kunci ini; hanya dinas provinsi yang memperpanjang.",
                    "The new key cannot work for longer than this one; only the provincial office extends it.",
                ),
            ));
        }
        require_room(own, old.label.as_ref(), scene.now)?;
        let ends = Timestamp::from_micros(scene.now.micros() + overlap_days * MICROS_A_DAY);
        let until = old.expires_at.map_or(ends, |end| end.min(ends));
        let replaced = Replaced { key_id: old.key_id, until };
        Ok(Decision::one(issued(&self.made, old.label.as_ref(), old.scopes.as_ref(), expires_at, Some(replaced))))
    }
}

impl RotateKey {
    fn overlap_days(&self) -> Result<i64, Refusal> {
        let days = self.overlap_days.unwrap_or(OVERLAP_DAYS);
        if (0..=OVERLAP_DAYS_MAX).contains(&days) {
            return Ok(days);
        }
        let why = text!("Kirim 0 sampai {OVERLAP_DAYS_MAX} hari.", "Send 0 to {OVERLAP_DAYS_MAX} days.");
        Err(Refusal::rule("/overlap_days", "out_of_range", why))
    }
}

/// Makes a key stop working at once.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"key_id": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b", "reason": "Pegawai pindah tugas"}))]
pub struct RevokeKey {
    /// Which key.
    pub key_id: Id,
    /// Why.
    #[deserr(default)]
    #[schema(nullable = false)]
    pub reason: Option<Note>,
}

impl Decide for RevokeKey {
    type Resource = Organisation;

    fn decide(&self, scene: &Scene<'_, Organisation>) -> Result<Decision<Organisation>, Refusal> {
        let own = scene.own()?;
        let key = own.keys.iter().find(|key| key.key_id == self.key_id.0);
        match key {
            None => Err(Refusal::not_found("key", self.key_id.0)),
            Some(key) if key.revoked_at.is_some() => Ok(Decision::nothing()),
            Some(_) => Ok(Decision::one(Event::KeyRevoked { key_id: self.key_id.0, reason: self.reason.clone() })),
        }
    }
}

fn issued(
    made: &MadeKey,
    label: Option<&Name>,
    scopes: Option<&Scopes>,
    expires_at: Option<Timestamp>,
    replaces: Option<Replaced>,
) -> Event {
    Event::KeyIssued {
        key_id: made.key_id,
        label: label.cloned(),
        hash: made.hash.clone(),
        last_four: made.last_four.clone(),
        expires_at,
        environment: Some(made.environment),
        scopes: scopes.cloned(),
        replaces,
    }
}

fn require_ahead(expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), Refusal> {
    if expires_at.is_none_or(|end| end > now) {
        return Ok(());
    }
    let why = Text::fixed("Waktu berakhir harus di masa depan.", "The expiry must lie in the future.");
    Err(Refusal::rule("/expires_at", "already_over", why))
}

/// Nobody gives what they do not have: else a key confined to scopes would issue itself one that is not.
pub fn require_within_own(actor: &Actor, given: Option<&Scopes>) -> Result<(), Refusal> {
    let within = actor.scopes.as_ref().is_none_or(|own| given.is_some_and(|given| own.cover(given)));
    if within {
        return Ok(());
    }
    let why = Text::fixed(
        "Kunci Anda dibatasi lingkupnya dan tidak dapat memberi lebih dari lingkup itu; sebut `scopes` yang termuat di dalamnya.",
        "Your key is confined to scopes and cannot give more than those; name `scopes` within them.",
    );
    Err(Refusal::new(&INSUFFICIENT_SCOPE, why))
}

fn require_room(own: &Organisation, label: Option<&Name>, now: Timestamp) -> Result<(), Refusal> {
    let same = own.keys.iter().filter(|key| key.label.as_ref() == label && key.works(now));
    let live: Vec<&Key> = same.collect();
    if live.len() < LIVE_KEYS_MAX {
        return Ok(());
    }
    let ids: Vec<String> = live.iter().map(|key| key.key_id.to_string()).collect();
    let why = text!(
        "Sudah ada {LIVE_KEYS_MAX} kunci aktif berlabel ini; cabut salah satunya (`existing`) atau pakai label lain.",
        "There are {LIVE_KEYS_MAX} live keys of this label already; revoke one of them (`existing`) or use another label."
    );
    Err(Refusal::new(&WRONG_STATE, why)
        .with("state", "two_live_keys")
        .with("allowed", vec!["key-revocations"])
        .with("existing", ids))
}

#[cfg(test)]
#[allow(clippy::unnecessary_wraps, clippy::needless_pass_by_value, reason = "stories read better so")]
mod tests {
    use super::super::commands::tests::{itself, registered};
    use super::*;
    use crate::kernel::{OrganisationKind, ScopeWord};
    use crate::ledger::testing::{Story, now};

    fn made(number: u128) -> MadeKey {
        let (hash, last_four) = (format!("{number:064x}"), "abcd".to_owned());
        MadeKey { key_id: Uuid::from_u128(number), hash, last_four, environment: Environment::Live }
    }

    fn scopes(words: &[&str]) -> Option<Scopes> {
        Some(Scopes::of(words.iter().map(|word| ScopeWord::parse(word).unwrap()).collect()))
    }

    fn key(number: u128, scopes: Option<Scopes>, expires_at: Option<Timestamp>) -> Event {
        issued(&made(number), None, scopes.as_ref(), expires_at, None)
    }

    fn issue(number: u128, scopes: Option<Scopes>) -> IssueKey {
        IssueKey { made: made(number), label: None, scopes, expires_at: None }
    }

    fn rotate(replaces: u128) -> RotateKey {
        RotateKey { made: made(9), replaces: Uuid::from_u128(replaces), overlap_days: None, expires_at: None }
    }

    fn in_days(days: i64) -> Timestamp {
        Timestamp::from_micros(now().micros() + days * MICROS_A_DAY)
    }

    fn until(days: i64) -> Option<Replaced> {
        Some(Replaced { key_id: Uuid::from_u128(1), until: in_days(days) })
    }

    /// The bank by its first key.
    fn holder(scopes: Option<Scopes>) -> Actor {
        Actor { key: Uuid::from_u128(1), scopes, ..itself() }
    }

    #[test]
    fn a_key_is_issued_within_the_kind_and_within_the_issuers_own_scopes() {
        let narrow = scopes(&["read", "financings:write"]);
        Story::given([registered()]).when(issue(1, narrow.clone())).then([key(1, narrow.clone(), None)]);
        let wide = issue(1, scopes(&["cooperatives:write"]));
        Story::given([registered()]).when(wide).refused_at("rule_refused", "/scopes");
        let province = Actor { scopes: scopes(&["organisations:write"]), ..Actor::service() };
        Story::given([registered()]).by(province.clone()).when(issue(1, None)).refused("insufficient_scope");
        Story::given([registered()]).by(province).when(issue(1, narrow.clone())).refused("insufficient_scope");
        let richer = Actor { scopes: scopes(&["organisations:write", "read", "financings:write"]), ..Actor::service() };
        Story::given([registered()]).by(richer).when(issue(1, narrow)).then_types(&["organisation.key_issued"]);
        Story::given([registered()]).by(itself()).when(issue(1, None)).refused("forbidden");
    }

    #[test]
    fn at_most_two_keys_of_a_label_live_at_once() {
        let two = || [registered(), key(1, None, None), key(2, None, None)];
        Story::given(two()).when(issue(3, None)).refused("wrong_state");
        Story::given(two()).when(rotate(1)).refused("wrong_state");
        let labelled = IssueKey { label: Some(Name::parse("Portal").unwrap()), ..issue(3, None) };
        Story::given(two()).when(labelled).then_types(&["organisation.key_issued"]);
        let revoked = Event::KeyRevoked { key_id: Uuid::from_u128(1), reason: None };
        let [one, other, third] = two();
        Story::given([one, other, third, revoked]).when(issue(3, None)).then_types(&["organisation.key_issued"]);
        let over = key(2, None, Some(in_days(-1)));
        Story::given([registered(), key(1, None, None), over])
            .when(issue(3, None))
            .then_types(&["organisation.key_issued"]);
    }

    #[test]
    fn a_key_is_replaced_by_one_of_the_same_scopes_and_both_work_for_a_while() {
        let reads = scopes(&["read"]);
        let given = || Story::given([registered(), key(1, reads.clone(), Some(in_days(30)))]);
        let expected = |until| issued(&made(9), None, reads.as_ref(), Some(in_days(30)), until);
        given().when(rotate(1)).then([expected(until(7))]);
        let days = |days| RotateKey { overlap_days: Some(days), ..rotate(1) };
        given().when(days(0)).then([expected(until(0))]);
        given().when(days(90)).then([expected(until(30))]);
        for wrong in [-1, 91, i64::MAX] {
            given().when(days(wrong)).refused_at("rule_refused", "/overlap_days");
        }
        let story = Story::<Organisation>::given([
            registered(),
            key(1, None, None),
            issued(&made(9), None, None, None, until(7)),
        ]);
        let [old, new] = &story.state().keys[..] else { panic!() };
        assert_eq!((old.replaced_by, old.works(in_days(6)), old.works(in_days(7))), (Some(new.key_id), true, false));
        assert!(new.works(in_days(1000)));
    }

    #[test]
    fn whoever_holds_a_key_may_replace_it_but_not_make_it_last_longer() {
        let given = || Story::given([registered(), key(1, scopes(&["read"]), Some(in_days(30))), key(2, None, None)]);
        let alone = || Story::given([registered(), key(1, scopes(&["read"]), Some(in_days(30)))]);
        alone().by(holder(scopes(&["read"]))).when(rotate(1)).then_types(&["organisation.key_issued"]);
        given().by(holder(scopes(&["read"]))).when(rotate(2)).refused("forbidden");
        given().by(holder(None)).when(rotate(2)).refused("forbidden");
        let longer = RotateKey { expires_at: Some(in_days(31)), ..rotate(1) };
        alone().by(holder(scopes(&["read"]))).when(longer.clone()).refused_at("rule_refused", "/expires_at");
        alone().when(longer).then_types(&["organisation.key_issued"]);
        let other = Actor { organisation: Uuid::from_u128(0xBB), ..holder(None) };
        assert_eq!(other.kind, OrganisationKind::Bank);
        alone().by(other).when(rotate(1)).refused("not_found");
    }

    #[test]
    fn what_no_longer_works_is_not_replaced_and_a_deactivated_organisation_gets_no_keys() {
        let revoked = Event::KeyRevoked { key_id: Uuid::from_u128(1), reason: None };
        Story::given([registered(), key(1, None, None), revoked]).when(rotate(1)).refused("wrong_state");
        Story::given([registered(), key(1, None, Some(in_days(-1)))]).when(rotate(1)).refused("wrong_state");
        Story::given([registered()]).when(rotate(1)).refused("not_found");
        let off = Event::Deactivated { reason: None };
        Story::given([registered(), off]).when(issue(1, None)).refused("wrong_state");
    }
}
