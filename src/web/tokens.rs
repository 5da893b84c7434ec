//! Access tokens of a configured issuer (RFC 9068), for banks that have client credentials instead of our keys.
//!
//! The issuer's public keys (a JWK set) are a file, read again whenever it changes: this service calls nobody. A token is verified by what is
//! configured, never by what it says of itself: asymmetric algorithms only, a key of the set, our issuer and audience. Who the client is,
//! the organisations know; the token's `scope` only confines.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::signature::{Error as SignatureError, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Header, Validation, decode, decode_header};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;

use crate::kernel::{Scopes, Text, Timestamp};
use crate::ledger::Hash;
use crate::storage::OpenError;

/// How far an issuer's clock may be from ours, in seconds.
const SKEW_SECONDS: i64 = 60;
/// Longest life of a token that is left, in seconds.
const LIFE_SECONDS_MAX: i64 = 24 * 3600;
/// Longest token, in bytes; what is longer is refused unread.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
const MICROS_A_SECOND: i64 = 1_000_000;
/// The algorithms that are taken: the issuer signs with a key that nobody else has.
const ALGORITHMS: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// Verifies the tokens of one issuer.
pub struct Tokens {
    issuer: String,
    audience: String,
    file: PathBuf,
    keys: RwLock<Loaded>,
}

/// The keys as the file had them when it was last read.
struct Loaded {
    stamp: Option<Stamp>,
    keys: Arc<Vec<IssuerKey>>,
}

/// What tells that a file has changed: when it was written, and its length.
type Stamp = (SystemTime, u64);

struct IssuerKey {
    id: Option<String>,
    algorithms: &'static [Algorithm],
    key: DecodingKey,
}

/// A token that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Who it was issued to.
    pub client_id: String,
    /// What it confines its bearer to; nothing when it names no scopes.
    pub scopes: Option<Scopes>,
    /// When it stops working, our tolerance included.
    pub until: Timestamp,
}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// It is no JWT of three parts.
    Malformed,
    /// Its `typ` is not `at+jwt`.
    NotAnAccessToken,
    /// Its algorithm is not among those taken.
    Algorithm,
    /// No key of the issuer fits it.
    UnknownKey,
    /// The signature is not the issuer's.
    Signature,
    /// Another issuer's.
    Issuer,
    /// Meant for another service.
    Audience,
    /// A claim that RFC 9068 requires is missing or has another form.
    Claims,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYet,
    /// It would work for too long.
    LastsTooLong,
    /// It is bound to a certificate that this connection does not show.
    Bound,
}

impl TokenFault {
    /// Machine-readable name.
    pub const fn name(self) -> &'static str {
        self.told().0
    }

    /// What to tell whoever sent it.
    pub const fn detail(self) -> Text {
        let (_, id, en) = self.told();
        Text::fixed(id, en)
    }

    const fn told(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Malformed => (
                "malformed_token",
                "Yang dikirim bukan kunci `lumbung_…` dan bukan token JWT.",
                "What was sent is neither a key `lumbung_…` nor a JWT.",
            ),
            Self::NotAnAccessToken => (
                "not_an_access_token",
                "Jenis token ini bukan `at+jwt`; kirim token akses menurut RFC 9068.",
                "This token's `typ` is not `at+jwt`; send an access token as RFC 9068 has it.",
            ),
            Self::Algorithm => (
                "token_algorithm",
                "Algoritma token ini tidak diterima; yang diterima: RS256, PS256, ES256, EdDSA.",
                "This token's algorithm is not taken; taken are RS256, PS256, ES256, EdDSA.",
            ),
            Self::UnknownKey => (
                "token_key_unknown",
                "Kunci yang disebut token ini (`kid`) tidak ada di antara kunci penerbitnya, atau `kid` diperlukan.",
                "The key this token names (`kid`) is not among the issuer's, or a `kid` is needed.",
            ),
            Self::Signature => {
                ("token_signature", "Tanda tangan token ini tidak sah.", "This token's signature is not valid.")
            }
            Self::Issuer => ("token_issuer", "Token ini dari penerbit lain.", "This token is of another issuer."),
            Self::Audience => (
                "token_audience",
                "Token ini untuk layanan lain (`aud`).",
                "This token is meant for another service (`aud`).",
            ),
            Self::Claims => (
                "token_claims",
                "Token akses memuat iss, exp, aud, sub, client_id, iat dan jti; ada yang kurang atau salah bentuk.",
                "An access token holds iss, exp, aud, sub, client_id, iat and jti; one is missing or has another form.",
            ),
            Self::Expired => (
                "token_expired",
                "Token ini sudah berakhir; minta yang baru dari penerbitnya.",
                "This token has expired; ask its issuer for a new one.",
            ),
            Self::NotYet => (
                "token_not_yet",
                "Token ini belum berlaku; periksa jam penerbitnya.",
                "This token is not valid yet; look at its issuer's clock.",
            ),
            Self::LastsTooLong => (
                "token_lasts_too_long",
                "Token ini berlaku lebih dari 24 jam; minta yang lebih singkat dari penerbitnya.",
                "This token works for more than 24 hours; ask its issuer for a shorter one.",
            ),
            Self::Bound => (
                "token_bound",
                "Token ini terikat pada sertifikat yang bukan sertifikat sambungan ini.",
                "This token is bound to a certificate that is not this connection's.",
            ),
        }
    }
}

/// The claims of RFC 9068 that are looked at here; issuer and audience are looked at by the library.
#[derive(Deserialize)]
struct Claims {
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    client_id: String,
    #[serde(rename = "sub")]
    _sub: String,
    #[serde(rename = "jti")]
    _jti: String,
    scope: Option<String>,
    cnf: Option<Confirmation>,
}

/// What a token is bound to (RFC 7800); of the ways there are, certificates (RFC 8705) are known here.
#[derive(Deserialize)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    certificate: Option<String>,
}

impl Tokens {
    /// Reads the issuer's keys.
    ///
    /// # Errors
    /// A sentence for the operator, when the file cannot be read or holds no key that can be used.
    pub fn open(issuer: &str, audience: &str, file: &Path) -> Result<Self, OpenError> {
        // Whoever installed one before installed this very one.
        let _ = PROVIDER.install_default();
        let stamp = stamp_of(file);
        let keys = read_keys(file).map_err(|why| OpenError(format!("the issuer's keys {}: {why}", file.display())))?;
        let keys = RwLock::new(Loaded { stamp, keys: Arc::new(keys) });
        Ok(Self { issuer: issuer.to_owned(), audience: audience.to_owned(), file: file.to_owned(), keys })
    }

    /// Whose tokens these are.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Verifies a token. `certificate` is that of the connection it came by.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, token: &str, now: Timestamp, certificate: Option<Hash>) -> Result<Verified, TokenFault> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenFault::Malformed);
        }
        let header = decode_header(token).map_err(|error| match error.kind() {
            ErrorKind::Json(_) if names_another_algorithm(token) => TokenFault::Algorithm,
            _ => TokenFault::Malformed,
        })?;
        // What must be understood (`crit`) is not: there are no extensions here.
        if header.crit.is_some() {
            return Err(TokenFault::Malformed);
        }
        if !is_access_token(&header) {
            return Err(TokenFault::NotAnAccessToken);
        }
        if !ALGORITHMS.contains(&header.alg) {
            return Err(TokenFault::Algorithm);
        }
        let keys = self.keys();
        let key = choose(&keys, &header).ok_or(TokenFault::UnknownKey)?;
        let mut validation = Validation::new(header.alg);
        // Times are looked at below, by the service's own clock.
        validation.validate_exp = false;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims = decode::<Claims>(token, &key.key, &validation).map_err(|error| fault_of(&error))?.claims;
        let until = check_times(&claims, now)?;
        if let Some(bound) = &claims.cnf {
            let shown = certificate.map(|hash| data_encoding::BASE64URL_NOPAD.encode(&hash));
            if shown.is_none() || bound.certificate != shown {
                return Err(TokenFault::Bound);
            }
        }
        Ok(Verified { client_id: claims.client_id, scopes: claims.scope.as_deref().map(Scopes::of_claim), until })
    }

    /// The issuer's keys, read again when the file has changed. A file that cannot be used leaves the keys as they were.
    fn keys(&self) -> Arc<Vec<IssuerKey>> {
        let stamp = stamp_of(&self.file);
        {
            let loaded = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            if loaded.stamp == stamp {
                return loaded.keys.clone();
            }
        }
        let mut loaded = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if loaded.stamp != stamp {
            loaded.stamp = stamp;
            match read_keys(&self.file) {
                Ok(keys) => {
                    log::info!("the token issuer's keys were read again count={}", keys.len());
                    loaded.keys = Arc::new(keys);
                }
                Err(why) => {
                    log::error!("the token issuer's keys cannot be used; going on with those from before error={why}");
                }
            }
        }
        loaded.keys.clone()
    }
}

fn stamp_of(file: &Path) -> Option<Stamp> {
    let about = std::fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.len()))
}

fn read_keys(file: &Path) -> Result<Vec<IssuerKey>, String> {
    let text = std::fs::read_to_string(file).map_err(|why| why.to_string())?;
    let set: JwkSet = serde_json::from_str(&text).map_err(|why| format!("it is no JWK set: {why}"))?;
    let keys: Vec<IssuerKey> = set.keys.iter().filter_map(issuer_key).collect();
    if keys.is_empty() {
        return Err("it holds no key for RS256, PS256, ES256 or EdDSA".to_owned());
    }
    Ok(keys)
}

/// A key of the set, if it is for signatures that are taken here.
fn issuer_key(jwk: &Jwk) -> Option<IssuerKey> {
    if jwk.common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature) {
        return None;
    }
    let algorithms: &'static [Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[Algorithm::RS256, Algorithm::PS256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => &[Algorithm::ES256],
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
        _ => return None,
    };
    let named = jwk.common.key_algorithm.map(|algorithm| algorithm.to_string());
    let algorithms = match named {
        None => algorithms,
        Some(named) => {
            let at = algorithms.iter().position(|algorithm| format!("{algorithm:?}") == named)?;
            &algorithms[at..=at]
        }
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(IssuerKey { id: jwk.common.key_id.clone(), algorithms, key })
}

/// The key a token names; one that names none is verified by the only key there is.
fn choose<'a>(keys: &'a [IssuerKey], header: &Header) -> Option<&'a IssuerKey> {
    let mut fitting = keys.iter().filter(|key| match &header.kid {
        Some(kid) => key.id.as_ref() == Some(kid),
        None => keys.len() == 1,
    });
    fitting.find(|key| key.algorithms.contains(&header.alg))
}

fn is_access_token(header: &Header) -> bool {
    let typ = header.typ.as_deref().unwrap_or_default();
    typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt")
}

/// Whether a header that does not decode is otherwise well formed: `none` is no algorithm the library knows.
fn names_another_algorithm(token: &str) -> bool {
    let header = token.split('.').next().unwrap_or_default();
    let header = data_encoding::BASE64URL_NOPAD.decode(header.as_bytes()).unwrap_or_default();
    serde_json::from_slice::<serde_json::Value>(&header).is_ok_and(|header| header["alg"].is_string())
}

fn fault_of(error: &Error) -> TokenFault {
    match error.kind() {
        ErrorKind::InvalidIssuer => TokenFault::Issuer,
        ErrorKind::InvalidAudience => TokenFault::Audience,
        ErrorKind::InvalidSignature => TokenFault::Signature,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => {
            TokenFault::Claims
        }
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => TokenFault::Algorithm,
        _ => TokenFault::Malformed,
    }
}

/// Until when a token counts, if it counts now.
fn check_times(claims: &Claims, now: Timestamp) -> Result<Timestamp, TokenFault> {
    let now_seconds = now.micros() / MICROS_A_SECOND;
    let begins = claims.iat.max(claims.nbf.unwrap_or(i64::MIN));
    if begins > now_seconds + SKEW_SECONDS {
        return Err(TokenFault::NotYet);
    }
    let until = claims.exp.saturating_add(SKEW_SECONDS);
    if until <= now_seconds {
        return Err(TokenFault::Expired);
    }
    // A token cannot be revoked, so it has to end soon by itself.
    if until > now_seconds + LIFE_SECONDS_MAX + SKEW_SECONDS {
        return Err(TokenFault::LastsTooLong);
    }
    Ok(Timestamp::from_micros(until.saturating_mul(MICROS_A_SECOND)))
}

/// The library's cryptography: ring, which the service has for TLS in any case. It only verifies.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    verifier_factory: |algorithm, key| {
        if !ALGORITHMS.contains(algorithm) || algorithm.family() != key.family() {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
        Ok(Box::new(Ring { algorithm: *algorithm, key: key.clone() }))
    },
    key_utils: KeyUtils::new_unimplemented(),
};

struct Ring {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Verifier<Vec<u8>> for Ring {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let verified = match (self.algorithm, self.key.kind()) {
            (Algorithm::ES256, DecodingKeyKind::SecretOrDer(key)) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(message, signature)
            }
            (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(key)) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            (Algorithm::PS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PSS_2048_8192_SHA256, message, signature)
            }
            _ => return Err(SignatureError::new()),
        };
        verified.map_err(|_| SignatureError::new())
    }
}

impl JwtVerifier for Ring {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
