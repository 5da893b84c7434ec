//! How an API key is written: `lumbung_` environment `_` 256 bits in base 32, six characters of checksum.
//!
//! Everything about a key that can be told from its text alone is told here, so that a typing mistake or a key of another environment is
//! answered without looking anything up, and a scanner tells a leaked key from a look-alike without asking us.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

use super::{Environment, OneOf, Text};

/// What every key begins with.
pub const KEY_PREFIX: &str = "lumbung_";
/// Characters of 256 bits in base 32.
const SECRET_CHARACTERS: usize = 52;
/// Characters of the checksum at a key's end.
const CHECK_CHARACTERS: usize = 6;

/// The text of a key.
pub fn write_key(environment: Environment, secret: &[u8; 32]) -> String {
    let secret = BASE32_NOPAD.encode(secret).to_ascii_lowercase();
    let body = format!("{environment}_{secret}");
    let check = checksum(&body);
    format!("{KEY_PREFIX}{body}{check}")
}

/// The first characters of the body's SHA-256. The environment is part of the body: a key that is edited to fit another one is mistyped.
fn checksum(body: &str) -> String {
    let mut check = BASE32_NOPAD.encode(&Sha256::digest(body.as_bytes())).to_ascii_lowercase();
    check.truncate(CHECK_CHARACTERS);
    check
}

/// Why a text cannot be a key that works here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// It does not begin as a key does.
    NotAKey,
    /// Its checksum does not fit.
    Mistyped,
    /// It is a key of this other environment.
    Elsewhere(Environment),
}

impl KeyFault {
    /// Machine-readable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAKey => "not_a_key",
            Self::Mistyped => "mistyped",
            Self::Elsewhere(_) => "other_environment",
        }
    }

    /// What to tell whoever sent it.
    pub fn detail(self) -> Text {
        match self {
            Self::NotAKey => text!(
                "Kunci diawali `{KEY_PREFIX}`; yang dikirim bukan kunci.",
                "A key begins with `{KEY_PREFIX}`; what was sent is none."
            ),
            Self::Mistyped => Text::fixed(
                "Kunci ini salah ketik atau terpotong: enam huruf terakhirnya tidak cocok. Salin lagi seluruhnya.",
                "This key is mistyped or cut off: its last six characters do not fit the rest. Copy the whole of it again.",
            ),
            Self::Elsewhere(Environment::Test) => Text::fixed(
                "Ini kunci percobaan (`lumbung_test_…`), sedangkan layanan ini yang sesungguhnya; pakai kunci `lumbung_live_…`.",
                "This is a test key (`lumbung_test_…`) and this is the live service; use a key that begins with `lumbung_live_`.",
            ),
            Self::Elsewhere(Environment::Live) => Text::fixed(
                "Ini kunci sesungguhnya (`lumbung_live_…`), sedangkan layanan ini untuk percobaan; pakai kunci `lumbung_test_…`.",
                "This is a live key (`lumbung_live_…`) and this is a test service; use a key that begins with `lumbung_test_`.",
            ),
        }
    }
}

/// Checks what a key's text tells. Keys from before there were environments work in either.
///
/// # Errors
/// Why it cannot work here.
pub fn check_key(text: &str, here: Environment) -> Result<(), KeyFault> {
    let rest = text.strip_prefix(KEY_PREFIX).ok_or(KeyFault::NotAKey)?;
    let environment = [Environment::Live, Environment::Test]
        .into_iter()
        .find(|environment| rest.strip_prefix(environment.word()).is_some_and(|secret| secret.starts_with('_')));
    let named = environment.map_or(0, |environment| environment.word().len() + 1);
    let (body, check) = rest.split_at_checked(named + SECRET_CHARACTERS).ok_or(KeyFault::Mistyped)?;
    if checksum(body) != check {
        return Err(KeyFault::Mistyped);
    }
    match environment {
        Some(environment) if environment != here => Err(KeyFault::Elsewhere(environment)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIVE: Environment = Environment::Live;

    #[test]
    fn a_key_tells_its_environment_and_works_in_no_other() {
        let (live, test) = (write_key(LIVE, &[7; 32]), write_key(Environment::Test, &[7; 32]));
        assert!(live.starts_with("lumbung_live_") && test.starts_with("lumbung_test_"));
        assert_eq!(live.len(), "lumbung_live_".len() + 52 + 6);
        assert_eq!(check_key(&live, LIVE), Ok(()));
        assert_eq!(check_key(&test, LIVE), Err(KeyFault::Elsewhere(Environment::Test)));
        assert_eq!(check_key(&live, Environment::Test), Err(KeyFault::Elsewhere(LIVE)));
        assert_eq!(check_key(&test.replace("_test_", "_live_"), LIVE), Err(KeyFault::Mistyped));
    }

    #[test]
    fn a_key_from_before_there_were_environments_goes_on_working() {
        // Made by the first version of this program, from 32 bytes 0x07.
        let old = "lumbung_a4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqayeoc2";
        assert_eq!((check_key(old, LIVE), check_key(old, Environment::Test)), (Ok(()), Ok(())));
        assert_eq!(check_key(&old.replacen("a4dq", "a4dr", 1), LIVE), Err(KeyFault::Mistyped));
    }

    #[test]
    fn what_is_no_key_is_told_from_what_is_mistyped() {
        for text in ["", "x", "Lumbung_live_", "eyJhbGciOiJFUzI1NiJ9.e30.AA"] {
            assert_eq!(check_key(text, LIVE), Err(KeyFault::NotAKey), "{text}");
        }
        for text in
            ["lumbung_", "lumbung_nothing", "lumbung_live_", "lumbung_live_é", &format!("lumbung_{}", "é".repeat(40))]
        {
            assert_eq!(check_key(text, LIVE), Err(KeyFault::Mistyped), "{text}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_noticed(secret in any::<[u8; 32]>(), at in 13_usize..71, wrong in "[a-z2-7]") {
            let key = write_key(LIVE, &secret);
            let mut typed = key.clone();
            typed.replace_range(at..=at, &wrong);
            prop_assert_eq!(check_key(&typed, LIVE).is_ok(), typed == key);
            prop_assert_eq!(check_key(&key[..at], LIVE), Err(KeyFault::Mistyped));
        }
    }
}
