//! Takes compressed bytes apart as they come, within limits: what is small may have been made to grow without end.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use zstd::stream::raw::{Decoder as ZstdDecoder, InBuffer, Operation, OutBuffer};

/// Bytes that may come out whatever the ratio: what repeats itself compresses well, and a little of it harms nobody.
const FREE_BYTES: usize = 1024 * 1024;
/// Bytes that zstd puts out at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Largest window a zstd frame may ask for, as a power of two: 8 MiB, as RFC 8878 recommends.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// How a body was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    /// The one a `Content-Encoding` names, if it is one of ours.
    pub fn of(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Why bytes are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnpackError {
    /// More came out than may.
    TooLarge,
    /// More came out of what went in than an honest file holds.
    Inflated,
    /// It is not what it says it is, or it ends too early.
    Unreadable,
}

/// Bytes being taken apart.
pub struct Unpacker(Decoder);

enum Decoder {
    Identity(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
    Zstd { decoder: ZstdDecoder<'static>, out: Bounded, whole: bool },
}

/// Collects what comes out, up to the limits.
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
    inflation_max: usize,
    taken: usize,
    exceeded: Option<UnpackError>,
}

impl Unpacker {
    /// At most `bytes_max` bytes come out, and at most `inflation_max` times what went in once it is more than a little.
    ///
    /// # Errors
    /// When the decoder cannot be made.
    pub fn new(coding: Coding, bytes_max: usize, inflation_max: usize) -> io::Result<Self> {
        let out = Bounded { bytes: Vec::new(), bytes_max, inflation_max, taken: 0, exceeded: None };
        Ok(Self(match coding {
            Coding::Identity => Decoder::Identity(out),
            Coding::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(out))),
            Coding::Zstd => {
                let mut decoder = ZstdDecoder::new()?;
                decoder.set_parameter(zstd::zstd_safe::DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
                Decoder::Zstd { decoder, out, whole: true }
            }
        }))
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When a limit is exceeded, or they cannot be read.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), UnpackError> {
        let out = self.out();
        out.taken += bytes.len();
        let pushed = match &mut self.0 {
            Decoder::Identity(out) => out.write_all(bytes),
            Decoder::Gzip(decoder) => decoder.write_all(bytes),
            Decoder::Zstd { decoder, out, whole } => unpack_zstd(decoder, out, whole, bytes),
        };
        pushed.map_err(|_| self.out().exceeded.unwrap_or(UnpackError::Unreadable))
    }

    /// All that came out.
    ///
    /// # Errors
    /// When what went in ended too early.
    pub fn finish(mut self) -> Result<Vec<u8>, UnpackError> {
        if self.out().taken == 0 {
            return Ok(Vec::new());
        }
        match self.0 {
            Decoder::Identity(out) | Decoder::Zstd { out, whole: true, .. } => Ok(out.bytes),
            Decoder::Zstd { .. } => Err(UnpackError::Unreadable),
            Decoder::Gzip(mut decoder) => match decoder.try_finish() {
                Ok(()) => Ok(std::mem::take(&mut decoder.get_mut().bytes)),
                Err(_) => Err(decoder.get_ref().exceeded.unwrap_or(UnpackError::Unreadable)),
            },
        }
    }

    fn out(&mut self) -> &mut Bounded {
        match &mut self.0 {
            Decoder::Identity(out) | Decoder::Zstd { out, .. } => out,
            Decoder::Gzip(decoder) => decoder.get_mut(),
        }
    }
}

fn unpack_zstd(
    decoder: &mut ZstdDecoder<'static>,
    out: &mut Bounded,
    whole: &mut bool,
    bytes: &[u8],
) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut input = InBuffer::around(bytes);
    loop {
        let mut output = OutBuffer::around(piece.as_mut_slice());
        let wanted = decoder.run(&mut input, &mut output)?;
        // At the end of a frame the decoder wants nothing more.
        *whole = wanted == 0;
        let written = output.pos();
        out.write_all(&piece[..written])?;
        if input.pos() == bytes.len() && written < PIECE_BYTES {
            return Ok(());
        }
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let size = self.bytes.len() + bytes.len();
        if size > self.bytes_max {
            self.exceeded = Some(UnpackError::TooLarge);
        } else if size > FREE_BYTES.max(self.taken.saturating_mul(self.inflation_max)) {
            self.exceeded = Some(UnpackError::Inflated);
        }
        if self.exceeded.is_some() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn packed(coding: Coding, bytes: &[u8]) -> Vec<u8> {
        match coding {
            Coding::Identity => bytes.to_vec(),
            Coding::Gzip => gzip(bytes),
            Coding::Zstd => zstd::encode_all(bytes, 3).unwrap(),
        }
    }

    fn unpack(coding: Coding, bytes: &[u8], piece: usize, bytes_max: usize) -> Result<Vec<u8>, UnpackError> {
        let mut unpacker = Unpacker::new(coding, bytes_max, 250).unwrap();
        bytes.chunks(piece).try_for_each(|piece| unpacker.push(piece))?;
        unpacker.finish()
    }

    const CODINGS: [Coding; 3] = [Coding::Identity, Coding::Gzip, Coding::Zstd];

    #[test]
    fn one_file_put_behind_another_is_both() {
        for coding in CODINGS {
            let both = [packed(coding, b"one\n"), packed(coding, b"two\n")].concat();
            assert_eq!(unpack(coding, &both, 7, 100).unwrap(), b"one\ntwo\n", "{coding:?}");
        }
    }

    #[test]
    fn what_is_cut_short_or_is_something_else_is_unreadable() {
        let text: Vec<u8> = (0..9000_u32).flat_map(u32::to_le_bytes).collect();
        for coding in [Coding::Gzip, Coding::Zstd] {
            let whole = packed(coding, &text);
            for length in [1, 5, 12, whole.len() / 2, whole.len() - 1] {
                let cut = unpack(coding, &whole[..length], 1000, 1 << 20);
                assert_eq!(cut, Err(UnpackError::Unreadable), "{coding:?} {length} of {}", whole.len());
            }
            assert_eq!(unpack(coding, b"{\"method\":\"POST\"}\n", 1000, 1000), Err(UnpackError::Unreadable));
        }
    }

    #[test]
    fn a_bomb_is_put_out_before_it_goes_off() {
        let zeros = vec![b' '; 16 << 20];
        for coding in [Coding::Gzip, Coding::Zstd] {
            let bomb = packed(coding, &zeros);
            assert!(bomb.len() < 20_000, "{coding:?}: {}", bomb.len());
            assert_eq!(unpack(coding, &bomb, 1 << 16, 32 << 20), Err(UnpackError::Inflated), "{coding:?}");
        }
        assert_eq!(unpack(Coding::Identity, &zeros, 1 << 16, 1 << 20), Err(UnpackError::TooLarge));
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_out_whatever_the_pieces(bytes in prop::collection::vec(any::<u8>(), 0..3000), piece in 1..500_usize) {
            for coding in CODINGS {
                let unpacked = unpack(coding, &packed(coding, &bytes), piece, 3000);
                prop_assert_eq!(unpacked.as_ref(), Ok(&bytes));
            }
        }

        #[test]
        fn bytes_of_any_kind_make_nothing_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            for coding in CODINGS {
                let _ = unpack(coding, &bytes, 50, 3000);
            }
        }
    }
}
