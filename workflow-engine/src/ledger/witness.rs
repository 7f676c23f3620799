//! The witness protocol (C2SP tlog-witness): what a log posts, and when a witness puts its name under it.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use super::key::VerifierKey;
use super::merkle::{Hash, Head, empty_root, proves_consistency};
use super::note::{NoteFault, SignedCheckpoint};

/// A consistency proof between trees of up to 2⁶³ leaves has no more steps.
const LONGEST_PROOF: usize = 63;

/// What a log posts to `/add-checkpoint`: a new head, and the proof that it goes on from the one the witness holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the head that the witness is believed to hold; 0 for none.
    pub old: u64,
    /// Consistency proof from `old` to the new head (RFC 9162 §2.1.4).
    pub proof: Vec<Hash>,
    /// The new head, signed by the log.
    pub note: SignedCheckpoint,
}

/// Why a witness does not sign. Each has its HTTP status in the specification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// 400: not a request of this protocol.
    #[error("the request is malformed: {0}")]
    Malformed(String),
    /// 404: nobody told the witness of this log.
    #[error("the log {0:?} is not known here")]
    UnknownLog(String),
    /// 403: no known key of the log signed the head.
    #[error("the checkpoint is not signed by a key of the log that is known here: {0}")]
    BadSignature(NoteFault),
    /// 409: the witness holds another head than the log believes; with its size.
    #[error("the witness holds {0} entries, or another tree of that size")]
    Holds(u64),
    /// 422: the new head does not go on from the one held.
    #[error("the proof does not show that the new ledger begins with the {0} entries held")]
    Inconsistent(u64),
}

impl Refused {
    /// The status that the specification gives it.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::BadSignature(_) => 403,
            Self::UnknownLog(_) => 404,
            Self::Holds(_) => 409,
            Self::Inconsistent(_) => 422,
        }
    }
}

impl AddCheckpoint {
    /// The request's body.
    pub fn to_text(&self) -> String {
        let proof: String = self.proof.iter().map(|hash| BASE64.encode(hash) + "\n").collect();
        format!("old {}\n{proof}\n{}", self.old, self.note.to_text())
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`Refused::Malformed`].
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let fault = |why: &str| Refused::Malformed(why.to_owned());
        let (head, note) = text
            .split_once("\n\n")
            .ok_or_else(|| fault("an empty line must stand between proof and checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old = old
            .and_then(|text| text.parse::<u64>().ok().filter(|size| size.to_string() == text))
            .ok_or_else(|| fault("line 1 is not `old` and a decimal number"))?;
        let proof = lines
            .map(|line| Hash::try_from(BASE64.decode(line).ok()?).ok())
            .collect::<Option<Vec<Hash>>>()
            .filter(|proof| proof.len() <= LONGEST_PROOF)
            .ok_or_else(|| fault("a line of the proof is not 32 bytes in base64, or there are too many"))?;
        let note = SignedCheckpoint::parse(note).map_err(|why| Refused::Malformed(why.to_string()))?;
        if old > note.checkpoint.head.size {
            return Err(fault("the old size is larger than the new one"));
        }
        Ok(Self { old, proof, note })
    }

    /// Whether a witness that holds `held` (none: nothing yet) and knows the log by `keys` may put its name under the
    /// new head, which it must keep durably before it answers.
    ///
    /// # Errors
    /// Why it may not; what it holds stays as it is then.
    pub fn judge(&self, keys: &[VerifierKey], held: Option<Head>) -> Result<Head, Refused> {
        let origin = &self.note.checkpoint.origin;
        let mut outcome = Err(Refused::UnknownLog(origin.clone()));
        for key in keys.iter().filter(|key| key.name() == origin) {
            match self.note.verify(key) {
                Ok(head) => {
                    outcome = Ok(head);
                    break;
                }
                Err(fault) => outcome = Err(Refused::BadSignature(fault)),
            }
        }
        let new = outcome?;
        let held = held.unwrap_or_else(|| Head {
            size: 0,
            root: empty_root(),
        });
        let forked = held.size == new.size && held.root != new.root;
        if self.old != held.size || forked {
            return Err(Refused::Holds(held.size));
        }
        if proves_consistency(&self.proof, &held, &new) {
            Ok(new)
        } else {
            Err(Refused::Inconsistent(held.size))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::{KeyKind, SigningKey};
    use super::super::merkle::{Plan, leaf_hash, root};
    use super::super::note::Checkpoint;
    use super::*;

    fn log(seed: u8) -> SigningKey {
        SigningKey::from_seed("governor.example/ledger", KeyKind::Note, &[seed; 32]).unwrap()
    }

    fn leaves(salt: u8, n: u64) -> Vec<Hash> {
        (0..n)
            .map(|at| leaf_hash(&[&[if at < 3 { 0 } else { salt }], at.to_be_bytes().as_slice()].concat()))
            .collect()
    }

    fn head(leaves: &[Hash]) -> Head {
        Head {
            size: leaves.len() as u64,
            root: root(leaves),
        }
    }

    /// A head of `new` entries with the proof from `old`, of the ledger that is `salt`'s from entry 3 on.
    fn asked(salt: u8, old: u64, new: u64, key: &SigningKey) -> AddCheckpoint {
        let all = leaves(salt, new);
        let read = |node: super::super::merkle::Node| {
            let (from, to) = (node.index << node.level, (node.index + 1) << node.level);
            Ok::<_, ()>(root(&all[from as usize..to as usize]))
        };
        AddCheckpoint {
            old,
            proof: Plan::consistency(old, new).unwrap().fill(read).unwrap(),
            note: Checkpoint::sign(head(&all), key),
        }
    }

    fn judged(asked: &AddCheckpoint, held: Option<Head>) -> Result<u64, Refused> {
        let read = AddCheckpoint::parse(&asked.to_text()).unwrap();
        assert_eq!(&read, asked);
        let known = [log(1).public().clone()];
        read.judge(&known, held).map(|head| head.size)
    }

    #[test]
    fn a_ledger_that_grows_is_followed() {
        assert_eq!(judged(&asked(0, 0, 5, &log(1)), None), Ok(5));
        let held = Some(head(&leaves(0, 5)));
        assert_eq!(judged(&asked(0, 5, 21, &log(1)), held), Ok(21));
        assert_eq!(judged(&asked(0, 5, 5, &log(1)), held), Ok(5), "the same again");
    }

    #[test]
    fn an_older_copy_and_another_ledger_are_refused() {
        let held = Some(head(&leaves(0, 9)));
        assert_eq!(judged(&asked(0, 0, 5, &log(1)), held), Err(Refused::Holds(9)));
        assert_eq!(judged(&asked(7, 9, 9, &log(1)), held), Err(Refused::Holds(9)));
        assert_eq!(
            judged(&asked(7, 9, 12, &log(1)), held),
            Err(Refused::Inconsistent(9))
        );
        let mut unproven = asked(0, 9, 12, &log(1));
        unproven.proof.clear();
        assert_eq!(judged(&unproven, held), Err(Refused::Inconsistent(9)));
    }

    #[test]
    fn only_known_logs_and_their_own_keys_count() {
        assert!(matches!(
            judged(&asked(0, 0, 5, &log(2)), None),
            Err(Refused::BadSignature(_))
        ));
        let other = SigningKey::from_seed("elsewhere.example", KeyKind::Note, &[1; 32]).unwrap();
        assert!(matches!(
            judged(&asked(0, 0, 5, &other), None),
            Err(Refused::UnknownLog(_))
        ));
    }

    #[test]
    fn malformed_requests_are_refused() {
        let good = asked(0, 3, 5, &log(1)).to_text();
        for bad in [
            good.replace("old 3", "old 03"),
            good.replace("old 3", "new 3"),
            good.replace("old 3", "old 6"),
            good.replacen("\n\n", "\n", 1),
            good.replace("old 3\n", "old 3\nAAAA\n"),
            String::new(),
        ] {
            assert_eq!(AddCheckpoint::parse(&bad).unwrap_err().status(), 400, "{bad}");
        }
    }
}
