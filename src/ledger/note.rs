//! What the log says of itself, signed: checkpoints (C2SP tlog-checkpoint) in signed notes (C2SP signed-note) with Ed25519 keys.

use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use super::merkle::Hash;

/// Signature type of Ed25519 in a note.
const ED25519_NOTE: u8 = 1;
/// Leads every signature line.
const SIGNATURE_MARK: &str = "\u{2014} ";
/// Signature lines that are looked at; more make no note better.
const SIGNATURES_MAX: usize = 64;

/// The log at one size: what a signature is given to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// Root of their tree.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(&self.root))
    }

    /// Reads the text; lines after the third are extensions that we know none of.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let plain = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit());
        if origin.is_empty() || !plain || (size.len() > 1 && size.starts_with('0')) || lines.any(str::is_empty) {
            return None;
        }
        let root = BASE64.decode(root.as_bytes()).ok()?.try_into().ok()?;
        Some(Self { origin: origin.to_owned(), size: size.parse().ok()?, root })
    }
}

/// The receipt of a leaf (C2SP `tlog-proof`): its index, the path from it to the root, and the checkpoint with that root.
pub fn receipt_text(index: u64, path: &[Hash], note: &str) -> String {
    let path: String = path.iter().map(|hash| BASE64.encode(hash) + "\n").collect();
    format!("c2sp.org/tlog-proof@v1\nindex {index}\n{path}\n{note}")
}

/// Tells what is wrong with the name of a log, which is also the name of its key.
///
/// # Errors
/// A sentence.
pub fn check_origin(origin: &str) -> Result<(), String> {
    let unfit = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if origin.is_empty() || origin.contains("://") || origin.chars().any(unfit) {
        return Err(format!(
            "`{origin}` cannot name a log; write an address without its scheme, such as koperasi.kaltimprov.go.id/log"
        ));
    }
    Ok(())
}

/// What a log's signatures are checked with: `origin+id+key` as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogVerifier {
    name: String,
    id: [u8; 4],
    key: [u8; 32],
}

impl LogVerifier {
    fn new(name: &str, key: [u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(name).chain_update([b'\n', ED25519_NOTE]).chain_update(key).finalize();
        Self { name: name.to_owned(), id: [digest[0], digest[1], digest[2], digest[3]], key }
    }

    /// The log's origin.
    pub fn origin(&self) -> &str {
        &self.name
    }

    /// The public key.
    pub const fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Reads a signed checkpoint of this log.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn open(&self, note: &str) -> Result<Checkpoint, String> {
        let parted = note.rfind("\n\n").map(|at| (&note[..=at], &note[at + 2..]));
        let (text, signatures) = parted.ok_or("it is not a signed note: there is no blank line before signatures")?;
        let mut signed = false;
        for line in signatures.lines().take(SIGNATURES_MAX) {
            let parts = line.strip_prefix(SIGNATURE_MARK).and_then(|line| line.split_once(' '));
            let (name, encoded) = parts.ok_or("it is not a signed note: a signature line has another form")?;
            let blob = BASE64.decode(encoded.as_bytes()).map_err(|_| "a signature is not base64")?;
            let Some((id, signature)) = blob.split_first_chunk::<4>() else { continue };
            // Signatures by others, such as witnesses, are none of our business.
            if name == self.name && *id == self.id {
                let key = UnparsedPublicKey::new(&ED25519, &self.key);
                key.verify(text.as_bytes(), signature)
                    .map_err(|_| format!("the signature of {name} does not fit the text"))?;
                signed = true;
            }
        }
        if !signed {
            return Err(format!("it is not signed with the key {self}"));
        }
        let checkpoint = Checkpoint::parse(text).ok_or("what is signed is not a checkpoint")?;
        if checkpoint.origin == self.name {
            Ok(checkpoint)
        } else {
            Err(format!("it is of the log {}, not of {}", checkpoint.origin, self.name))
        }
    }
}

impl std::fmt::Display for LogVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = [&[ED25519_NOTE][..], &self.key].concat();
        write!(f, "{}+{}+{}", self.name, HEXLOWER.encode(&self.id), BASE64.encode(&key))
    }
}

impl FromStr for LogVerifier {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unfit =
            || format!("`{text}` is not a verifier key; it has the form origin+id+key, as `lumbung log-key` prints it");
        // The key itself may hold a plus sign, the name may not.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(unfit());
        };
        check_origin(name)?;
        let key = BASE64.decode(key.as_bytes()).map_err(|_| unfit())?;
        let key: [u8; 32] = match key.split_first() {
            Some((&ED25519_NOTE, key)) => key.try_into().map_err(|_| unfit())?,
            _ => return Err(unfit()),
        };
        let verifier = Self::new(name, key);
        if HEXLOWER.encode(&verifier.id) == id { Ok(verifier) } else { Err(unfit()) }
    }
}

/// What a log signs with. There is no `Debug`: the key shows itself nowhere.
pub struct LogSigner {
    pair: Ed25519KeyPair,
    verifier: LogVerifier,
}

impl LogSigner {
    /// The signer of a log, from the 32 bytes of its private key.
    ///
    /// # Errors
    /// When the origin cannot name a log, or the bytes are no key.
    pub fn new(origin: &str, seed: &[u8; 32]) -> Result<Self, String> {
        check_origin(origin)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|why| format!("the key cannot be used: {why}"))?;
        let key = pair.public_key().as_ref().try_into().map_err(|_| "the public key is not of 32 bytes")?;
        Ok(Self { verifier: LogVerifier::new(origin, key), pair })
    }

    /// What its signatures are checked with.
    pub const fn verifier(&self) -> &LogVerifier {
        &self.verifier
    }

    /// Signs the log at a size; the note, and what is in it.
    pub fn sign(&self, size: u64, root: Hash) -> (String, Checkpoint) {
        let checkpoint = Checkpoint { origin: self.verifier.name.clone(), size, root };
        let text = checkpoint.text();
        let signature = self.pair.sign(text.as_bytes());
        let blob = BASE64.encode(&[&self.verifier.id, signature.as_ref()].concat());
        (format!("{text}\n{SIGNATURE_MARK}{} {blob}\n", self.verifier.name), checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn signer() -> LogSigner {
        LogSigner::new("example.test/events", &Sha256::digest(b"test-seed").into()).unwrap()
    }

    #[test]
    fn the_key_is_the_one_that_independent_tools_made_of_the_same_seed() {
        let text = "example.test/events+b3036e0e+ATz5RpIFuo38z9YGw+72VQAWhSxh0eNZTiBYQz6EHJjJ";
        assert_eq!(signer().verifier().to_string(), text);
        assert_eq!(text.parse::<LogVerifier>().unwrap(), *signer().verifier());
        // The example of the specification.
        let public = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        assert_eq!(public.parse::<LogVerifier>().unwrap().to_string(), public);
        for wrong in [&text.replace("b3036e0e", "b3036e0f"), "example.test", "a+b+c", "https://x+b3036e0e+AT", ""] {
            assert!(wrong.parse::<LogVerifier>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_signed_opens_with_the_key_and_with_no_other() {
        let (note, checkpoint) = signer().sign(70_000, [7; 32]);
        assert_eq!(note.lines().count(), 5);
        assert_eq!(signer().verifier().open(&note), Ok(checkpoint.clone()));
        let stranger = LogSigner::new("example.test/events", &[9; 32]).unwrap();
        assert!(stranger.verifier().open(&note).unwrap_err().contains("not signed with the key"));
        // Another's signature beside it does no harm, a bad one of our own does.
        let line = stranger.sign(70_000, [7; 32]).0.lines().last().unwrap().to_owned();
        assert_eq!(signer().verifier().open(&format!("{note}{line}\n")), Ok(checkpoint));
        let bad = signer().sign(70_001, [7; 32]).0.lines().last().unwrap().to_owned();
        assert!(signer().verifier().open(&format!("{note}{bad}\n")).is_err());
    }

    proptest! {
        #[test]
        fn a_checkpoint_with_any_byte_changed_is_refused(at in any::<usize>(), bit in 0_u32..7, size in any::<u64>()) {
            let (note, checkpoint) = signer().sign(size, [3; 32]);
            let mut bytes = note.clone().into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                // Only the line break at the very end may be another blank.
                let opened = signer().verifier().open(&changed);
                prop_assert!(opened.is_err() || opened == Ok(checkpoint) && at == note.len() - 1, "{changed:?}");
            }
        }

        #[test]
        fn nothing_that_is_read_makes_the_reader_fall(text in any::<String>()) {
            let _ = signer().verifier().open(&text);
            let _ = text.parse::<LogVerifier>();
        }
    }
}
