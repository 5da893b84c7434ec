//! Names of tiles.

use crate::ledger::{TILE_HEIGHT, TILE_WIDTH};

/// A tile within its level, by its path: `x001/x234/067` is 1,234,067; `.p/17` after it says that it has 17 hashes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TileName {
    /// Place in its level.
    pub index: u64,
    /// How many hashes or entries it has: 256 when it is full.
    pub width: u64,
}

impl TileName {
    /// Reads a path; a tile has one name only.
    pub fn parse(path: &str) -> Option<Self> {
        let (path, width) = match path.split_once(".p/") {
            None => (path, TILE_WIDTH),
            Some((path, width)) => (path, decimal(width).filter(|width| (1..TILE_WIDTH).contains(width))?),
        };
        let parts: Vec<&str> = path.split('/').collect();
        let (last, before) = parts.split_last()?;
        let mut index = 0_u64;
        for (place, part) in before.iter().map(|part| part.strip_prefix('x')).chain([Some(*last)]).enumerate() {
            let part = part.filter(|part| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()))?;
            // An index of more than three digits does not begin with zeros alone.
            if place == 0 && !before.is_empty() && part == "000" {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(part.parse().ok()?)?;
        }
        Some(Self { index, width })
    }

    /// The index of its first hash in its level, and of the one after its last.
    pub fn range(self) -> Option<(u64, u64)> {
        let first = self.index.checked_mul(TILE_WIDTH)?;
        Some((first, first.checked_add(self.width)?))
    }
}

/// A level of tiles that a log can have.
pub(super) fn level(text: &str) -> Option<u32> {
    let level = decimal(text)?;
    u32::try_from(level).ok().filter(|level| level * TILE_HEIGHT < u64::BITS)
}

/// A number as it is written in paths: digits, no leading zeros.
fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_has_one_name_and_no_other() {
        let read = |path| TileName::parse(path).map(|tile| (tile.index, tile.width));
        assert_eq!(read("000"), Some((0, 256)));
        assert_eq!(read("x001/x234/067"), Some((1_234_067, 256)));
        assert_eq!(read("x001/x234/067.p/17"), Some((1_234_067, 17)));
        assert_eq!(read("273.p/112"), Some((273, 112)));
        let wrongs = "0|00|0000|1000|x000/001|x001/x234|001/234|x01/234|x001/23|000.p/0|000.p/256|000.p/01|000.p/|000.p|.p/1||/|000/|x001//000|+01|-01|x00٣/001|x999/x999/x999/x999/x999/x999/x999/999";
        for wrong in wrongs.split('|') {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let levels = ["0", "1", "7", "8", "63", "00", "01", "-1", "", "x", "4294967296"].map(level);
        assert_eq!(levels[..3], [Some(0), Some(1), Some(7)]);
        assert!(levels[3..].iter().all(Option::is_none), "{levels:?}");
    }
}
