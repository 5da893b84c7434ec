//! HTTPS over a real socket, and certificates that stand for organisations.
#![cfg(feature = "rustls")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use lumbung::config::AccessOptions;
use lumbung::kernel::Clock;
use lumbung::maintenance::health;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::harness::App;

/// A certificate with its key.
struct Identity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
    pem: String,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn signed(by: &Authority, names: &[&str], purpose: ExtendedKeyUsagePurpose) -> Identity {
    let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    params.extended_key_usages = vec![purpose];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, by).unwrap();
    Identity { certificate: certificate.der().clone(), pem: certificate.pem(), key }
}

fn client(by: &Authority, name: &str) -> Identity {
    signed(by, &[name], ExtendedKeyUsagePurpose::ClientAuth)
}

/// A service behind TLS; clients of its authority may show certificates.
struct Story {
    app: App,
    roots: RootCertStore,
    clients: Authority,
    folder: TempDir,
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

impl Story {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let (own, clients) = (authority("Uji"), authority("Bank"));
        let server = signed(&own, &["localhost"], ExtendedKeyUsagePurpose::ServerAuth);
        let access = AccessOptions {
            tls_certificate: Some(write(folder.path(), "server.pem", &server.pem)),
            tls_key: Some(write(folder.path(), "server.key", &server.key.serialize_pem())),
            tls_client_ca: Some(write(folder.path(), "clients.pem", &clients.pem())),
            ..AccessOptions::default()
        };
        let app = App::start_with_access(Clock::System, access);
        let mut roots = RootCertStore::empty();
        roots.add(own.der().clone()).unwrap();
        Self { app, roots, clients, folder }
    }

    /// Sends a request over a connection of its own; the status and the body, if there is a connection.
    fn send(
        &self,
        method: &str,
        path: &str,
        by: Option<&Identity>,
        key: &str,
        body: &Value,
    ) -> std::io::Result<(u16, Value)> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(self.roots.clone());
        let config = match by {
            None => config.with_no_client_auth(),
            Some(identity) => {
                let private = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
                config.with_client_auth_cert(vec![identity.certificate.clone()], private).unwrap()
            }
        };
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let address = self.app.url.strip_prefix("http://").unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(address)?);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let authorization = if key.is_empty() { String::new() } else { format!("Authorization: Bearer {key}\r\n") };
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{authorization}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = Vec::new();
        // A server that closes without saying so has answered all the same.
        if let Err(why) = stream.read_to_end(&mut answer)
            && answer.is_empty()
        {
            return Err(why);
        }
        let answer = String::from_utf8(answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        Ok((status, serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    fn me(&self, by: Option<&Identity>, key: &str) -> (u16, Value) {
        self.send("GET", "/v1/me", by, key, &Value::Null).unwrap()
    }

    fn organisation(&self, who: &str) -> String {
        self.me(None, self.app.key(who)).1["organisation"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_certificate_stands_for_the_organisation_it_is_registered_with() {
    let story = Story::start();
    let core = client(&story.clients, "core.bank");
    let (bank, other) = (story.organisation("bank"), story.organisation("other_bank"));
    assert_eq!(story.me(None, "").0, 401);
    let (status, problem) = story.me(Some(&core), "");
    assert_eq!((status, &problem["reason"]), (401, &json!("unknown")));

    let fingerprint = Sha256::digest(&core.certificate);
    let colons = HEXLOWER.encode(&fingerprint).to_uppercase();
    let colons: Vec<&str> = (0..32).map(|at| &colons[at * 2..at * 2 + 2]).collect();
    let body = json!({"certificate_sha256": colons.join(":"), "label": "Sistem inti"});
    let clients = |organisation: &str| format!("/v1/organisations/{organisation}/clients");
    let province = story.app.key("province");
    let (status, added) = story.send("POST", &clients(&bank), None, province, &body).unwrap();
    assert_eq!((status, &added["clients"][0]["by"]), (200, &json!("certificate")), "{added}");
    assert_eq!(story.send("POST", &clients(&other), None, province, &body).unwrap().0, 409);

    let (status, me) = story.me(Some(&core), "");
    assert_eq!((status, &me["organisation"], &me["key_id"]), (200, &json!(bank), &added["clients"][0]["client"]));
    // With a key of the same organisation the key counts; with another's neither does.
    assert_ne!(story.me(Some(&core), story.app.key("bank")).1["key_id"], me["key_id"]);
    let (status, problem) = story.me(Some(&core), story.app.key("other_bank"));
    assert_eq!((status, &problem["reason"]), (401, &json!("two_organisations")));

    let removal = format!("/v1/organisations/{bank}/client-removals");
    let body = json!({"client": added["clients"][0]["client"], "reason": "Diganti"});
    assert_eq!(story.send("POST", &removal, None, province, &body).unwrap().0, 200);
    assert_eq!(story.me(Some(&core), "").0, 401);
    assert_eq!(story.me(Some(&core), story.app.key("bank")).0, 401);
}

#[test]
fn a_certificate_of_another_authority_gets_no_connection_and_plain_http_no_answer() {
    let story = Story::start();
    let stranger = client(&authority("Palsu"), "core.bank");
    assert!(story.send("GET", "/livez", Some(&stranger), "", &Value::Null).is_err());
    assert_eq!(story.send("GET", "/livez", None, "", &Value::Null).unwrap().0, 200);
    let (bind, own) = (story.app.url.trim_start_matches("http://").parse().unwrap(), story.folder.path());
    assert!(health(bind, Some(&own.join("server.pem"))).is_ok());
    assert!(health(bind, Some(&own.join("clients.pem"))).is_err() && health(bind, None).is_err());
    let mut plain = TcpStream::connect(story.app.url.strip_prefix("http://").unwrap()).unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"));
}

#[test]
fn files_that_cannot_be_used_are_named_at_start() {
    let folder = TempDir::new().unwrap();
    let own = authority("Uji");
    let server = signed(&own, &["localhost"], ExtendedKeyUsagePurpose::ServerAuth);
    let certificate = write(folder.path(), "server.pem", &server.pem);
    let key = write(folder.path(), "server.key", &server.key.serialize_pem());
    let other = write(folder.path(), "other.key", &KeyPair::generate().unwrap().serialize_pem());
    let empty = write(folder.path(), "empty.pem", "");
    let said = |certificate: &Path, key: &Path, authority: Option<&Path>| {
        lumbung::web::tls_config(certificate, key, authority).map(|_| ()).unwrap_err().0
    };
    assert!(lumbung::web::tls_config(&certificate, &key, Some(&certificate)).is_ok());
    assert!(said(&empty, &key, None).contains("empty.pem"));
    assert!(said(&certificate, &empty, None).contains("empty.pem"));
    assert!(said(&certificate, &key, Some(&empty)).contains("empty.pem"));
    assert!(said(&certificate, &other, None).contains("server.pem"));
}
