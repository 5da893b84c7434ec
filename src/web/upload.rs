//! Receives a file: many megabytes, compressed perhaps, within limits of size and time.

use std::time::{Duration, Instant};

use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use futures_util::StreamExt;
use futures_util::future::{Either, select};

use super::problem::Problem;
use super::unpack::{Coding, UnpackError, Unpacker};
use crate::kernel::problem_codes::{BODY_TOO_LARGE, BODY_TOO_SLOW, BODY_UNREADABLE, INTERNAL, UNSUPPORTED_MEDIA_TYPE};
use crate::kernel::{Refusal, Text};

/// How much may come, and how slowly.
#[derive(Clone, Copy, Debug)]
pub struct UploadLimits {
    /// Bytes after decompression.
    pub bytes_max: usize,
    /// Times the bytes that were sent, after decompression.
    pub inflation_max: usize,
    /// Longest wait for the next bytes; what takes longer than that in all has to come at a rate.
    pub pause_max: Duration,
    /// Longest time for the whole.
    pub whole_max: Duration,
}

/// Least bytes a second, on average, of a file that takes its time: whoever sends slower only holds a place.
const BYTES_PER_SECOND_MIN: u64 = 4 * 1024;

impl UploadLimits {
    /// Whether so many bytes in that time are too few.
    fn too_few(&self, received: usize, elapsed: Duration) -> bool {
        let least = elapsed.as_millis().saturating_mul(BYTES_PER_SECOND_MIN.into()) / 1000;
        elapsed > self.pause_max && (received as u128) < least
    }
}

/// Receives the body of a request whose media type is one of these.
///
/// # Errors
/// `unsupported_media_type`, `body_too_large`, `body_too_slow`, `body_unreadable`.
pub async fn receive(
    request: &HttpRequest,
    payload: web::Payload,
    media_types: &[&str],
    limits: UploadLimits,
) -> Result<Vec<u8>, Problem> {
    let coding = require_form(request, media_types)?;
    let mut unpacker = Unpacker::new(coding, limits.bytes_max, limits.inflation_max).map_err(|why| {
        log::error!("a body cannot be decompressed error={why}");
        Problem::of(&INTERNAL)
    })?;
    let gather = async {
        let (mut payload, mut received, began) = (payload, 0, Instant::now());
        loop {
            let next = actix_web::rt::time::timeout(limits.pause_max, payload.next()).await;
            match next
                .map_err(|_| too_slow(limits.pause_max, "tanpa jeda lebih dari", "without a pause of more than"))?
            {
                None => return Ok(()),
                Some(Ok(bytes)) => {
                    received += bytes.len();
                    if limits.too_few(received, began.elapsed()) {
                        return Err(too_little());
                    }
                    unpacker.push(&bytes).map_err(|error| refused(error, limits))?;
                }
                Some(Err(PayloadError::Overflow)) => return Err(refused(UnpackError::TooLarge, limits)),
                Some(Err(_)) => return Err(Problem::of(&BODY_UNREADABLE)),
            }
        }
    };
    let deadline = actix_web::rt::time::sleep(limits.whole_max);
    match select(std::pin::pin!(gather), std::pin::pin!(deadline)).await {
        Either::Left((gathered, _)) => gathered?,
        Either::Right(_) => return Err(too_slow(limits.whole_max, "dalam", "within")),
    }
    unpacker.finish().map_err(|error| refused(error, limits))
}

fn require_form(request: &HttpRequest, media_types: &[&str]) -> Result<Coding, Problem> {
    let text = |name| request.headers().get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let essence = text(header::CONTENT_TYPE).map(|text| text.split(';').next().unwrap_or_default().trim());
    let coding = Coding::of(text(header::CONTENT_ENCODING).unwrap_or_default());
    let known = essence.is_some_and(|essence| media_types.iter().any(|known| known.eq_ignore_ascii_case(essence)));
    coding.filter(|_| known).ok_or_else(|| {
        let list = media_types.join(", ");
        let why = text!(
            "Kirim `Content-Type: {list}`, tanpa kompresi atau dengan `Content-Encoding: gzip` atau `zstd`.",
            "Send `Content-Type: {list}`, not compressed or with `Content-Encoding: gzip` or `zstd`."
        );
        Refusal::new(&UNSUPPORTED_MEDIA_TYPE, why).into()
    })
}

fn too_slow(limit: Duration, how_id: &str, how_en: &str) -> Problem {
    let seconds = limit.as_secs();
    let why = text!(
        "Kirim seluruh berkas {how_id} {seconds} detik. Tidak ada baris yang tercatat; kirim lagi, dimampatkan bila sambungan lambat.",
        "Send the whole file {how_en} {seconds} seconds. No line was recorded; send it again, compressed if the connection is slow."
    );
    Refusal::new(&BODY_TOO_SLOW, why).into()
}

fn too_little() -> Problem {
    let kibibytes = BYTES_PER_SECOND_MIN / 1024;
    let why = text!(
        "Berkas datang terlalu lambat: rata-rata paling sedikit {kibibytes} KiB per detik. Tidak ada baris yang tercatat; kirim lagi, dimampatkan.",
        "The file comes too slowly: at least {kibibytes} KiB a second on average. No line was recorded; send it again, compressed."
    );
    Refusal::new(&BODY_TOO_SLOW, why).into()
}

fn refused(error: UnpackError, limits: UploadLimits) -> Problem {
    let mebibytes = limits.bytes_max / (1024 * 1024);
    let bytes = limits.bytes_max;
    let times = limits.inflation_max;
    let why = match error {
        UnpackError::TooLarge => text!(
            "Berkas melebihi {bytes} byte ({mebibytes} MiB) setelah dibuka; bagi menjadi beberapa berkas. Tidak ada baris yang tercatat.",
            "The file has more than {bytes} bytes ({mebibytes} MiB) when decompressed; send it in parts. No line was recorded."
        ),
        UnpackError::Inflated => text!(
            "Isi mengembang lebih dari {times} kali; kirim dengan kompresi biasa atau tanpa kompresi. Tidak ada baris yang tercatat.",
            "The body grows to more than {times} times its size; send it with ordinary compression or none. No line was recorded."
        ),
        UnpackError::Unreadable => Text::fixed(
            "Isi tidak dapat dibuka: bukan yang disebut `Content-Encoding`, atau terpotong. Tidak ada baris yang tercatat; kirim lagi.",
            "The body cannot be decompressed: it is not what `Content-Encoding` says, or it was cut short. No line was recorded; send it again.",
        ),
    };
    let code = if error == UnpackError::Unreadable { &BODY_UNREADABLE } else { &BODY_TOO_LARGE };
    Refusal::new(code, why).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_takes_its_time_comes_at_a_rate() {
        let pause_max = Duration::from_secs(30);
        let limits = UploadLimits { bytes_max: 1, inflation_max: 1, pause_max, whole_max: pause_max * 20 };
        let too_few = |received, seconds| limits.too_few(received, Duration::from_secs(seconds));
        assert!(!too_few(1, 30) && too_few(1, 31));
        assert!(!too_few(31 * 4096, 31) && too_few(31 * 4096, 32));
    }
}
