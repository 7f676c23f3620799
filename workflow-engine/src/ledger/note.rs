//! Signed heads of the ledger: checkpoints as C2SP signed notes, with the cosignatures of witnesses.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use super::key::{KeyKind, SigningKey, VerifierKey};
use super::merkle::{Hash, Head};

/// Why a checkpoint or a signature on it does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteFault {
    /// The text is not a signed checkpoint.
    #[error("the checkpoint is malformed: {0}")]
    Malformed(&'static str),
    /// It speaks for another log.
    #[error("the checkpoint is of log {found:?}, not of {expected:?}")]
    Origin {
        /// The log it names.
        found: String,
        /// The log whose key was given.
        expected: String,
    },
    /// No line is by that key.
    #[error("the checkpoint carries no signature by key {0}")]
    Unsigned(String),
    /// A line names the key, but the signature is of something else.
    #[error("the signature by key {0} is not over this checkpoint; the head or the signature was changed")]
    BadSignature(String),
}

/// A head of a named log: the text that is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name; the same as the name of the key that signs it.
    pub origin: String,
    /// Size and root.
    pub head: Head,
}

impl Checkpoint {
    /// The three signed lines: origin, size in decimal, root in base64.
    pub fn body(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.head.size,
            BASE64.encode(self.head.root)
        )
    }

    /// Signs the head as the log itself; the origin is the key's name.
    pub fn sign(head: Head, key: &SigningKey) -> SignedCheckpoint {
        let checkpoint = Self {
            origin: key.public().name().to_owned(),
            head,
        };
        let bytes = key.sign(checkpoint.body().as_bytes());
        SignedCheckpoint {
            signatures: vec![Signature::by(key.public(), bytes)],
            checkpoint,
        }
    }

    fn parse(body: &str) -> Result<Self, NoteFault> {
        let mut lines = body.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(NoteFault::Malformed("it needs three lines: origin, size, root"));
        };
        if origin.is_empty() {
            return Err(NoteFault::Malformed("line 1, the origin, is empty"));
        }
        let number = size
            .parse::<u64>()
            .ok()
            .filter(|number| number.to_string() == size);
        let size = number.ok_or(NoteFault::Malformed("line 2, the size, is not a decimal number"))?;
        let root = BASE64
            .decode(root)
            .ok()
            .and_then(|bytes| Hash::try_from(bytes).ok());
        let root = root.ok_or(NoteFault::Malformed(
            "line 3, the root, is not 32 bytes in base64",
        ))?;
        if lines.next().is_some() {
            return Err(NoteFault::Malformed(
                "this ledger writes no extension lines, but there is a line 4",
            ));
        }
        Ok(Self {
            origin: origin.to_owned(),
            head: Head { size, root },
        })
    }
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Who signed.
    pub name: String,
    /// Which of their keys ([`VerifierKey::id`]).
    pub key_id: [u8; 4],
    /// The signature; of a witness, eight bytes of time before it.
    pub bytes: Vec<u8>,
}

impl Signature {
    fn by(key: &VerifierKey, bytes: Vec<u8>) -> Self {
        Self {
            name: key.name().to_owned(),
            key_id: key.id(),
            bytes,
        }
    }

    /// The line with its line feed, `— name base64(key id ‖ signature)`.
    pub fn line(&self) -> String {
        format!(
            "— {} {}\n",
            self.name,
            BASE64.encode([self.key_id.as_slice(), &self.bytes].concat())
        )
    }

    /// Reads a line without its line feed.
    pub fn parse(line: &str) -> Result<Self, NoteFault> {
        const FAULT: NoteFault = NoteFault::Malformed("a signature line is not `— name base64`");
        let (name, payload) = line
            .strip_prefix("— ")
            .and_then(|rest| rest.split_once(' '))
            .ok_or(FAULT)?;
        let payload = BASE64.decode(payload).map_err(|_| FAULT)?;
        let (key_id, bytes) = payload.split_first_chunk::<4>().ok_or(FAULT)?;
        let named = !name.is_empty() && !name.contains('+') && !name.chars().any(char::is_whitespace);
        if !named || bytes.is_empty() {
            return Err(FAULT);
        }
        Ok(Self {
            name: name.to_owned(),
            key_id: *key_id,
            bytes: bytes.to_vec(),
        })
    }
}

/// A checkpoint with the signatures on it: the log's, and those of witnesses who saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// By whom.
    pub signatures: Vec<Signature>,
}

impl SignedCheckpoint {
    /// Reads the note strictly; signatures by keys that nobody asked for are kept and not judged.
    pub fn parse(text: &str) -> Result<Self, NoteFault> {
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(NoteFault::Malformed("it holds control characters"));
        }
        let (body, signatures) = text.rsplit_once("\n\n").ok_or(NoteFault::Malformed(
            "an empty line must stand between head and signatures",
        ))?;
        let signatures = signatures.strip_suffix('\n').ok_or(NoteFault::Malformed(
            "it does not end with a signature line and a line feed",
        ))?;
        let signatures = signatures
            .split('\n')
            .map(Signature::parse)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            checkpoint: Checkpoint::parse(body)?,
            signatures,
        })
    }

    /// The note as text, the form it is stored and handed on in.
    pub fn to_text(&self) -> String {
        let lines: String = self.signatures.iter().map(Signature::line).collect();
        format!("{}\n{lines}", self.checkpoint.body())
    }

    /// Checks that the log with this key signed this head, and returns the head.
    pub fn verify(&self, log: &VerifierKey) -> Result<Head, NoteFault> {
        if self.checkpoint.origin != log.name() {
            let found = self.checkpoint.origin.clone();
            return Err(NoteFault::Origin {
                found,
                expected: log.name().to_owned(),
            });
        }
        self.one_verifies(log, |bytes| {
            log.verifies(self.checkpoint.body().as_bytes(), bytes)
                .then_some(())
        })?;
        Ok(self.checkpoint.head)
    }

    /// Checks that the witness with this key cosigned this head, and returns when, in seconds since 1970.
    pub fn cosigned(&self, witness: &VerifierKey) -> Result<u64, NoteFault> {
        self.one_verifies(witness, |payload| {
            let (time, bytes) = payload.split_first_chunk::<8>()?;
            let time = u64::from_be_bytes(*time);
            witness
                .verifies(self.cosigned_text(time).as_bytes(), bytes)
                .then_some(time)
        })
    }

    /// The cosignature of a witness who has checked this head at `time`, seconds since 1970. The caller adds it to
    /// [`SignedCheckpoint::signatures`] or sends its line back to the log.
    pub fn cosign(&self, witness: &SigningKey, time: u64) -> Signature {
        let signature = witness.sign(self.cosigned_text(time).as_bytes());
        Signature::by(
            witness.public(),
            [time.to_be_bytes().as_slice(), &signature].concat(),
        )
    }

    fn cosigned_text(&self, time: u64) -> String {
        format!("cosignature/v1\ntime {time}\n{}", self.checkpoint.body())
    }

    /// The first signature of `key` that `check` accepts.
    fn one_verifies<T>(&self, key: &VerifierKey, check: impl Fn(&[u8]) -> Option<T>) -> Result<T, NoteFault> {
        let mut lines = self
            .signatures
            .iter()
            .filter(|line| line.name == key.name() && line.key_id == key.id())
            .peekable();
        if lines.peek().is_none() {
            return Err(NoteFault::Unsigned(label(key)));
        }
        lines
            .find_map(|line| check(&line.bytes))
            .ok_or_else(|| NoteFault::BadSignature(label(key)))
    }
}

fn label(key: &VerifierKey) -> String {
    let kind = if key.kind() == KeyKind::Cosignature {
        ", a witness"
    } else {
        ""
    };
    format!("{} ({}{kind})", key.name(), hex::encode(key.id()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use signed_note::{Note, StandardVerifier, VerifierList};

    use super::super::merkle::leaf_hash;
    use super::*;

    fn log() -> SigningKey {
        SigningKey::from_seed("governor.example/ledger", KeyKind::Note, &[1; 32]).unwrap()
    }

    fn witness() -> SigningKey {
        SigningKey::from_seed("audit.example/witness", KeyKind::Cosignature, &[2; 32]).unwrap()
    }

    fn signed() -> SignedCheckpoint {
        Checkpoint::sign(
            Head {
                size: 812,
                root: leaf_hash(b"root"),
            },
            &log(),
        )
    }

    #[test]
    fn a_checkpoint_is_three_lines_and_a_signature() {
        insta::assert_snapshot!(signed().to_text().lines().take(4).collect::<Vec<_>>().join("\n"), @r"
        governor.example/ledger
        812
        PAb5plclr2BSYfY2ZyyWINQJcx2JpFHXRV/pxK4WeCk=
        ");
        assert_eq!(SignedCheckpoint::parse(&signed().to_text()).unwrap(), signed());
        assert_eq!(signed().verify(log().public()).unwrap().size, 812);
    }

    #[test]
    fn the_independent_reader_accepts_it_cosignature_and_all() {
        let mut note = signed();
        note.signatures.push(note.cosign(&witness(), 1_795_392_000));
        let theirs = Note::from_bytes(note.to_text().as_bytes()).unwrap();
        let key = StandardVerifier::new(&log().public().to_string()).unwrap();
        let (verified, unknown) = theirs.verify(&VerifierList::new(vec![Box::new(key)])).unwrap();
        assert_eq!((verified.len(), unknown.len()), (1, 1));
        let head = tlog_tiles::Checkpoint::from_bytes(theirs.text()).unwrap();
        assert_eq!((head.size(), head.hash().0), (812, note.checkpoint.head.root));
    }

    #[test]
    fn a_note_signed_by_the_independent_writer_is_accepted() {
        let seed = BASE64.encode([[1].as_slice(), &[1; 32]].concat());
        let key = log().public().clone();
        let secret = format!("PRIVATE+KEY+{}+{}+{seed}", key.name(), hex::encode(key.id()));
        let signer = signed_note::StandardSigner::new(&secret).unwrap();
        let mut note = Note::new(signed().checkpoint.body().as_bytes(), &[]).unwrap();
        note.add_sigs(&[&signer]).unwrap();
        let ours = SignedCheckpoint::parse(std::str::from_utf8(&note.to_bytes()).unwrap()).unwrap();
        assert_eq!(
            ours,
            signed(),
            "Ed25519 is deterministic, so even the bytes are the same"
        );
    }

    #[test]
    fn a_witness_says_when_it_saw_the_head() {
        let mut note = signed();
        assert_eq!(
            note.cosigned(witness().public()).unwrap_err().to_string(),
            format!(
                "the checkpoint carries no signature by key audit.example/witness ({}, a witness)",
                hex::encode(witness().public().id())
            )
        );
        note.signatures.push(note.cosign(&witness(), 1_795_392_000));
        let note = SignedCheckpoint::parse(&note.to_text()).unwrap();
        assert_eq!(note.cosigned(witness().public()), Ok(1_795_392_000));
        let mut backdated = note.clone();
        backdated.signatures[1].bytes[7] ^= 1;
        assert!(matches!(
            backdated.cosigned(witness().public()),
            Err(NoteFault::BadSignature(_))
        ));
    }

    #[test]
    fn another_head_key_or_log_does_not_pass() {
        let mut other = signed();
        other.checkpoint.head.size += 1;
        assert!(matches!(
            other.verify(log().public()),
            Err(NoteFault::BadSignature(_))
        ));
        let stranger = SigningKey::from_seed("governor.example/ledger", KeyKind::Note, &[9; 32]).unwrap();
        assert!(matches!(
            signed().verify(stranger.public()),
            Err(NoteFault::Unsigned(_))
        ));
        let elsewhere = SigningKey::from_seed("elsewhere", KeyKind::Note, &[1; 32]).unwrap();
        insta::assert_snapshot!(
            signed().verify(elsewhere.public()).unwrap_err(),
            @r#"the checkpoint is of log "governor.example/ledger", not of "elsewhere""#
        );
    }

    #[test]
    fn malformed_notes_are_refused() {
        let good = signed().to_text();
        let (size, root) = ("\n812\n", "PAb5plclr2BSYfY2ZyyWINQJcx2JpFHXRV/pxK4WeCk=");
        for bad in [
            String::new(),
            good.trim_end().to_owned(),
            good.replace("\n\n", "\n"),
            good.replace(size, "\n0812\n"),
            good.replace(size, "\n+812\n"),
            good.replace(root, &root[..40]),
            good.replace(root, &format!("{root}\nextension")),
            good.replacen("governor.example/ledger\n", "\n", 1),
            good.replace("— governor.example/ledger ", "- governor.example/ledger "),
            good.replace('\n', "\r\n"),
            format!("{good}\n"),
            good.replace("— governor.example/ledger ", "— governor.example/ledger  "),
        ] {
            assert!(
                matches!(SignedCheckpoint::parse(&bad), Err(NoteFault::Malformed(_))),
                "{bad}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "[—a-z0-9 +/=\n]{0,80}") {
            if let Ok(note) = SignedCheckpoint::parse(&text) {
                prop_assert_eq!(note.to_text(), text);
            }
        }

        #[test]
        fn one_changed_byte_never_verifies_as_another_head(at: prop::sample::Index, to in 0u8..128) {
            let mut bytes = signed().to_text().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = to;
            let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
            let read = SignedCheckpoint::parse(&text).and_then(|note| note.verify(log().public()));
            prop_assert!(read.is_err() || text == signed().to_text());
        }
    }
}
