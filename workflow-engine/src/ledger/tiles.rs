//! The tree as static files, by C2SP tlog-tiles: 256 digests a file, and the entries themselves beside them.

use std::fmt;

use super::merkle::{Hash, Node, empty_root, join, leaf_hash, node_hash};

/// Digests in a full tile, and entries in a full bundle.
pub const WIDTH: usize = 256;
/// Levels of the tree that one tile spans.
const HEIGHT: u8 = 8;
/// The longest entry, in bytes: its length is written in 16 bits.
pub const MAX_ENTRY: usize = u16::MAX as usize;

/// What a tile holds: the digests of one level of the tree, or the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Digests of perfect subtrees of height 8 × this number.
    Hashes(u8),
    /// The entries themselves, each after its length.
    Entries,
}

/// One file of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// What it holds.
    pub kind: Kind,
    /// Its place in its row, from the left.
    pub index: u64,
    /// How many digests or entries it holds, 1 to 256; below 256 it is the partial tile at the right edge.
    pub width: u16,
}

impl Tile {
    /// The tile that holds the digests which `node` is made of, as wide as a tree of `size` leaves makes it.
    pub fn holding(node: Node, size: u64) -> Self {
        let level = node.level / HEIGHT;
        let index = (node.index << (node.level % HEIGHT)) / WIDTH as u64;
        Self {
            kind: Kind::Hashes(level),
            index,
            width: width(level, index, size),
        }
    }

    /// The tile's file, for example `tile/0/x001/x234/067` or `tile/entries/000.p/12`.
    pub fn path(&self) -> String {
        self.to_string()
    }

    /// Reads a path back; none for anything but the one spelling a tile has.
    pub fn from_path(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("tile/")?;
        let (row, rest) = rest.split_once('/')?;
        let kind = match row {
            "entries" => Kind::Entries,
            level => Kind::Hashes(level.parse().ok().filter(|level| *level < 64 / HEIGHT)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok().filter(|width| *width < WIDTH as u16)?),
            None => (rest, WIDTH as u16),
        };
        let digits: String = number
            .split('/')
            .map(|part| part.trim_start_matches('x'))
            .collect();
        let tile = Self {
            kind,
            index: digits.parse().ok()?,
            width,
        };
        (width > 0 && tile.path() == path).then_some(tile)
    }

    /// Whether a tree of `size` leaves has this tile, at this width or wider.
    pub fn is_within(&self, size: u64) -> bool {
        let level = match self.kind {
            Kind::Hashes(level) => level,
            Kind::Entries => 0,
        };
        self.width <= width(level, self.index, size)
    }

    /// The digest of `node` from this tile's bytes; none if the bytes do not reach that far.
    pub fn node(bytes: &[u8], node: Node) -> Option<Hash> {
        let spread = node.level % HEIGHT;
        let first = (node.index << spread) as usize % WIDTH;
        let mut hashes = (first..first + (1 << spread))
            .map(|at| bytes.get(at * 32..at * 32 + 32)?.try_into().ok())
            .collect::<Option<Vec<Hash>>>()?;
        while hashes.len() > 1 {
            hashes = hashes
                .chunks(2)
                .map(|pair| node_hash(&pair[0], &pair[1]))
                .collect();
        }
        hashes.pop()
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(f, "tile/{level}/")?,
            Kind::Entries => f.write_str("tile/entries/")?,
        }
        let digits = self.index.to_string();
        let digits = format!("{digits:0>width$}", width = digits.len().div_ceil(3) * 3);
        for (at, digit) in digits.chars().enumerate() {
            match at {
                0 if digits.len() > 3 => f.write_str("x")?,
                at if at > 0 && at % 3 == 0 => f.write_str(if at + 3 < digits.len() { "/x" } else { "/" })?,
                _ => {}
            }
            write!(f, "{digit}")?;
        }
        if usize::from(self.width) < WIDTH {
            write!(f, ".p/{}", self.width)
        } else {
            Ok(())
        }
    }
}

/// Every tile that is new or wider in a tree of `new` leaves than in one of `old`: digests level by level, then entries.
/// From 0 it is every tile there is.
pub fn changed(old: u64, new: u64) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for level in 0..64 / HEIGHT {
        let (from, to) = (old >> (level * HEIGHT), new >> (level * HEIGHT));
        if to > from {
            tiles.extend(row(Kind::Hashes(level), from, to));
        }
    }
    if new > old {
        tiles.extend(row(Kind::Entries, old, new));
    }
    tiles
}

/// The tiles of one row that change when it grows from `from` to `to` items.
fn row(kind: Kind, from: u64, to: u64) -> impl Iterator<Item = Tile> {
    let wide = WIDTH as u64;
    (from / wide..to.div_ceil(wide)).map(move |index| Tile {
        kind,
        index,
        width: (to - index * wide).min(wide) as u16,
    })
}

/// How wide tile `index` of a level is in a tree of `size` leaves.
fn width(level: u8, index: u64, size: u64) -> u16 {
    let wide = WIDTH as u64;
    (size >> (level * HEIGHT))
        .saturating_sub(index.saturating_mul(wide))
        .min(wide) as u16
}

/// The partial tiles at the right edge of a growing tree, lowest level first: all that is needed to append.
///
/// It holds fewer than 256 digests a level, so a tree of 10 million leaves needs at most three lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    rows: Vec<Vec<Hash>>,
}

impl Edge {
    /// The partial tiles that must be read to go on with a tree of `size` leaves, lowest level first.
    pub fn tiles(size: u64) -> Vec<Tile> {
        (0..64 / HEIGHT)
            .filter_map(|level| {
                let index = (size >> (level * HEIGHT)) / WIDTH as u64;
                let width = width(level, index, size);
                (width > 0).then_some(Tile {
                    kind: Kind::Hashes(level),
                    index,
                    width,
                })
            })
            .collect()
    }

    /// The edge of a tree of `size` leaves from the bytes of [`Edge::tiles`]; none if one is missing or too short.
    /// A stored tile may be wider than asked, then only its beginning counts.
    pub fn load<'a>(size: u64, mut read: impl FnMut(Tile) -> Option<&'a [u8]>) -> Option<Self> {
        let mut edge = Self {
            size,
            rows: Vec::new(),
        };
        for tile in Self::tiles(size) {
            let Kind::Hashes(level) = tile.kind else { continue };
            let bytes = read(tile)?.get(..usize::from(tile.width) * 32)?;
            edge.row(level).extend(
                bytes
                    .chunks_exact(32)
                    .filter_map(|hash| Hash::try_from(hash).ok()),
            );
        }
        Some(edge)
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends leaf digests and returns every tile that changed with its whole new bytes.
    pub fn append(&mut self, leaves: &[Hash]) -> Vec<(Tile, Vec<u8>)> {
        let old = self.size;
        let mut changed = Vec::new();
        for leaf in leaves {
            self.size += 1;
            self.push(0, *leaf, &mut changed);
        }
        changed.extend(self.partial().into_iter().filter(|(tile, _)| match tile.kind {
            Kind::Hashes(level) => old >> (level * HEIGHT) < self.size >> (level * HEIGHT),
            Kind::Entries => false,
        }));
        changed
    }

    /// The partial tiles as they are now, with their bytes.
    pub fn partial(&self) -> Vec<(Tile, Vec<u8>)> {
        let bytes = |tile: &Tile| match tile.kind {
            Kind::Hashes(level) => self.rows.get(usize::from(level)).map(|row| row.concat()),
            Kind::Entries => None,
        };
        Self::tiles(self.size)
            .into_iter()
            .filter_map(|tile| Some((tile, bytes(&tile)?)))
            .collect()
    }

    /// The root of the tree as it is now.
    pub fn root(&self) -> Hash {
        // The digests of a partial tile fall into perfect subtrees as the bits of their number say, and the levels
        // above are the larger ones: together they are the peaks of the whole tree.
        let mut peaks = Vec::new();
        for row in self.rows.iter().rev() {
            let mut rest = row.as_slice();
            while !rest.is_empty() {
                let (perfect, after) = rest.split_at(1 << rest.len().ilog2());
                peaks.extend(perfect_root(perfect));
                rest = after;
            }
        }
        join(&peaks).unwrap_or_else(empty_root)
    }

    fn push(&mut self, level: u8, hash: Hash, full: &mut Vec<(Tile, Vec<u8>)>) {
        let size = self.size;
        let row = self.row(level);
        row.push(hash);
        if row.len() < WIDTH {
            return;
        }
        let (above, bytes) = (perfect_root(row), row.concat());
        row.clear();
        let index = (size >> (level * HEIGHT)) / WIDTH as u64 - 1;
        full.push((
            Tile {
                kind: Kind::Hashes(level),
                index,
                width: WIDTH as u16,
            },
            bytes,
        ));
        if let Some(above) = above {
            self.push(level + 1, above, full);
        }
    }

    fn row(&mut self, level: u8) -> &mut Vec<Hash> {
        let needed = usize::from(level) + 1;
        if self.rows.len() < needed {
            self.rows.resize(needed, Vec::new());
        }
        &mut self.rows[usize::from(level)]
    }
}

/// The root over a power of two of digests; none for no digests.
fn perfect_root(hashes: &[Hash]) -> Option<Hash> {
    match hashes {
        [] => None,
        [one] => Some(*one),
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            Some(node_hash(&perfect_root(left)?, &perfect_root(right)?))
        }
    }
}

/// Why bytes are not a bundle of entries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntriesFault {
    /// An entry does not fit the 16-bit length.
    #[error("entry {0} of the bundle has {1} bytes; an entry may have at most 65,535")]
    TooLong(usize, usize),
    /// The bytes end in the middle of an entry.
    #[error("the bundle ends in the middle of entry {0}; it was cut short or a length was changed")]
    Cut(usize),
}

/// Writes a bundle: each entry after its length as 16 bits, big-endian.
pub fn encode_entries<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, EntriesFault> {
    let mut bytes = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        let length = u16::try_from(entry.len()).map_err(|_| EntriesFault::TooLong(at, entry.len()))?;
        bytes.extend(length.to_be_bytes());
        bytes.extend(entry);
    }
    Ok(bytes)
}

/// Reads a bundle back into its entries.
pub fn decode_entries(mut bytes: &[u8]) -> Result<Vec<&[u8]>, EntriesFault> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let cut = EntriesFault::Cut(entries.len());
        let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
            return Err(cut);
        };
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((entry, rest)) = rest.split_at_checked(length) else {
            return Err(cut);
        };
        entries.push(entry);
        bytes = rest;
    }
    Ok(entries)
}

/// The leaf digests of a bundle.
pub fn entry_hashes(bytes: &[u8]) -> Result<Vec<Hash>, EntriesFault> {
    Ok(decode_entries(bytes)?.into_iter().map(leaf_hash).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::super::merkle::{Head, Plan, proves_consistency, proves_inclusion, root as root_of};
    use super::*;

    fn leaves(n: u64) -> Vec<Hash> {
        (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    #[test]
    fn tiles_are_spelled_as_the_specification_says() {
        let path = |kind, index, width| Tile { kind, index, width }.path();
        assert_eq!(path(Kind::Hashes(0), 0, 256), "tile/0/000");
        assert_eq!(path(Kind::Hashes(0), 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(path(Kind::Hashes(1), 999, 12), "tile/1/999.p/12");
        assert_eq!(path(Kind::Entries, 1000, 1), "tile/entries/x001/000.p/1");
        for odd in [
            "tile/0/0",
            "tile/0/x000/001",
            "tile/00/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/8/000",
            "tile/0/x001",
            "tile/entries/001/000",
            "tile/0/001.p/012",
            "tile/0/xx01/000",
        ] {
            assert_eq!(Tile::from_path(odd), None, "{odd}");
        }
    }

    #[test]
    fn growing_names_exactly_the_files_that_change() {
        let paths = |old, new| changed(old, new).iter().map(Tile::path).collect::<Vec<_>>();
        assert_eq!(paths(0, 1), ["tile/0/000.p/1", "tile/entries/000.p/1"]);
        assert_eq!(
            paths(255, 257),
            [
                "tile/0/000",
                "tile/0/001.p/1",
                "tile/1/000.p/1",
                "tile/entries/000",
                "tile/entries/001.p/1"
            ]
        );
        assert_eq!(paths(256, 257), ["tile/0/001.p/1", "tile/entries/001.p/1"]);
        assert!(paths(300, 300).is_empty());
    }

    #[test]
    fn a_bundle_that_was_cut_is_named() {
        let bytes = encode_entries([b"one".as_slice(), b"", b"three"]).unwrap();
        assert_eq!(
            decode_entries(&bytes).unwrap(),
            [b"one".as_slice(), b"", b"three"]
        );
        assert_eq!(
            decode_entries(&bytes[..bytes.len() - 1]),
            Err(EntriesFault::Cut(2))
        );
        assert_eq!(decode_entries(&bytes[..1]), Err(EntriesFault::Cut(0)));
        let long = vec![0; MAX_ENTRY + 1];
        assert_eq!(
            encode_entries([long.as_slice()]),
            Err(EntriesFault::TooLong(0, 65_536))
        );
    }

    #[test]
    fn the_edge_of_a_large_tree_stays_small() {
        let tiles = Edge::tiles(10_000_000);
        assert_eq!(
            tiles.iter().map(Tile::path).collect::<Vec<_>>(),
            ["tile/0/x039/062.p/128", "tile/1/152.p/150", "tile/2/000.p/152"]
        );
    }

    /// Our files, read by an implementation that is not ours. It spells the height in its paths: `tile/8/…`.
    struct Files(HashMap<String, Vec<u8>>);

    impl tlog_tiles::TileReader for Files {
        fn height(&self) -> u8 {
            8
        }

        fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
            Ok(tiles
                .iter()
                .map(|tile| self.0[&tile.path().replacen("tile/8/", "tile/", 1)].clone())
                .collect())
        }

        fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
    }

    #[test]
    fn the_independent_reader_proves_from_our_files_and_agrees() {
        let (all, size) = (leaves(70_000), 70_000);
        let mut edge = Edge::default();
        let files = edge
            .append(&all)
            .into_iter()
            .map(|(tile, bytes)| (tile.path(), bytes))
            .collect();
        let files = Files(files);
        let root = tlog_tiles::Hash(edge.root());
        let reader = tlog_tiles::TileHashReader::new(size, root, &files);
        assert_eq!(tlog_tiles::tree_hash(size, &reader).unwrap(), root);
        for index in [0, 255, 65_535, 65_536, 69_999] {
            let theirs = tlog_tiles::prove_record(size, index, &reader).unwrap();
            let read = |node| Tile::node(&files.0[&Tile::holding(node, size).path()], node).ok_or(());
            let ours = Plan::inclusion(index, size).unwrap().fill(read).unwrap();
            assert_eq!(ours, theirs.iter().map(|hash| hash.0).collect::<Vec<_>>());
        }
        for old in [1, 256, 700, 65_537, 69_999] {
            let theirs = tlog_tiles::prove_tree(size, old, &reader).unwrap();
            let read = |node| Tile::node(&files.0[&Tile::holding(node, size).path()], node).ok_or(());
            let ours = Plan::consistency(old, size).unwrap().fill(read).unwrap();
            let old_head = Head {
                size: old,
                root: root_of(&all[..old as usize]),
            };
            assert!(proves_consistency(
                &ours,
                &old_head,
                &Head {
                    size,
                    root: edge.root()
                }
            ));
            let ours = ours.into_iter().map(tlog_tiles::Hash).collect::<Vec<_>>();
            tlog_tiles::check_tree(&ours, size, root, old, tlog_tiles::Hash(old_head.root)).unwrap();
            assert_eq!(ours, theirs);
        }
    }

    proptest! {
        #[test]
        fn the_independent_list_of_changed_tiles_agrees(old in 0u64..300_000, more in 0u64..3_000) {
            let theirs: Vec<String> = tlog_tiles::Tile::new_tiles(8, old, old + more)
                .iter()
                .map(|tile| tile.path().replacen("tile/8/", "tile/", 1))
                .collect();
            let ours = changed(old, old + more);
            let ours = ours.iter().filter(|tile| tile.kind != Kind::Entries).map(Tile::path);
            prop_assert_eq!(ours.collect::<Vec<_>>(), theirs);
        }

        #[test]
        fn a_path_reads_back(level in 0u8..8, index in 0u64..u64::MAX / 256, width in 1u16..=256, entries: bool) {
            let kind = if entries { Kind::Entries } else { Kind::Hashes(level) };
            let tile = Tile { kind, index, width };
            prop_assert_eq!(Tile::from_path(&tile.path()), Some(tile));
        }

        #[test]
        fn appending_in_batches_gives_the_tree_of_all(batches in prop::collection::vec(0u64..700, 1..5)) {
            let (mut files, mut size) = (HashMap::<(Kind, u64), (u16, Vec<u8>)>::new(), 0);
            let all = leaves(batches.iter().sum());
            for batch in batches {
                let stored = |tile: Tile| files.get(&(tile.kind, tile.index)).map(|(_, bytes)| bytes.as_slice());
                let mut edge = Edge::load(size, stored).unwrap();
                let written = edge.append(&all[size as usize..(size + batch) as usize]);
                let mut named: Vec<Tile> = written.iter().map(|(tile, _)| *tile).collect();
                named.sort();
                let expected: Vec<Tile> =
                    changed(size, size + batch).into_iter().filter(|tile| tile.kind != Kind::Entries).collect();
                prop_assert_eq!(named, expected);
                for (tile, bytes) in written {
                    prop_assert_eq!(bytes.len(), usize::from(tile.width) * 32);
                    files.insert((tile.kind, tile.index), (tile.width, bytes));
                }
                size += batch;
                prop_assert_eq!(edge.root(), root_of(&all[..size as usize]));
                prop_assert_eq!(edge.size(), size);
            }
            for index in [0, size / 3, size.saturating_sub(1)] {
                let Some(plan) = Plan::inclusion(index, size) else { continue };
                let proof = plan.fill(|node| {
                    let tile = Tile::holding(node, size);
                    let (width, bytes) = &files[&(tile.kind, tile.index)];
                    assert_eq!(*width, tile.width);
                    Tile::node(bytes, node).ok_or(())
                });
                prop_assert!(proves_inclusion(&proof.unwrap(), &all[index as usize], index, size, &root_of(&all)));
            }
        }

        #[test]
        fn entries_read_back(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..30)) {
            let bytes = encode_entries(entries.iter().map(Vec::as_slice)).unwrap();
            prop_assert_eq!(decode_entries(&bytes).unwrap(), entries.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
    }
}
