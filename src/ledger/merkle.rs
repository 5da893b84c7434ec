//! The RFC 6962 Merkle tree over the log, kept as its compact frontier.

use sha2::{Digest, Sha256};

/// SHA-256.
pub type Hash = [u8; 32];

/// `SHA-256(0x00 ‖ data)`.
pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(data).finalize().into()
}

pub(super) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// How many levels of the tree are one level of tiles: a tile has 256 hashes.
pub const TILE_HEIGHT: u32 = 8;
/// Hashes in a full tile.
pub const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;

/// Root of a complete subtree of `256^level` leaves, the `index`-th of its level from 0: what tiles are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Level of tiles; 0 are the leaves.
    pub level: u32,
    /// Place in its level.
    pub index: u64,
    /// The hash.
    pub hash: Hash,
}

/// The roots of the complete subtrees of a tree of `size` leaves, largest first: all that is needed to append and to tell the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// How many leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next leaf; tells the nodes above level 0 that it completes, of which there are some for every 256th leaf.
    pub fn push(&mut self, leaf: Hash) -> Vec<Node> {
        let (mut node, mut complete) = (leaf, Vec::new());
        // Every trailing one bit of the size is a complete subtree that the new leaf completes to twice its size.
        for height in 1..=self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                node = node_hash(&left, &node);
            }
            if height % TILE_HEIGHT == 0 {
                complete.push(Node { level: height / TILE_HEIGHT, index: self.size >> height, hash: node });
            }
        }
        self.roots.push(node);
        self.size += 1;
        complete
    }

    /// The tree's root; of the empty tree the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        let Some(last) = roots.next() else {
            return Sha256::digest([]).into();
        };
        roots.fold(*last, |right, left| node_hash(left, &right))
    }

    /// The stored form: the roots one after the other.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.roots.concat()
    }

    /// Reads the stored form of a tree of `size` leaves; `None` when the bytes cannot belong to it.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks::<32>();
        let complete = usize::try_from(size.count_ones()).ok()?;
        (rest.is_empty() && chunks.len() == complete).then(|| Self { size, roots: chunks.to_vec() })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition of RFC 6962 §2.1, word for word.
    pub fn tree_hash(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node_hash(&tree_hash(&leaves[..split]), &tree_hash(&leaves[split..]))
            }
        }
    }

    #[test]
    fn the_root_equals_one_computed_by_independent_tools() {
        // Leaves {"position":i,"type":"LoanApproved"}, i = 0…999; root agreed by two C2SP implementations in other languages.
        let mut frontier = Frontier::default();
        for position in 0..1000 {
            frontier.push(leaf_hash(format!(r#"{{"position":{position},"type":"LoanApproved"}}"#).as_bytes()));
        }
        assert_eq!(data_encoding::BASE64.encode(&frontier.root()), "PfpeoJzpXrl0xfa75Ws+kkIkbkV0lv71uvRhucKEQGA=");
    }

    proptest! {
        #[test]
        fn the_frontier_tells_the_root_of_the_definition(size in 0_usize..200) {
            let leaves: Vec<Hash> = (0..size).map(|index| leaf_hash(&index.to_be_bytes())).collect();
            let mut frontier = Frontier::default();
            for leaf in &leaves {
                frontier.push(*leaf);
            }
            prop_assert_eq!(frontier.root(), tree_hash(&leaves));
            prop_assert_eq!(Frontier::from_bytes(size as u64, &frontier.to_bytes()), Some(frontier));
        }
    }
}
