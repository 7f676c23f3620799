//! What a packet says: an in-toto Statement v1 whose predicate is the evidence.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::values::{Digest, digest::canonical_json};

/// The kind of statement, by in-toto.
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The kind of evidence: a change request's packet in its first shape.
pub const PREDICATE_TYPE: &str = "https://governor.dev/evidence-packet/v1";

/// Why a payload is not a statement about evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementFault {
    /// Not an in-toto statement at all.
    #[error("the packet's payload is not an in-toto statement: {0}")]
    Malformed(String),
    /// A statement of another kind.
    #[error("the packet's payload is a {0:?}, not an evidence packet ({PREDICATE_TYPE:?})")]
    Kind(String),
    /// The subject names other evidence than the predicate holds.
    #[error("the packet's subject names evidence {named}, but the evidence in it is {held}; it was swapped")]
    Swapped {
        /// The digest the subject gives.
        named: String,
        /// The digest of the predicate.
        held: String,
    },
}

/// A statement: the evidence, and its digest under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    name: String,
    predicate: Value,
}

impl Statement {
    /// A statement about `name`, for example `change/142/revision/2`. The subject's digest is that of the predicate
    /// as RFC 8785 JSON, so a reader can tell that the two belong together.
    pub fn new(name: impl Into<String>, predicate: Value) -> Self {
        Self {
            name: name.into(),
            predicate,
        }
    }

    /// The evidence's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The evidence.
    pub fn predicate(&self) -> &Value {
        &self.predicate
    }

    /// The bytes to sign, as RFC 8785 JSON: the same evidence always gives the same packet digest.
    ///
    /// # Errors
    /// When the predicate has no canonical form (a number beyond IEEE 754).
    pub fn to_payload(&self) -> Result<Vec<u8>, StatementFault> {
        let malformed = |error: serde_json::Error| StatementFault::Malformed(error.to_string());
        let sha256 = Digest::of_json(&self.predicate).map_err(malformed)?.to_string();
        let wire = Wire {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![Subject {
                name: self.name.clone(),
                digest: SubjectDigest { sha256 },
            }],
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: self.predicate.clone(),
        };
        canonical_json(&wire).map_err(malformed)
    }

    /// Reads a payload back and checks that its subject names its predicate.
    pub fn from_payload(payload: &[u8]) -> Result<Self, StatementFault> {
        let malformed = |error: serde_json::Error| StatementFault::Malformed(error.to_string());
        let wire: Wire = serde_json::from_slice(payload).map_err(malformed)?;
        for (found, expected) in [
            (&wire.kind, STATEMENT_TYPE),
            (&wire.predicate_type, PREDICATE_TYPE),
        ] {
            if found != expected {
                return Err(StatementFault::Kind(found.clone()));
            }
        }
        let [subject] = wire.subject.as_slice() else {
            return Err(StatementFault::Malformed(
                "it needs exactly one subject".to_owned(),
            ));
        };
        let held = Digest::of_json(&wire.predicate).map_err(malformed)?.to_string();
        let named = &subject.digest.sha256;
        if *named != held {
            return Err(StatementFault::Swapped {
                named: named.clone(),
                held,
            });
        }
        Ok(Self {
            name: subject.name.clone(),
            predicate: wire.predicate,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object of _type, subject, predicateType and predicate")]
struct Wire {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Value,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    name: String,
    digest: SubjectDigest,
}

#[derive(Serialize, Deserialize)]
struct SubjectDigest {
    sha256: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn statement() -> Statement {
        Statement::new(
            "change/142/revision/2",
            json!({"verdict": "eligible", "estimate": -0.0194, "cost": "0.57"}),
        )
    }

    #[test]
    fn a_statement_is_canonical_and_reads_back() {
        let payload = statement().to_payload().unwrap();
        insta::assert_snapshot!(String::from_utf8_lossy(&payload), @r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"cost":"0.57","estimate":-0.0194,"verdict":"eligible"},"predicateType":"https://governor.dev/evidence-packet/v1","subject":[{"digest":{"sha256":"0fa3fc596a33aebcb1b661198a1d8b7b40336235df36bb914267aa82491fb0cb"},"name":"change/142/revision/2"}]}"#);
        assert_eq!(Statement::from_payload(&payload).unwrap(), statement());
    }

    #[test]
    fn evidence_under_a_foreign_subject_is_refused() {
        let text = String::from_utf8(statement().to_payload().unwrap()).unwrap();
        let read = |text: &str| Statement::from_payload(text.as_bytes());
        assert!(matches!(
            read(&text.replace("0.57", "0.47")),
            Err(StatementFault::Swapped { .. })
        ));
        assert!(matches!(
            read(&text.replace("packet/v1", "packet/v2")),
            Err(StatementFault::Kind(_))
        ));
        assert!(matches!(
            read(&text.replace("Statement/v1", "Statement/v2")),
            Err(StatementFault::Kind(_))
        ));
        assert!(matches!(read("{}"), Err(StatementFault::Malformed(_))));
    }
}
