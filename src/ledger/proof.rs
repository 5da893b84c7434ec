//! Proofs over the log's Merkle tree (RFC 6962 §2.1): made from the tiles of its nodes, and checked from nothing but their hashes.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::merkle::{Hash, TILE_HEIGHT, TILE_WIDTH, node_hash};

/// A tree whose nodes are read tile by tile, each tile once.
pub struct Tree<F> {
    /// Reads a tile by its level and index: the hashes of those of its nodes that are complete, from the first on.
    read: F,
    tiles: HashMap<(u32, u64), Vec<Hash>>,
}

impl<E, F> Tree<F>
where
    F: FnMut(u32, u64) -> Result<Vec<Hash>, E>,
    E: From<String>,
{
    /// A tree whose tiles `read` tells.
    pub fn new(read: F) -> Self {
        Self { read, tiles: HashMap::new() }
    }

    /// Root of the first `size` leaves.
    ///
    /// # Errors
    /// When a tile cannot be read, or lacks a node.
    pub fn root(&mut self, size: u64) -> Result<Hash, E> {
        if size == 0 { Ok(Sha256::digest([]).into()) } else { self.over(0, size) }
    }

    /// Proves that leaf `index` is one of the first `size`.
    ///
    /// # Errors
    /// As [`Tree::root`]; when there is no such leaf.
    pub fn inclusion(&mut self, index: u64, size: u64) -> Result<Vec<Hash>, E> {
        if index >= size {
            return Err(format!("leaf {index} is not within the first {size}").into());
        }
        let (mut low, mut high, mut path) = (0, size, Vec::new());
        while high - low > 1 {
            let middle = low + split(high - low);
            if index < middle {
                path.push(self.over(middle, high)?);
                high = middle;
            } else {
                path.push(self.over(low, middle)?);
                low = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// Proves that the first `from` leaves are the beginning of the first `to`.
    ///
    /// # Errors
    /// As [`Tree::root`]; when `from` is the larger.
    pub fn consistency(&mut self, from: u64, to: u64) -> Result<Vec<Hash>, E> {
        if from > to {
            return Err(format!("{from} leaves are not the beginning of {to}").into());
        }
        let (mut low, mut high, mut path) = (0, to, Vec::new());
        while from > 0 && from != high {
            let middle = low + split(high - low);
            if from <= middle {
                path.push(self.over(middle, high)?);
                high = middle;
            } else {
                path.push(self.over(low, middle)?);
                low = middle;
            }
        }
        // What is left is a tree of the old leaves alone; the old root itself, when it never had to be left, is known to whoever asks.
        if from > 0 && low > 0 {
            path.push(self.over(low, high)?);
        }
        path.reverse();
        Ok(path)
    }

    /// Root of the leaves from `low` to before `high`, as it stands in the tree.
    fn over(&mut self, low: u64, high: u64) -> Result<Hash, E> {
        let size = high - low;
        if size.is_power_of_two() {
            let height = size.trailing_zeros();
            return self.complete(height, low >> height);
        }
        let middle = low + split(size);
        Ok(node_hash(&self.over(low, middle)?, &self.over(middle, high)?))
    }

    /// Root of the `index`-th complete subtree of a height.
    fn complete(&mut self, height: u32, index: u64) -> Result<Hash, E> {
        let (level, above) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
        let first = index << above;
        let (tile, offset) = (first / TILE_WIDTH, usize::try_from(first % TILE_WIDTH).unwrap_or_default());
        if !self.tiles.contains_key(&(level, tile)) {
            let hashes = (self.read)(level, tile)?;
            self.tiles.insert((level, tile), hashes);
        }
        let known = self.tiles.get(&(level, tile)).and_then(|hashes| hashes.get(offset..offset + (1 << above)));
        let Some(hashes) = known else {
            return Err(format!("tile {tile} of level {level} lacks a node").into());
        };
        let mut hashes = hashes.to_vec();
        while hashes.len() > 1 {
            hashes = hashes.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
        }
        hashes.first().copied().ok_or_else(|| "a tile without nodes".to_owned().into())
    }
}

/// The largest power of two that is less than `size`, which is 2 or more.
const fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

/// Whether `path` proves that the leaf is at `index` in the tree of `size` leaves with this root (RFC 9162 §2.1.3.2).
pub fn is_included(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut place, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if place % 2 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            while place.is_multiple_of(2) && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `path` proves that the first of two trees, each given by size and root, is the beginning of the second (RFC 9162 §2.1.4.2).
pub fn is_consistent(first: (u64, &Hash), second: (u64, &Hash), path: &[Hash]) -> bool {
    let ((from, old_root), (to, new_root)) = (first, second);
    if from == to {
        return path.is_empty() && old_root == new_root;
    }
    if from == 0 || from > to {
        return from == 0 && path.is_empty();
    }
    let mut path = path.iter();
    let start = if from.is_power_of_two() { Some(old_root) } else { path.next() };
    let Some(start) = start else { return false };
    let (mut place, mut last) = (from - 1, to - 1);
    while place % 2 == 1 {
        place >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (*start, *start);
    for hash in path {
        if last == 0 {
            return false;
        }
        if place % 2 == 1 || place == last {
            old = node_hash(hash, &old);
            new = node_hash(hash, &new);
            while place.is_multiple_of(2) && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, hash);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && old == *old_root && new == *new_root
}

#[cfg(test)]
mod tests {
    use super::super::merkle::tests::tree_hash;
    use super::super::merkle::{Frontier, Node, leaf_hash};
    use super::*;
    use proptest::prelude::*;

    fn leaves(size: u64) -> Vec<Hash> {
        (0..size).map(|index| leaf_hash(&index.to_be_bytes())).collect()
    }

    /// A tree as it is stored: the leaves, and the nodes that were told when leaves completed them.
    fn tree(leaves: &[Hash]) -> Tree<impl FnMut(u32, u64) -> Result<Vec<Hash>, String>> {
        let mut frontier = Frontier::default();
        let mut levels: Vec<Vec<Hash>> = vec![leaves.to_vec(), Vec::new(), Vec::new()];
        for leaf in leaves {
            for Node { level, index, hash } in frontier.push(*leaf) {
                assert_eq!(levels[level as usize].len() as u64, index);
                levels[level as usize].push(hash);
            }
        }
        Tree::new(move |level, tile| {
            let hashes = levels[level as usize].iter().skip(usize::try_from(tile * TILE_WIDTH).unwrap());
            Ok(hashes.take(256).copied().collect())
        })
    }

    #[test]
    fn a_log_of_70000_has_the_root_that_independent_tools_found() {
        // Leaves {"position":i,"type":"LoanApproved"}, i = 0…69,999; roots agreed by two C2SP implementations in other languages.
        let leaf = |position| leaf_hash(format!(r#"{{"position":{position},"type":"LoanApproved"}}"#).as_bytes());
        let leaves: Vec<Hash> = (0..70_000).map(leaf).collect();
        let mut tree = tree(&leaves);
        let root = |tree: &mut Tree<_>, size| data_encoding::BASE64.encode(&Tree::root(tree, size).unwrap());
        assert_eq!(root(&mut tree, 1000), "PfpeoJzpXrl0xfa75Ws+kkIkbkV0lv71uvRhucKEQGA=");
        assert_eq!(root(&mut tree, 70_000), "k7JGyOSlvHbt9xEln/q7cZIooGE2EgTltN9+u/Aq/18=");
        assert_eq!(tree.inclusion(69_999, 70_000).unwrap().len(), 9);
        assert_eq!(tree.inclusion(12_345, 70_000).unwrap().len(), 17);
        assert_eq!(tree.consistency(1000, 70_000).unwrap().len(), 15);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn proofs_of_every_tree_hold_and_no_other_does(size in 1_u64..1200, index in any::<u64>(), old in any::<u64>(), flip in any::<usize>()) {
            let (index, old) = (index % size, old % (size + 1));
            let leaves = leaves(size);
            let mut tree = tree(&leaves);
            let (root, old_root) = (tree_hash(&leaves), tree_hash(&leaves[..usize::try_from(old).unwrap()]));
            prop_assert_eq!(tree.root(size).unwrap(), root);
            prop_assert_eq!(tree.root(old).unwrap(), old_root);

            let leaf = &leaves[usize::try_from(index).unwrap()];
            let path = tree.inclusion(index, size).unwrap();
            prop_assert!(is_included(leaf, index, size, &path, &root));
            prop_assert!(!is_included(&leaf_hash(b"another"), index, size, &path, &root));
            prop_assert!(!is_included(leaf, index, size, &path, &leaf_hash(b"another")));
            prop_assert!(!is_included(leaf, size, size, &path, &root));

            let between = tree.consistency(old, size).unwrap();
            prop_assert!(is_consistent((old, &old_root), (size, &root), &between));
            if old > 0 {
                prop_assert!(!is_consistent((old, &leaf_hash(b"another")), (size, &root), &between));
                prop_assert!(!is_consistent((old, &old_root), (size, &leaf_hash(b"another")), &between));
            }
            for path in [&path, &between].into_iter().filter(|path| !path.is_empty()) {
                let mut wrong = path.clone();
                let at = flip % (wrong.len() * 32);
                wrong[at / 32][at % 32] ^= 1;
                prop_assert!(!is_included(leaf, index, size, &wrong, &root));
                prop_assert!(!is_consistent((old, &old_root), (size, &root), &wrong));
                prop_assert!(!is_included(leaf, index, size, &path[1..], &root) || path == &between);
            }
        }
    }
}
