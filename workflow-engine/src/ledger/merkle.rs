//! The RFC 6962 Merkle tree: leaves, roots, and the proofs that one leaf is in it and that it only ever grew.

use sha2::{Digest, Sha256};

/// A SHA-256 digest: of a leaf, of an inner node, or of the whole tree (its root).
pub type Hash = [u8; 32];

/// The root of a tree without leaves: SHA-256 of nothing (RFC 9162 §2.1.1).
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The digest of one entry, `SHA-256(0x00 ‖ entry)`. The prefix keeps an entry from passing as an inner node.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(entry)
        .finalize()
        .into()
}

/// The digest of an inner node, `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// The root over a list of leaf digests.
pub fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.root()
}

/// The right edge of a growing tree: enough to append and to know the root, and no more than 64 digests.
///
/// It holds the roots of the perfect subtrees that the leaves fall into, largest first, one for each set bit of the size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// How many leaves were appended.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends one leaf digest.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            node = node_hash(&left, &node);
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root of the tree as it is now.
    pub fn root(&self) -> Hash {
        join(&self.peaks).unwrap_or_else(empty_root)
    }
}

/// Joins the roots of neighbouring subtrees, largest first, into the root above them; nothing for no subtrees.
pub(crate) fn join(peaks: &[Hash]) -> Option<Hash> {
    let (last, rest) = peaks.split_last()?;
    Some(
        rest.iter()
            .rev()
            .fold(*last, |right, left| node_hash(left, &right)),
    )
}

/// A perfect subtree: it covers the leaves `index << level .. (index + 1) << level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// Height above the leaves; a leaf has 0.
    pub level: u8,
    /// Position among the nodes of this height, from the left.
    pub index: u64,
}

/// What must be read to write a proof: for each digest of the proof, the perfect subtrees that make it up.
///
/// A plan apart from the reading lets the caller fetch all stored digests at once, from wherever they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan(Vec<Vec<Node>>);

impl Plan {
    /// The plan of an inclusion proof (RFC 9162 §2.1.3.1) of leaf `index` in a tree of `size`; none if it is not in it.
    pub fn inclusion(index: u64, size: u64) -> Option<Self> {
        if index >= size {
            return None;
        }
        let (mut low, mut high) = (0, size);
        let mut steps = Vec::new();
        while high - low > 1 {
            let middle = low + split(high - low);
            if index < middle {
                steps.push(cover(middle, high));
                high = middle;
            } else {
                steps.push(cover(low, middle));
                low = middle;
            }
        }
        steps.reverse();
        Some(Self(steps))
    }

    /// The plan of a consistency proof (RFC 9162 §2.1.4.1) from `old` to `new` leaves; none if `old` is larger.
    /// Empty from nothing and from the same size.
    pub fn consistency(old: u64, new: u64) -> Option<Self> {
        if old > new {
            return None;
        }
        if old == 0 || old == new {
            return Some(Self::default());
        }
        let (mut low, mut high) = (0, new);
        let mut steps = Vec::new();
        while high != old {
            let middle = low + split(high - low);
            if old <= middle {
                steps.push(cover(middle, high));
                high = middle;
            } else {
                steps.push(cover(low, middle));
                low = middle;
            }
        }
        if low > 0 {
            steps.push(cover(low, high));
        }
        steps.reverse();
        Some(Self(steps))
    }

    /// The plan of the root over the first `size` leaves, as a single digest; empty for no leaves.
    pub fn root(size: u64) -> Self {
        if size == 0 {
            Self::default()
        } else {
            Self(vec![cover(0, size)])
        }
    }

    /// Every node that has to be read.
    pub fn nodes(&self) -> impl Iterator<Item = Node> + '_ {
        self.0.iter().flatten().copied()
    }

    /// Reads the nodes and joins them to the digests of the proof; stops at the first node that cannot be read.
    pub fn fill<E>(&self, mut read: impl FnMut(Node) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
        let mut hashes = Vec::with_capacity(self.0.len());
        for step in &self.0 {
            let peaks = step
                .iter()
                .map(|node| read(*node))
                .collect::<Result<Vec<_>, E>>()?;
            hashes.extend(join(&peaks));
        }
        Ok(hashes)
    }
}

/// Whether `proof` shows that `leaf` stands at `index` in the tree of `size` leaves and this `root` (RFC 9162 §2.1.3.2).
pub fn proves_inclusion(proof: &[Hash], leaf: &Hash, index: u64, size: u64, root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for step in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(step, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, step);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// A tree at one moment: how many leaves, and the root over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

/// Whether `proof` shows that the `new` tree begins with all the leaves of the `old` one (RFC 9162 §2.1.4.2).
/// From an empty tree only the empty proof counts, and the old root must be that of no leaves.
pub fn proves_consistency(proof: &[Hash], old: &Head, new: &Head) -> bool {
    if old.size > new.size {
        return false;
    }
    if old.size == 0 || old.size == new.size {
        let same = if old.size == 0 { empty_root() } else { new.root };
        return proof.is_empty() && old.root == same;
    }
    let mut steps = proof.iter();
    let (mut at, mut last) = (old.size - 1, new.size - 1);
    let shift = at.trailing_ones();
    (at, last) = (at >> shift, last >> shift);
    // An old tree that is a perfect subtree is not repeated in the proof.
    let first = if old.size.is_power_of_two() {
        Some(&old.root)
    } else {
        steps.next()
    };
    let Some(first) = first else { return false };
    let (mut from_old, mut from_new) = (*first, *first);
    for step in steps {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            from_old = node_hash(step, &from_old);
            from_new = node_hash(step, &from_new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            from_new = node_hash(&from_new, step);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && from_old == old.root && from_new == new.root
}

/// The largest power of two below `n`, for `n` of at least 2: where RFC 6962 cuts a tree in two.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The perfect subtrees of the leaves `low..high`, largest first. `low` is where RFC 6962 cuts, so they line up.
fn cover(mut low: u64, high: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    while low < high {
        let level = (high - low).ilog2();
        nodes.push(Node {
            level: level as u8,
            index: low >> level,
        });
        low += 1 << level;
    }
    nodes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition of RFC 6962 §2.1, word for word.
    fn defined_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [one] => *one,
            many => {
                let (left, right) = many.split_at(split(many.len() as u64) as usize);
                node_hash(&defined_root(left), &defined_root(right))
            }
        }
    }

    fn read(leaves: &[Hash], node: Node) -> Result<Hash, ()> {
        let (from, to) = (
            (node.index << node.level) as usize,
            ((node.index + 1) << node.level) as usize,
        );
        leaves.get(from..to).map(defined_root).ok_or(())
    }

    fn leaves(n: u64) -> Vec<Hash> {
        (0..n)
            .map(|i| leaf_hash(format!("entry {i}").as_bytes()))
            .collect()
    }

    fn head(leaves: &[Hash], size: u64) -> Head {
        Head {
            size,
            root: defined_root(&leaves[..size as usize]),
        }
    }

    /// The eight leaves of the reference implementation's tests (google/certificate-transparency, `merkle_tree_test.cc`).
    const REFERENCE_LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const REFERENCE_ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn the_published_roots_come_out() {
        let mut frontier = Frontier::default();
        assert_eq!(
            hex::encode(frontier.root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (leaf, root) in REFERENCE_LEAVES.iter().zip(REFERENCE_ROOTS) {
            frontier.push(leaf_hash(&hex::decode(leaf).unwrap()));
            assert_eq!(hex::encode(frontier.root()), root);
        }
    }

    #[test]
    fn the_published_proofs_come_out() {
        let leaves: Vec<Hash> = REFERENCE_LEAVES
            .iter()
            .map(|leaf| leaf_hash(&hex::decode(leaf).unwrap()))
            .collect();
        let inclusion = |index, size| {
            let plan = Plan::inclusion(index, size).unwrap();
            plan.fill(|node| read(&leaves, node))
                .unwrap()
                .iter()
                .map(hex::encode)
                .collect::<Vec<_>>()
        };
        let consistency = |old, new| {
            let plan = Plan::consistency(old, new).unwrap();
            plan.fill(|node| read(&leaves, node))
                .unwrap()
                .iter()
                .map(hex::encode)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            inclusion(5, 8),
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        );
        assert_eq!(
            inclusion(2, 3),
            ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]
        );
        assert_eq!(
            consistency(6, 8),
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        );
        assert_eq!(
            consistency(2, 5),
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        );
    }

    #[test]
    fn nothing_is_proven_about_a_leaf_outside_or_a_tree_that_shrank() {
        assert_eq!(Plan::inclusion(3, 3), None);
        assert_eq!(Plan::consistency(4, 3), None);
        let all = leaves(4);
        assert!(!proves_inclusion(&[], &all[0], 1, 1, &all[0]));
        assert!(!proves_consistency(&[], &head(&all, 4), &head(&all, 3)));
        assert!(!proves_consistency(
            &[],
            &Head {
                size: 0,
                root: [7; 32]
            },
            &head(&all, 3)
        ));
        assert!(proves_consistency(&[], &head(&all, 0), &head(&all, 3)));
    }

    #[test]
    fn the_root_plan_reads_to_the_root() {
        let all = leaves(77);
        let filled = Plan::root(77).fill(|node| read(&all, node)).unwrap();
        assert_eq!(filled, [defined_root(&all)]);
        assert_eq!(Plan::root(0).nodes().count(), 0);
    }

    proptest! {
        #[test]
        fn a_frontier_agrees_with_the_definition(n in 0u64..600) {
            prop_assert_eq!(root(&leaves(n)), defined_root(&leaves(n)));
        }

        #[test]
        fn every_leaf_is_proven_and_nothing_else_passes(size in 1u64..400, pick: u64, other: u64, bit in 0usize..256) {
            let (all, index) = (leaves(size), pick % size);
            let tree = head(&all, size);
            let leaf = all[index as usize];
            let proof = Plan::inclusion(index, size).unwrap().fill(|node| read(&all, node)).unwrap();
            prop_assert!(proves_inclusion(&proof, &leaf, index, size, &tree.root));

            let elsewhere = other % size;
            prop_assert_eq!(proves_inclusion(&proof, &leaf, elsewhere, size, &tree.root), elsewhere == index);
            let mut changed = leaf;
            changed[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!proves_inclusion(&proof, &changed, index, size, &tree.root));
            let mut longer = proof.clone();
            longer.push(leaf);
            prop_assert!(!proves_inclusion(&longer, &leaf, index, size, &tree.root));
            if let Some((_, shorter)) = proof.split_last() {
                prop_assert!(!proves_inclusion(shorter, &leaf, index, size, &tree.root));
            }
        }

        #[test]
        fn growth_is_proven_and_a_rewritten_past_is_not(new in 1u64..400, pick: u64, edited: u64) {
            let (all, old) = (leaves(new), pick % (new + 1));
            let proof = Plan::consistency(old, new).unwrap().fill(|node| read(&all, node)).unwrap();
            prop_assert!(proves_consistency(&proof, &head(&all, old), &head(&all, new)));

            let mut rewritten = all.clone();
            rewritten[(edited % new) as usize] = leaf_hash(b"another past");
            let forged = Plan::consistency(old, new).unwrap().fill(|node| read(&rewritten, node)).unwrap();
            let holds = proves_consistency(&forged, &head(&all, old), &head(&rewritten, new));
            prop_assert_eq!(holds, edited % new >= old, "only what came after the old head may differ");
        }
    }
}
