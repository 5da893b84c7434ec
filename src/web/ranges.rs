//! Files: whole or a range of their bytes (RFC 9110, sections 13 and 14).

use std::io;
use std::str::FromStr;

use actix_web::body::SizedStream;
use actix_web::http::header::{self, ByteRangeSpec, HeaderName, HeaderValue, Range};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use futures_util::stream::unfold;

use super::problem::Problem;
use super::reply::already_has;
use crate::kernel::Refusal;
use crate::kernel::problem_codes::{INVALID_HEADER, RANGE_NOT_SATISFIABLE};

/// Bytes read and sent at a time.
const PIECE_BYTES: u64 = 256 * 1024;
/// Longest `Range` and `If-Range`, in characters: one range is far shorter, and long lists of them serve no reader (RFC 9110, section 14.2).
const RANGE_CHARACTERS_MAX: usize = 1000;

/// A file that never changes under its `ETag`.
pub struct FileReply<R> {
    /// Quoted, strong: other bytes have another.
    pub etag: String,
    /// Bytes in all.
    pub length: u64,
    /// Its media type.
    pub media_type: &'static str,
    /// What else is said about it.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Reads so many bytes from a place on.
    pub read: R,
}

/// What is to be sent.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// From this byte to that, both included.
    Range(u64, u64),
    Unsatisfiable,
}

/// What `Range` and `If-Range` ask for. Several ranges at once, and what is not understood, are answered with the whole, as RFC 9110 allows.
fn part(range: Option<&str>, if_range: Option<&str>, etag: &str, length: u64) -> Part {
    if if_range.is_some_and(|known| known != etag) {
        return Part::Whole;
    }
    let Some(Ok(Range::Bytes(specs))) = range.map(Range::from_str) else {
        return Part::Whole;
    };
    match specs.as_slice() {
        [ByteRangeSpec::FromTo(from, to)] if to < from => Part::Whole,
        [spec] => spec.to_satisfiable_range(length).map_or(Part::Unsatisfiable, |(from, to)| Part::Range(from, to)),
        _ => Part::Whole,
    }
}

/// Answers with the file, a range of it, 304 or 416.
pub fn file_reply<R>(request: &HttpRequest, file: FileReply<R>) -> HttpResponse
where
    R: Fn(u64, usize) -> io::Result<Vec<u8>> + Clone + Send + 'static,
{
    let is_long = |name: &HeaderName| request.headers().get(name).is_some_and(|it| it.len() > RANGE_CHARACTERS_MAX);
    if let Some(name) = [header::RANGE, header::IF_RANGE].into_iter().find(is_long) {
        return too_long(&name).error_response();
    }
    let text = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let mut response = match already_has(request.headers(), &file.etag) {
        Err(problem) => return problem.error_response(),
        Ok(true) => HttpResponse::NotModified().finish(),
        Ok(false) => match part(text(header::RANGE), text(header::IF_RANGE), &file.etag, file.length) {
            Part::Whole => HttpResponse::Ok().body(body(file.read, 0, file.length)),
            Part::Range(from, to) => HttpResponse::PartialContent()
                .insert_header((header::CONTENT_RANGE, format!("bytes {from}-{to}/{}", file.length)))
                .body(body(file.read, from, to + 1)),
            Part::Unsatisfiable => {
                let mut response = unsatisfiable(file.length).error_response();
                if let Ok(value) = HeaderValue::from_str(&format!("bytes */{}", file.length)) {
                    response.headers_mut().insert(header::CONTENT_RANGE, value);
                }
                return response;
            }
        },
    };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&file.etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // A range is of the bytes as they are, and so is the hash: they are not compressed on the way.
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache, no-transform"));
    for (name, value) in file.headers {
        headers.insert(name, value);
    }
    response
}

fn too_long(name: &HeaderName) -> Problem {
    let why = text!(
        "{name} paling banyak {RANGE_CHARACTERS_MAX} karakter; mintalah satu rentang.",
        "{name} is at most {RANGE_CHARACTERS_MAX} characters; ask for one range."
    );
    Refusal::new(&INVALID_HEADER, why).into()
}

fn unsatisfiable(length: u64) -> Problem {
    let why = text!("Berkas ini {length} byte.", "The file has {length} bytes.");
    Refusal::new(&RANGE_NOT_SATISFIABLE, why).into()
}

/// The bytes from one place to before another, read as they are sent.
fn body<R>(
    read: R,
    from: u64,
    to: u64,
) -> SizedStream<impl futures_util::Stream<Item = Result<web::Bytes, actix_web::Error>>>
where
    R: Fn(u64, usize) -> io::Result<Vec<u8>> + Clone + Send + 'static,
{
    let pieces = unfold((read, from), move |(read, at)| async move {
        let bytes = usize::try_from((to - at).min(PIECE_BYTES)).unwrap_or_default();
        if bytes == 0 {
            return None;
        }
        let reading = read.clone();
        let piece = web::block(move || reading(at, bytes)).await;
        let piece = piece.map_err(actix_web::Error::from).and_then(|read| Ok(read.map(web::Bytes::from)?));
        Some((piece, (read, at + bytes as u64)))
    });
    SizedStream::new(to - from, Box::pin(pieces))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_understood_and_others_answered_with_the_whole() {
        let of = |range| part(Some(range), None, "\"a\"", 100);
        assert_eq!(of("bytes=0-9"), Part::Range(0, 9));
        assert_eq!(of("bytes=90-"), Part::Range(90, 99));
        assert_eq!(of("bytes=90-500"), Part::Range(90, 99));
        assert_eq!(of("bytes=-10"), Part::Range(90, 99));
        for unsatisfiable in ["bytes=100-", "bytes=-0"] {
            assert_eq!(of(unsatisfiable), Part::Unsatisfiable, "{unsatisfiable}");
        }
        for whole in ["bytes=0-1,5-6", "bytes=9-1", "rows=1-2", "bytes=x", ""] {
            assert_eq!(of(whole), Part::Whole, "{whole}");
        }
        assert_eq!(part(None, None, "\"a\"", 100), Part::Whole);
    }

    #[test]
    fn a_range_of_what_it_has_no_more_is_answered_with_the_whole() {
        for (known, part_sent) in [("\"a\"", Part::Range(1, 2)), ("\"b\"", Part::Whole), ("W/\"a\"", Part::Whole)] {
            assert_eq!(part(Some("bytes=1-2"), Some(known), "\"a\"", 100), part_sent, "{known}");
        }
        assert_eq!(part(Some("bytes=1-2"), Some("Mon, 24 Feb 2014 00:00:00 GMT"), "\"a\"", 100), Part::Whole);
    }
}
