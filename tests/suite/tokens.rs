//! Access tokens of an issuer, signed here, each fault one by one.

use data_encoding::{BASE64_MIME, BASE64URL_NOPAD};
use lumbung::config::AccessOptions;
use lumbung::kernel::{Clock, Timestamp};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{Answer, App};

const ISSUER: &str = "https://masuk.bank-contoh.example";
const AUDIENCE: &str = "https://lumbung.example";
const NOW: &str = "2014-03-12T09:00:00+08:00";

/// A signing key of the issuer, made for this test alone.
#[allow(clippy::large_enum_variant, reason = "there are four of them")]
enum Signer {
    Es256(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rs256(RsaKeyPair),
    Ps256(RsaKeyPair),
}

/// RSA keys take long to make; this one was made for these tests with `openssl genpkey -algorithm RSA` and is used nowhere else.
const RSA_KEY: &str = include_str!("tokens_rsa_key.txt");

impl Signer {
    fn es256() -> Self {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self::Es256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.as_ref(), &random).unwrap())
    }

    fn ed() -> Self {
        let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(Ed25519KeyPair::from_pkcs8(pair.as_ref()).unwrap())
    }

    fn rsa() -> RsaKeyPair {
        RsaKeyPair::from_pkcs8(&BASE64_MIME.decode(RSA_KEY.as_bytes()).unwrap()).unwrap()
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::Ed(_) => "EdDSA",
            Self::Rs256(_) => "RS256",
            Self::Ps256(_) => "PS256",
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let by_rsa = |pair: &RsaKeyPair, padding| {
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(padding, &random, message, &mut signature).unwrap();
            signature
        };
        match self {
            Self::Es256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rs256(pair) => by_rsa(pair, &RSA_PKCS1_SHA256),
            Self::Ps256(pair) => by_rsa(pair, &RSA_PSS_SHA256),
        }
    }

    fn jwk(&self, kid: &str) -> Value {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        match self {
            Self::Es256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y), "kid": kid, "use": "sig"})
            }
            Self::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()), "kid": kid})
            }
            Self::Rs256(pair) | Self::Ps256(pair) => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": text(&n), "e": text(&e), "kid": kid, "alg": self.algorithm()})
            }
        }
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let message = format!("{}.{}", part(header), part(claims));
        format!("{message}.{}", BASE64URL_NOPAD.encode(&self.sign(message.as_bytes())))
    }
}

/// A service that takes an issuer's tokens, and a bank that is its client `core`.
struct Story {
    app: App,
    clock: Clock,
    folder: TempDir,
    bank: String,
    client: Value,
}

fn jwks(folder: &TempDir, keys: &[Value]) {
    std::fs::write(folder.path().join("jwks.json"), json!({ "keys": keys }).to_string()).unwrap();
}

impl Story {
    fn with(keys: &[Value]) -> Self {
        let folder = TempDir::new().unwrap();
        jwks(&folder, keys);
        let clock = Clock::set_to(Timestamp::parse(NOW).unwrap());
        let access = AccessOptions {
            token_issuer: Some(ISSUER.to_owned()),
            token_audience: Some(AUDIENCE.to_owned()),
            token_jwks_file: Some(folder.path().join("jwks.json")),
            ..AccessOptions::default()
        };
        let app = App::start_with_access(clock.clone(), access);
        let bank = app.organisation("bank");
        let body = json!({"issuer": ISSUER, "client_id": "core", "label": "Sistem inti"});
        let added = app.post("province", &format!("/v1/organisations/{bank}/clients"), &body).expect(200);
        let client = added["clients"][0]["client"].clone();
        Self { app, clock, folder, bank, client }
    }

    fn me(&self, token: &str) -> Answer {
        self.app.send("GET", "/v1/me", &[("Authorization", &format!("Bearer {token}"))], b"")
    }

    #[track_caller]
    fn refused(&self, token: &str, reason: &str) {
        assert_eq!(self.me(token).problem(401, "unauthenticated")["reason"], reason);
    }
}

fn header(signer: &Signer, kid: &str) -> Value {
    json!({"typ": "at+jwt", "alg": signer.algorithm(), "kid": kid})
}

fn seconds() -> i64 {
    Timestamp::parse(NOW).unwrap().micros() / 1_000_000
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "core", "client_id": "core", "jti": "1",
        "iat": seconds(), "exp": seconds() + 300})
}

/// The document with a member changed, or taken away.
fn but(document: &Value, name: &str, value: Value) -> Value {
    let mut changed = document.clone();
    let members = changed.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    changed
}

#[test]
fn a_bank_acts_by_tokens_of_every_algorithm_taken() {
    let signers = [Signer::es256(), Signer::ed(), Signer::Rs256(Signer::rsa()), Signer::Ps256(Signer::rsa())];
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk(signer.algorithm())).collect();
    let story = Story::with(&keys);
    for signer in &signers {
        let token = signer.token(&header(signer, signer.algorithm()), &claims());
        let me = story.me(&token).expect(200);
        assert_eq!((&me["organisation"], &me["key_id"]), (&json!(story.bank), &story.client), "{}", signer.algorithm());
        assert_eq!(me["label"], "Sistem inti");
        // 300 seconds and the tolerance of a minute.
        assert_eq!((&me["expires_at"], &me["scopes"]), (&json!("2014-03-12T01:06:00Z"), &Value::Null));
        let audiences = but(&claims(), "aud", json!(["https://other.example", AUDIENCE]));
        story.me(&signer.token(&header(signer, signer.algorithm()), &audiences)).expect(200);
        // Another's signature under this key's name.
        let forged = Signer::es256().token(&header(signer, signer.algorithm()), &claims());
        story.refused(&forged, "token_signature");
    }
    // RS256 and PS256 are one key each here: what one signs the other does not verify.
    let crossed = signers[2].token(&header(&signers[2], "PS256"), &claims());
    story.refused(&crossed, "token_key_unknown");
    let as_other = signers[2].token(&json!({"typ": "at+jwt", "alg": "PS256", "kid": "PS256"}), &claims());
    story.refused(&as_other, "token_signature");
}

#[test]
fn every_fault_of_a_token_is_refused_by_its_name() {
    let (signer, other) = (Signer::es256(), Signer::ed());
    let story = Story::with(&[signer.jwk("one"), other.jwk("two")]);
    let (good, claims) = (header(&signer, "one"), claims());
    let with = |name: &str, value: Value| signer.token(&good, &but(&claims, name, value));
    story.me(&signer.token(&good, &claims)).expect(200);
    let now = seconds();
    for (name, value, reason) in [
        ("exp", json!(now - 60), "token_expired"),
        ("exp", json!("soon"), "token_claims"),
        ("exp", json!(now + 24 * 3600 + 1), "token_lasts_too_long"),
        ("exp", json!(i64::MAX), "token_lasts_too_long"),
        ("iat", json!(now + 61), "token_not_yet"),
        ("nbf", json!(now + 61), "token_not_yet"),
        ("iss", json!("https://other.example"), "token_issuer"),
        ("aud", json!("https://other.example"), "token_audience"),
        ("aud", json!([]), "token_audience"),
        ("client_id", json!("stranger"), "unknown"),
        ("cnf", json!({"x5t#S256": BASE64URL_NOPAD.encode(&[7; 32])}), "token_bound"),
        ("cnf", json!({"jkt": "x"}), "token_bound"),
    ] {
        story.refused(&with(name, value), reason);
    }
    for name in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        story.refused(&with(name, Value::Null), "token_claims");
    }
    for (name, value) in [("exp", now - 59), ("exp", now + 24 * 3600), ("iat", now + 60), ("nbf", now + 60)] {
        story.me(&with(name, json!(value))).expect(200);
    }

    let headed = |name: &str, value: Value| signer.token(&but(&good, name, value), &claims);
    for (name, value, reason) in [
        ("typ", json!("JWT"), "not_an_access_token"),
        ("typ", Value::Null, "not_an_access_token"),
        ("alg", json!("none"), "token_algorithm"),
        ("alg", json!("HS256"), "token_algorithm"),
        ("alg", json!("ES384"), "token_algorithm"),
        ("alg", json!("EdDSA"), "token_key_unknown"),
        ("kid", json!("three"), "token_key_unknown"),
        ("kid", Value::Null, "token_key_unknown"),
        ("crit", json!(["b64"]), "malformed_token"),
    ] {
        story.refused(&headed(name, value), reason);
    }
    story.me(&headed("typ", json!("application/at+jwt"))).expect(200);
    let token = signer.token(&good, &claims);
    let (message, _) = token.rsplit_once('.').unwrap();
    for unsigned in [format!("{message}."), format!("{message}.AAAA")] {
        story.refused(&unsigned, "token_signature");
    }
    for nonsense in ["a.b.c", "...", "x", &format!("{token}.x"), &"x".repeat(9000)] {
        story.refused(nonsense, "malformed_token");
    }
    // A key that is sent to the issuer's service is still a key.
    story.app.get("bank", "/v1/me").expect(200);
}

#[test]
fn the_only_key_of_an_issuer_needs_no_name_and_keys_are_read_again_when_they_change() {
    let (old, new) = (Signer::es256(), Signer::ed());
    let story = Story::with(&[old.jwk("old")]);
    let unnamed = |signer: &Signer| signer.token(&but(&header(signer, ""), "kid", Value::Null), &claims());
    story.me(&unnamed(&old)).expect(200);
    story.refused(&unnamed(&new), "token_key_unknown");
    jwks(&story.folder, &[new.jwk("new")]);
    story.me(&unnamed(&new)).expect(200);
    story.refused(&unnamed(&old), "token_key_unknown");
    // A file that was damaged changes nothing.
    std::fs::write(story.folder.path().join("jwks.json"), "{").unwrap();
    story.me(&unnamed(&new)).expect(200);
}

#[test]
fn a_tokens_scope_confines_its_bearer_and_widens_nothing() {
    let signer = Signer::es256();
    let story = Story::with(&[signer.jwk("one")]);
    let scoped = |scope: &str| signer.token(&header(&signer, "one"), &but(&claims(), "scope", json!(scope)));
    let get =
        |token: &str, path: &str| story.app.send("GET", path, &[("Authorization", &format!("Bearer {token}"))], b"");
    let reader = scoped("openid financings:read cooperatives:write");
    assert_eq!(story.me(&reader).expect(200)["scopes"], json!(["financings:read", "cooperatives:write"]));
    get(&reader, "/v1/financings").expect(200);
    get(&reader, "/v1/cooperatives").expect(200);
    get(&reader, "/v1/programmes").expect(200);
    let body = json!({"name": "KSP", "kind": "ksp", "region": "64.71", "nik_koperasi": "6471010010001"}).to_string();
    let headers = [("Authorization", &*format!("Bearer {reader}")), ("Content-Type", "application/json")];
    story.app.send("POST", "/v1/cooperatives", &headers, body.as_bytes()).problem(403, "forbidden");
    get(&scoped("openid"), "/v1/financings").problem(403, "insufficient_scope");
}

#[test]
fn a_client_that_is_removed_and_an_organisation_that_is_deactivated_are_shut_out_at_once() {
    let signer = Signer::ed();
    let story = Story::with(&[signer.jwk("one")]);
    let token = signer.token(&header(&signer, "one"), &claims());
    let at = |command: &str| format!("/v1/organisations/{}/{command}", story.bank);
    story.me(&token).expect(200);
    story.app.post("province", &at("deactivations"), &json!({})).expect(200);
    story.refused(&token, "unknown");
    story.app.post("province", &at("reactivations"), &json!({})).expect(200);
    story.me(&token).expect(200);
    let other = story.app.organisation("other_bank");
    let body = json!({"issuer": ISSUER, "client_id": "core"});
    let taken = story.app.post("province", &format!("/v1/organisations/{other}/clients"), &body);
    assert_eq!(taken.problem(409, "duplicate")["existing"], story.bank.as_str());
    story.app.post("bank", &at("client-removals"), &json!({"client": story.client})).problem(403, "forbidden");
    story.app.post("province", &at("client-removals"), &json!({"client": story.client})).expect(200);
    story.refused(&token, "unknown");
    story.app.post("province", &format!("/v1/organisations/{other}/clients"), &body).problem(409, "duplicate");
    story.app.post("province", &at("clients"), &body).expect(200);
    story.me(&token).expect(200);
    // Its time runs out by the service's clock.
    story.clock.move_to(Timestamp::parse("2014-03-12T09:06:00+08:00").unwrap());
    story.refused(&token, "token_expired");
}
