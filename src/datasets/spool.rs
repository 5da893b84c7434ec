//! A file that is being made: without a name, so that nothing is left of it however the service ends; counted and hashed as it is written.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use sha2::{Digest, Sha256};

/// Bytes gathered before the file is written to.
const BUFFER_BYTES: usize = 64 * 1024;

/// A file in the making.
pub(super) struct Spool {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
    bytes_max: u64,
}

impl Spool {
    /// A new file in `folder` that may grow to so many bytes.
    ///
    /// # Errors
    /// When it cannot be made there.
    pub(super) fn new(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, tempfile::tempfile_in(folder)?);
        Ok(Self { file, hash: Sha256::new(), bytes: 0, bytes_max })
    }

    /// The finished file.
    ///
    /// # Errors
    /// When the rest cannot be written.
    pub(super) fn finish(self, rows: u64) -> io::Result<Spooled> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Spooled { file, bytes: self.bytes, rows, sha256: self.hash.finalize().into() })
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        if self.bytes > self.bytes_max {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than all files may be"));
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A finished file. Any number of readers read it at once, each at its own place.
#[derive(Debug)]
pub(super) struct Spooled {
    file: File,
    /// Its length.
    pub bytes: u64,
    /// Rows in it.
    pub rows: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

impl Spooled {
    /// So many bytes from a place on.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn read(&self, from: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; bytes];
        self.file.read_exact_at(&mut piece, from)?;
        Ok(piece)
    }

    /// The hash in hexadecimal.
    pub(super) fn sha256_text(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_counted_and_hashed_and_leaves_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path(), 1000).unwrap();
        spool.write_all(b"beras").unwrap();
        let made = spool.finish(1).unwrap();
        assert_eq!((made.bytes, made.read(1, 3).unwrap()), (5, b"era".to_vec()));
        assert_eq!(made.sha256, <[u8; 32]>::from(Sha256::digest(b"beras")));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_does_not_outgrow_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path(), 4).unwrap();
        assert_eq!(spool.write_all(b"beras").unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
