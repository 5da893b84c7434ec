//! The service that is copied, as it is seen over HTTP.

use std::time::Duration;

use data_encoding::BASE64;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::http::StatusCode;

use crate::ledger::{Hash, TILE_WIDTH};
use crate::storage::OpenError;

/// How long an answer may take.
const WAIT: Duration = Duration::from_mins(1);
/// Largest answer in text, in bytes.
const TEXT_BYTES_MAX: u64 = 64 * 1024;
/// Largest tile of entries, in bytes: 256 of the longest.
const TILE_BYTES_MAX: u64 = 256 * (2 + 65_535);

/// Why the source gave no answer.
pub(super) enum Silent {
    /// It may another time.
    ForNow(String),
    /// It never will: the key or the address is wrong.
    ForGood(String),
}

/// See the module.
pub(super) struct Source {
    url: String,
    key: String,
    agent: ureq::Agent,
}

impl Source {
    /// The service at an address, asked with an auditor's key.
    pub fn new(url: &str, key: &str) -> Result<Self, OpenError> {
        let url = url.trim_end_matches('/').to_owned();
        let (https, http) = (url.starts_with("https://"), url.starts_with("http://"));
        if !https && !http {
            return Err(OpenError(format!("`{url}` is no address of a service; write https://…")));
        }
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(WAIT)).max_redirects(0);
        Ok(Self { url, key: format!("Bearer {key}"), agent: config.build().into() })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its signed checkpoint, not yet verified.
    pub fn checkpoint(&self) -> Result<String, Silent> {
        let bytes = self.get("checkpoint", TEXT_BYTES_MAX)?;
        String::from_utf8(bytes).map_err(|_| Silent::ForNow("the checkpoint is not text".to_owned()))
    }

    /// The first `width` entries of a tile, not yet verified.
    pub fn entries(&self, tile: u64, width: u64) -> Result<Vec<Vec<u8>>, Silent> {
        let part = if width < TILE_WIDTH { format!(".p/{width}") } else { String::new() };
        let bytes = self.get(&format!("tile/entries/{}{part}", index_path(tile)), TILE_BYTES_MAX)?;
        let (mut entries, mut rest) = (Vec::new(), bytes.as_slice());
        while !rest.is_empty() {
            let parted = rest.split_first_chunk::<2>();
            let parted = parted.and_then(|(length, rest)| rest.split_at_checked(u16::from_be_bytes(*length).into()));
            let (entry, after) =
                parted.ok_or_else(|| Silent::ForNow(format!("the entries of tile {tile} are cut off")))?;
            entries.push(entry.to_vec());
            rest = after;
        }
        Ok(entries)
    }

    /// A proof of consistency, not yet verified.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, Silent> {
        #[derive(Deserialize)]
        struct Proof {
            hashes: Vec<String>,
        }
        let proof: Proof = self.json(&format!("consistency?from={from}&to={to}"))?;
        let hash = |text: &String| BASE64.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        let hashes: Option<Vec<Hash>> = proof.hashes.iter().map(hash).collect();
        hashes.ok_or_else(|| Silent::ForNow("a proof of consistency holds what is no hash".to_owned()))
    }

    fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, Silent> {
        let bytes = self.get(path, TEXT_BYTES_MAX)?;
        serde_json::from_slice(&bytes)
            .map_err(|why| Silent::ForNow(format!("the answer to {path} is not understood: {why}")))
    }

    fn get(&self, path: &str, bytes_max: u64) -> Result<Vec<u8>, Silent> {
        let for_now = |why: ureq::Error| Silent::ForNow(format!("no answer from {}: {why}", self.url));
        let request = self.agent.get(format!("{}/v1/log/{path}", self.url)).header("Authorization", &self.key);
        let mut answer = request.header("Accept-Language", "en").call().map_err(for_now)?;
        let status = answer.status();
        if status == StatusCode::OK {
            return answer.body_mut().with_config().limit(bytes_max).read_to_vec().map_err(for_now);
        }
        let body = answer.body_mut().with_config().limit(TEXT_BYTES_MAX).read_to_string().unwrap_or_default();
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("no explanation");
        let why = format!("{} answers {} to {path}: {detail}", self.url, status.as_u16());
        let for_good = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) || status.is_redirection();
        Err(if for_good { Silent::ForGood(why) } else { Silent::ForNow(why) })
    }
}

/// A tile's index in groups of three digits, all but the last after an `x`.
fn index_path(tile: u64) -> String {
    let mut path = format!("{:03}", tile % 1000);
    let mut rest = tile / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_is_asked_for_by_its_name() {
        assert_eq!([0, 67, 1_234_067].map(index_path), ["000", "067", "x001/x234/067"]);
    }

    #[test]
    fn an_address_without_its_scheme_is_refused() {
        assert!(Source::new("koperasi.kaltimprov.go.id", "k").is_err());
        assert_eq!(
            Source::new("https://koperasi.kaltimprov.go.id/", "k").ok().unwrap().url(),
            "https://koperasi.kaltimprov.go.id"
        );
    }
}
