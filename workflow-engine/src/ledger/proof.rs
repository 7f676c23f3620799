//! The proof that travels with an entry: C2SP tlog-proof, its place, the path to the root and the signed head.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use super::key::VerifierKey;
use super::merkle::{Hash, Head, leaf_hash, proves_inclusion};
use super::note::{NoteFault, SignedCheckpoint};

/// The first line of every proof file.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A tree of 2⁶⁴ leaves has no longer path.
const LONGEST_PATH: usize = 64;

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// The text is not a proof.
    #[error("the proof is malformed: {0}")]
    Malformed(&'static str),
    /// The head is not signed by the log.
    #[error(transparent)]
    Head(#[from] NoteFault),
    /// The path does not lead from the entry to the root.
    #[error(
        "the entry is not in the ledger at #{index}: the path does not lead to the signed root of {size} entries; \
         the entry, its place or the proof was changed"
    )]
    NotIncluded {
        /// The place the proof claims.
        index: u64,
        /// The size of the signed head.
        size: u64,
    },
}

/// A proof that one entry stands at one place of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The entry's place, from 0.
    pub index: u64,
    /// The digests beside the path from the leaf to the root, lowest first.
    pub path: Vec<Hash>,
    /// The head it leads to, with the log's signature and those of witnesses.
    pub checkpoint: SignedCheckpoint,
}

impl Proof {
    /// The file's text.
    pub fn to_text(&self) -> String {
        let path: String = self.path.iter().map(|hash| BASE64.encode(hash) + "\n").collect();
        format!(
            "{HEADER}\nindex {}\n{path}\n{}",
            self.index,
            self.checkpoint.to_text()
        )
    }

    /// Reads the file's text. The `extra` line that other logs may write is not ours and is refused.
    pub fn parse(text: &str) -> Result<Self, ProofFault> {
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(ProofFault::Malformed(
            "an empty line must stand between path and checkpoint",
        ))?;
        let mut lines = proof.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(ProofFault::Malformed("line 1 is not c2sp.org/tlog-proof@v1"));
        }
        let place = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = place.and_then(|text| text.parse::<u64>().ok().filter(|index| index.to_string() == text));
        let index = index.ok_or(ProofFault::Malformed(
            "line 2 is not `index` and a decimal number",
        ))?;
        let path = lines
            .map(|line| {
                BASE64
                    .decode(line)
                    .ok()
                    .and_then(|bytes| Hash::try_from(bytes).ok())
            })
            .collect::<Option<Vec<Hash>>>()
            .filter(|path| path.len() <= LONGEST_PATH)
            .ok_or(ProofFault::Malformed(
                "a line of the path is not 32 bytes in base64, or there are too many",
            ))?;
        Ok(Self {
            index,
            path,
            checkpoint: SignedCheckpoint::parse(checkpoint)?,
        })
    }

    /// Checks that `entry` stands at this place of the ledger that `log` signed, and returns the signed head.
    pub fn verify(&self, entry: &[u8], log: &VerifierKey) -> Result<Head, ProofFault> {
        let head = self.checkpoint.verify(log)?;
        if proves_inclusion(&self.path, &leaf_hash(entry), self.index, head.size, &head.root) {
            return Ok(head);
        }
        Err(ProofFault::NotIncluded {
            index: self.index,
            size: head.size,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::key::{KeyKind, SigningKey};
    use super::super::merkle::{Plan, root};
    use super::super::note::Checkpoint;
    use super::super::tiles::{Edge, Tile};
    use super::*;

    /// A signed proof of `entries[index]` in the ledger of all `entries`.
    pub(crate) fn proof_of(entries: &[Vec<u8>], index: u64, key: &SigningKey) -> Proof {
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let size = leaves.len() as u64;
        let mut edge = Edge::default();
        let files: Vec<(Tile, Vec<u8>)> = edge.append(&leaves);
        let path = Plan::inclusion(index, size).unwrap().fill(|node| {
            let tile = Tile::holding(node, size);
            let (_, bytes) = files.iter().find(|(other, _)| *other == tile).ok_or(())?;
            Tile::node(bytes, node).ok_or(())
        });
        let head = Head {
            size,
            root: root(&leaves),
        };
        Proof {
            index,
            path: path.unwrap(),
            checkpoint: Checkpoint::sign(head, key),
        }
    }

    fn log() -> SigningKey {
        SigningKey::from_seed("governor.example/ledger", KeyKind::Note, &[1; 32]).unwrap()
    }

    fn entries(n: usize) -> Vec<Vec<u8>> {
        (0..n).map(|i| format!(r#"{{"n":{i}}}"#).into_bytes()).collect()
    }

    #[test]
    fn a_proof_survives_its_file_and_holds() {
        let entries = entries(1000);
        for index in [0, 255, 256, 511, 998, 999] {
            let proof = proof_of(&entries, index, &log());
            let read = Proof::parse(&proof.to_text()).unwrap();
            assert_eq!(read, proof);
            assert_eq!(
                read.verify(&entries[index as usize], log().public())
                    .unwrap()
                    .size,
                1000
            );
        }
    }

    #[test]
    fn a_ledger_of_one_entry_has_an_empty_path() {
        let proof = proof_of(&entries(1), 0, &log());
        assert!(
            proof
                .to_text()
                .starts_with("c2sp.org/tlog-proof@v1\nindex 0\n\ngovernor.example/ledger\n1\n")
        );
        Proof::parse(&proof.to_text())
            .unwrap()
            .verify(br#"{"n":0}"#, log().public())
            .unwrap();
    }

    #[test]
    fn the_independent_checker_agrees() {
        let entries = entries(700);
        let proof = proof_of(&entries, 321, &log());
        let path: Vec<tlog_tiles::Hash> = proof.path.iter().map(|hash| tlog_tiles::Hash(*hash)).collect();
        let root = tlog_tiles::Hash(proof.checkpoint.checkpoint.head.root);
        let leaf = tlog_tiles::record_hash(&entries[321]);
        tlog_tiles::check_record(&path, 700, root, 321, leaf).unwrap();
    }

    #[test]
    fn another_entry_or_place_is_named() {
        let entries = entries(20);
        let mut proof = proof_of(&entries, 4, &log());
        insta::assert_snapshot!(
            proof.verify(&entries[5], log().public()).unwrap_err(),
            @"the entry is not in the ledger at #4: the path does not lead to the signed root of 20 entries; the entry, its place or the proof was changed"
        );
        proof.index = 5;
        assert!(proof.verify(&entries[4], log().public()).is_err());
    }

    #[test]
    fn malformed_files_are_refused() {
        let good = proof_of(&entries(3), 2, &log()).to_text();
        for bad in [
            good.replace("@v1", "@v2"),
            good.replace("index 2", "index 02"),
            good.replace("index 2", "index two"),
            good.replacen("\n\n", "\n", 1),
            good.replace("index 2\n", "index 2\nextra eA==\n"),
            good.replace(
                "index 2\n",
                &format!("index 2\n{}", format!("{}\n", BASE64.encode([0; 32])).repeat(65)),
            ),
        ] {
            assert!(Proof::parse(&bad).is_err(), "{bad}");
        }
    }
}
