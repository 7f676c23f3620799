//! Rows that are too many to be entries: one entry holds the root over a day of them, and two short proofs lead from a
//! row to the signed head.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use super::key::VerifierKey;
use super::merkle::{Hash, Head, Node, Plan, leaf_hash, proves_inclusion, root};
use super::notice::{Batch, Leaf, Notice};
use super::proof::{Proof, ProofFault};

/// The first line of the file.
const HEADER: &str = "governor.row-proof@v1";

/// Why a row is not vouched for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// The text is not a proof.
    #[error("the row's proof is malformed: {0}")]
    Malformed(&'static str),
    /// The entry is of something else.
    #[error("the entry is not the seal over a batch of rows")]
    OtherEntry,
    /// The path does not lead from the row to the batch's root.
    #[error(
        "the row is not number {index} of the {count} {rows} sealed for {from}: its figures, its place or the proof \
         was changed"
    )]
    NotIncluded {
        /// The place the proof claims.
        index: u64,
        /// Rows in the batch.
        count: u64,
        /// Of which kind.
        rows: String,
        /// Of when.
        from: String,
    },
    /// The entry is not in the ledger.
    #[error(transparent)]
    Entry(#[from] ProofFault),
}

/// The proof that a row is one of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProof {
    /// The row's place in the batch, from 0.
    pub index: u64,
    /// The digests beside the path from the row to the batch's root, lowest first.
    pub path: Vec<Hash>,
}

impl RowProof {
    /// The proof of row `index` among rows with these digests; none if there is no such row.
    pub fn of(leaves: &[Hash], index: u64) -> Option<Self> {
        let plan = Plan::inclusion(index, leaves.len() as u64)?;
        let read = |node: Node| {
            let from = usize::try_from(node.index << node.level).map_err(drop)?;
            leaves.get(from..from + (1 << node.level)).map(root).ok_or(())
        };
        Some(Self {
            index,
            path: plan.fill(read).ok()?,
        })
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let path: String = self.path.iter().map(|hash| BASE64.encode(hash) + "\n").collect();
        format!("{HEADER}\nindex {}\n{path}", self.index)
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// [`RowFault::Malformed`].
    pub fn parse(text: &str) -> Result<Self, RowFault> {
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err(RowFault::Malformed("line 1 is not governor.row-proof@v1"));
        }
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index ")?.parse().ok());
        let index = index.ok_or(RowFault::Malformed("line 2 is not `index` and a decimal number"))?;
        let path = lines
            .map(|line| Hash::try_from(BASE64.decode(line).ok()?).ok())
            .collect::<Option<Vec<Hash>>>()
            .filter(|path| path.len() <= 64)
            .ok_or(RowFault::Malformed(
                "a line of the path is not 32 bytes in base64, or there are too many",
            ))?;
        Ok(Self { index, path })
    }
}

/// Checks both steps: `row` is in the batch that `entry` seals, and `entry` is in the ledger that `log` signed. Gives
/// the batch, with the sum that the row is a part of, and the signed head.
///
/// # Errors
/// [`RowFault`].
pub fn verify(
    row: &[u8],
    row_proof: &RowProof,
    entry: &[u8],
    proof: &Proof,
    log: &VerifierKey,
) -> Result<(Batch, Head), RowFault> {
    let head = proof.verify(entry, log)?;
    let Ok(Leaf {
        event: Notice::RowsSealed(batch),
        ..
    }) = serde_json::from_slice(entry)
    else {
        return Err(RowFault::OtherEntry);
    };
    if proves_inclusion(
        &row_proof.path,
        &leaf_hash(row),
        row_proof.index,
        batch.count,
        &batch.root.0,
    ) {
        return Ok((batch, head));
    }
    Err(RowFault::NotIncluded {
        index: row_proof.index,
        count: batch.count,
        rows: batch.rows,
        from: batch.from,
    })
}

#[cfg(test)]
mod tests {
    use super::super::key::{KeyKind, SigningKey};
    use super::super::notice::STREAM;
    use super::super::proof::tests::proof_of;
    use super::*;
    use crate::values::{Digest, Usd};

    fn rows(n: u64) -> Vec<Vec<u8>> {
        (0..n)
            .map(|n| format!(r#"{{"cost_usd":"0.{n}"}}"#).into_bytes())
            .collect()
    }

    fn sealed(rows: &[Vec<u8>]) -> (Vec<Hash>, Vec<u8>) {
        let leaves: Vec<Hash> = rows.iter().map(|row| leaf_hash(row)).collect();
        let batch = Batch {
            rows: "calls".into(),
            from: "2026-11-23T00:00:00Z".into(),
            until: "2026-11-24T00:00:00Z".into(),
            edition: 1,
            count: rows.len() as u64,
            cost_usd: Usd::ZERO,
            root: Digest(root(&leaves)),
        };
        let leaf = Leaf {
            stream: STREAM.into(),
            n: 1,
            at: 7,
            actor: "service:ledger".into(),
            event: Notice::RowsSealed(batch),
        };
        (leaves, serde_json_canonicalizer::to_vec(&leaf).unwrap())
    }

    #[test]
    fn every_row_of_a_batch_is_proven_in_two_steps_and_no_other() {
        let log = SigningKey::from_seed("governor.example/ledger", KeyKind::Note, &[1; 32]).unwrap();
        let rows = rows(21);
        let (leaves, entry) = sealed(&rows);
        let outer = proof_of(&[b"{}".to_vec(), entry.clone(), b"{}".to_vec()], 1, &log);
        for (index, row) in (0..).zip(&rows) {
            let inner = RowProof::parse(&RowProof::of(&leaves, index).unwrap().to_text()).unwrap();
            let (batch, head) = verify(row, &inner, &entry, &outer, log.public()).unwrap();
            assert_eq!((batch.count, head.size), (21, 3));
            let fault = verify(br#"{"cost_usd":"99"}"#, &inner, &entry, &outer, log.public()).unwrap_err();
            assert!(
                fault
                    .to_string()
                    .contains("of the 21 calls sealed for 2026-11-23"),
                "{fault}"
            );
        }
        assert_eq!(RowProof::of(&leaves, 21), None);
        let inner = RowProof::of(&leaves, 3).unwrap();
        let other = proof_of(&[b"{}".to_vec(), b"{}".to_vec()], 1, &log);
        let fault = verify(&rows[3], &inner, b"{}", &other, log.public()).unwrap_err();
        assert_eq!(fault, RowFault::OtherEntry);
        let fault = verify(&rows[3], &inner, &entry, &other, log.public()).unwrap_err();
        assert!(matches!(fault, RowFault::Entry(_)));
    }

    #[test]
    fn malformed_proofs_are_refused() {
        let good = RowProof::of(&sealed(&rows(5)).0, 2).unwrap().to_text();
        for bad in [
            good.replace("@v1", "@v2"),
            good.replace("index 2", "index x"),
            good + "AAAA\n",
        ] {
            assert!(
                matches!(RowProof::parse(&bad), Err(RowFault::Malformed(_))),
                "{bad}"
            );
        }
    }
}
