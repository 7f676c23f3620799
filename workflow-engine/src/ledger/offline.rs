//! Checks an exported ledger from its files alone: entries, tiles and the signed head must be one tree.

use super::{
    key::VerifierKey,
    merkle::{Hash, Head},
    note::{NoteFault, SignedCheckpoint},
    tiles::{self, Edge, EntriesFault, Kind, Tile, WIDTH},
};

/// Why exported files are not the ledger that was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilesFault {
    /// The head is not signed by the log.
    #[error("checkpoint: {0}")]
    Head(#[from] NoteFault),
    /// A file is not there.
    #[error("{0}: the file is missing or cannot be read; the signed head says it is part of the ledger")]
    Missing(String),
    /// A bundle does not read as entries.
    #[error("{0}: {1}")]
    Bundle(String, EntriesFault),
    /// A bundle holds more or fewer entries than the head says.
    #[error("{path}: it holds {found} entries where the signed head says {expected}")]
    Count {
        /// The file.
        path: String,
        /// Entries in it.
        found: usize,
        /// Entries that belong in it.
        expected: u16,
    },
    /// An entry and the digest of it disagree, and the entries do not lead to the signed root.
    #[error("{path}: entry #{index} is not the one that was sealed; it was changed, moved or swapped")]
    Entry {
        /// The file of entries.
        path: String,
        /// The entry's place in the ledger.
        index: u64,
    },
    /// A tile disagrees with entries that do lead to the signed root.
    #[error("{path}: digest {at} is not what the entries give; the tile was changed")]
    Tile {
        /// The file.
        path: String,
        /// Place of the digest in the file, from 0.
        at: usize,
    },
    /// Entries and tiles agree with each other, but not with the signed root.
    #[error(
        "the {size} entries do not lead to the signed root; entries and tiles were rewritten together, \
         or the checkpoint belongs to another ledger"
    )]
    Root {
        /// How many entries.
        size: u64,
    },
}

/// Checks every file of a ledger that `read` gives by its path (`checkpoint`, `tile/…`), and returns the signed head.
/// Reads each file once, in order, and keeps only the right edge of the tree in memory.
///
/// # Errors
/// The first fault, naming its file.
pub fn verify_files(
    log: &VerifierKey,
    mut read: impl FnMut(&str) -> Option<Vec<u8>>,
) -> Result<Head, FilesFault> {
    let mut file = |path: String| read(&path).ok_or(FilesFault::Missing(path));
    let checkpoint = file("checkpoint".to_owned())?;
    let checkpoint = String::from_utf8(checkpoint).map_err(|_| NoteFault::Malformed("it is not text"))?;
    let head = SignedCheckpoint::parse(&checkpoint)?.verify(log)?;

    let mut edge = Edge::default();
    let mut differing = None;
    for bundle in tiles::changed(0, head.size)
        .into_iter()
        .filter(|tile| tile.kind == Kind::Entries)
    {
        let leaves = bundle_leaves(bundle, &file(bundle.path())?)?;
        for (tile, bytes) in edge
            .append(&leaves)
            .iter()
            .filter(|(tile, _)| usize::from(tile.width) == WIDTH)
        {
            differing = differing.or(difference(*tile, bytes, &file(tile.path())?));
        }
    }
    for (tile, bytes) in edge.partial() {
        differing = differing.or(difference(tile, &bytes, &file(tile.path())?));
    }
    match differing {
        None if edge.root() == head.root => Ok(head),
        None => Err(FilesFault::Root { size: head.size }),
        Some((tile, at)) if edge.root() == head.root => Err(FilesFault::Tile {
            path: tile.path(),
            at,
        }),
        // The lowest level is checked first, so the first difference is at the first changed entry.
        Some((tile, at)) => {
            let index = tile.index * WIDTH as u64 + at as u64;
            let path = Tile {
                kind: Kind::Entries,
                ..tile
            }
            .path();
            Err(FilesFault::Entry { path, index })
        }
    }
}

fn bundle_leaves(bundle: Tile, bytes: &[u8]) -> Result<Vec<Hash>, FilesFault> {
    let leaves = tiles::entry_hashes(bytes).map_err(|fault| FilesFault::Bundle(bundle.path(), fault))?;
    if leaves.len() == usize::from(bundle.width) {
        return Ok(leaves);
    }
    Err(FilesFault::Count {
        path: bundle.path(),
        found: leaves.len(),
        expected: bundle.width,
    })
}

/// Where a tile's file first differs from what it should be.
fn difference(tile: Tile, expected: &[u8], found: &[u8]) -> Option<(Tile, usize)> {
    let same = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
    (same < expected.len() || expected.len() != found.len()).then_some((tile, same / 32))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{
        key::{KeyKind, SigningKey},
        merkle::leaf_hash,
        note::Checkpoint,
    };
    use super::*;

    type Files = BTreeMap<String, Vec<u8>>;

    fn log(seed: u8) -> SigningKey {
        SigningKey::from_seed("governor.example/ledger", KeyKind::Note, &[seed; 32]).unwrap()
    }

    fn entries(n: u64) -> Vec<Vec<u8>> {
        (0..n).map(|n| format!(r#"{{"n":{n}}}"#).into_bytes()).collect()
    }

    fn export(entries: &[Vec<u8>], key: &SigningKey) -> Files {
        let mut edge = Edge::default();
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let mut files: Files = edge
            .append(&leaves)
            .into_iter()
            .map(|(tile, bytes)| (tile.path(), bytes))
            .collect();
        let size = leaves.len() as u64;
        for tile in tiles::changed(0, size)
            .into_iter()
            .filter(|tile| tile.kind == Kind::Entries)
        {
            let from = tile.index as usize * WIDTH;
            let bundle = entries[from..from + usize::from(tile.width)]
                .iter()
                .map(Vec::as_slice);
            files.insert(tile.path(), tiles::encode_entries(bundle).unwrap());
        }
        let head = Head {
            size,
            root: edge.root(),
        };
        files.insert(
            "checkpoint".to_owned(),
            Checkpoint::sign(head, key).to_text().into_bytes(),
        );
        files
    }

    fn check(files: &Files) -> Result<Head, String> {
        verify_files(log(1).public(), |path| files.get(path).cloned()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn an_export_holds_at_every_kind_of_size() {
        for size in [0, 1, 255, 256, 257, 700, 65_536, 66_000] {
            assert_eq!(
                check(&export(&entries(size), &log(1))).map(|head| head.size),
                Ok(size)
            );
        }
    }

    #[test]
    fn a_changed_entry_is_named() {
        let mut files = export(&entries(700), &log(1));
        let bundle = files.get_mut("tile/entries/001").unwrap();
        let at = bundle.windows(3).position(|bytes| bytes == b"300").unwrap();
        bundle[at] = b'9';
        insta::assert_snapshot!(check(&files).unwrap_err(), @"tile/entries/001: entry #300 is not the one that was sealed; it was changed, moved or swapped");
    }

    #[test]
    fn swapped_entries_are_named_at_the_first_of_them() {
        let mut swapped = entries(700);
        let honest = export(&swapped, &log(1));
        swapped.swap(40, 41);
        let mut files = honest.clone();
        files.insert(
            "tile/entries/000".into(),
            export(&swapped, &log(1))["tile/entries/000"].clone(),
        );
        assert!(
            check(&files)
                .unwrap_err()
                .contains("entry #40 is not the one that was sealed")
        );
    }

    #[test]
    fn a_changed_tile_is_told_apart_from_a_changed_entry() {
        for (path, at) in [
            ("tile/0/001", 3),
            ("tile/1/000.p/2", 1),
            ("tile/0/002.p/188", 187),
        ] {
            let mut files = export(&entries(700), &log(1));
            files.get_mut(path).unwrap()[at * 32] ^= 1;
            let fault = format!("{path}: digest {at} is not what the entries give; the tile was changed");
            assert_eq!(check(&files).unwrap_err(), fault);
        }
    }

    #[test]
    fn a_ledger_rewritten_without_the_key_does_not_lead_to_the_signed_root() {
        let honest = export(&entries(700), &log(1));
        let mut rewritten = entries(700);
        rewritten[9] = b"{}".to_vec();
        let mut files = export(&rewritten, &log(9));
        files.insert("checkpoint".into(), honest["checkpoint"].clone());
        insta::assert_snapshot!(check(&files).unwrap_err(), @"the 700 entries do not lead to the signed root; entries and tiles were rewritten together, or the checkpoint belongs to another ledger");
        assert!(
            check(&export(&rewritten, &log(9)))
                .unwrap_err()
                .starts_with("checkpoint: the checkpoint carries no")
        );
    }

    #[test]
    fn missing_cut_and_longer_files_are_named() {
        let honest = export(&entries(700), &log(1));
        for path in honest.keys() {
            let mut files = honest.clone();
            files.remove(path);
            assert!(
                check(&files)
                    .unwrap_err()
                    .starts_with(&format!("{path}: the file is missing")),
                "{path}"
            );
            for change in [
                |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1),
                |bytes: &mut Vec<u8>| bytes.push(0),
            ] {
                let mut files = honest.clone();
                change(files.get_mut(path).unwrap());
                assert!(check(&files).unwrap_err().starts_with(path), "{path}");
            }
        }
    }
}
