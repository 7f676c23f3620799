//! Ed25519 keys: the one this governor signs with, and the ones that signatures are checked against.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest, Sha256};

/// The DER bytes before the 32-byte seed in a PKCS#8 Ed25519 private key (RFC 8410 §7).
const PKCS8_PREFIX: [u8; 16] = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
/// The DER bytes before the 32-byte point in an Ed25519 public key (RFC 8410 §4).
const SPKI_PREFIX: [u8; 12] = [48, 42, 48, 5, 6, 3, 43, 101, 112, 3, 33, 0];

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The name cannot stand in a signature line.
    #[error("the key name {0:?} may not be empty or hold spaces or a plus sign")]
    Name(String),
    /// Not PEM, or PEM of something else.
    #[error("this is not an Ed25519 {0} key in PEM form; write one with `governor ledger keygen`")]
    Pem(&'static str),
    /// Not a verifier key, or one of a kind that is not known here.
    #[error("{0:?} is not a verifier key of the form name+key id+base64 key, of Ed25519 kind 01 or 04")]
    VerifierKey(String),
}

/// Enough of what stands in place of a key to find it again: the wrong file may be a long one.
fn beginning(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(80).collect()
}

/// What a signature is made over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// The text of a note: what a log signs.
    Note,
    /// A time and the text of a note: what a witness signs (C2SP tlog-cosignature, `cosignature/v1`).
    Cosignature,
}

impl KeyKind {
    fn byte(self) -> u8 {
        match self {
            Self::Note => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// A public key under the name that it signs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    public: [u8; 32],
}

impl VerifierKey {
    /// A key from its 32 raw bytes.
    pub fn new(name: &str, kind: KeyKind, public: [u8; 32]) -> Result<Self, KeyFault> {
        let fits = !name.is_empty() && !name.contains('+') && !name.chars().any(char::is_whitespace);
        if !fits {
            return Err(KeyFault::Name(name.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            kind,
            public,
        })
    }

    /// Reads the signed-note form `name+key id+base64(kind ‖ key)`; the key id must be the right one.
    pub fn parse(text: &str) -> Result<Self, KeyFault> {
        let fault = || KeyFault::VerifierKey(beginning(text));
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(fault());
        };
        let bytes = BASE64.decode(key).map_err(|_| fault())?;
        let (kind, public) = match bytes.split_first() {
            Some((0x01, public)) => (KeyKind::Note, public),
            Some((0x04, public)) => (KeyKind::Cosignature, public),
            _ => return Err(fault()),
        };
        let key = Self::new(name, kind, public.try_into().map_err(|_| fault())?)?;
        if hex::encode(key.id()) == id {
            Ok(key)
        } else {
            Err(fault())
        }
    }

    /// Reads an SPKI PEM file (`-----BEGIN PUBLIC KEY-----`), which carries no name.
    pub fn from_pem(name: &str, kind: KeyKind, pem: &str) -> Result<Self, KeyFault> {
        let der = pem_body(pem, "PUBLIC KEY").ok_or(KeyFault::Pem("public"))?;
        let public = der
            .strip_prefix(&SPKI_PREFIX)
            .and_then(|public| public.try_into().ok());
        Self::new(name, kind, public.ok_or(KeyFault::Pem("public"))?)
    }

    /// The name in the signature lines; for a log also its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its signatures are made over.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The first four bytes of `SHA-256(name ‖ 0x0A ‖ kind ‖ key)`: a hint that picks the key, not a proof.
    pub fn id(&self) -> [u8; 4] {
        let digest = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', self.kind.byte()])
            .chain_update(self.public)
            .finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// The SPKI PEM file that openssl and others read.
    pub fn to_pem(&self) -> String {
        pem("PUBLIC KEY", &self.spki())
    }

    /// The whole key's fingerprint, `SHA-256` of its SPKI DER in hex: what two people compare by voice, and the
    /// `keyid` of a packet's signature. `openssl pkey -pubin -in KEY -outform DER | sha256sum` prints the same.
    pub fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(self.spki()))
    }

    /// Whether `signature` is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public)
            .verify(message, signature)
            .is_ok()
    }

    fn spki(&self) -> Vec<u8> {
        [SPKI_PREFIX.as_slice(), self.public.as_slice()].concat()
    }
}

impl fmt::Display for VerifierKey {
    /// The signed-note form, as [`VerifierKey::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = BASE64.encode([[self.kind.byte()].as_slice(), &self.public].concat());
        write!(f, "{}+{}+{key}", self.name, hex::encode(self.id()))
    }
}

/// The private key this governor signs heads and packets with, under its name.
pub struct SigningKey {
    public: VerifierKey,
    pair: Ed25519KeyPair,
    seed: SecretSlice<u8>,
}

impl SigningKey {
    /// A new key from 32 random bytes, which the caller draws: this folder has no randomness.
    pub fn from_seed(name: &str, kind: KeyKind, seed: &[u8; 32]) -> Result<Self, KeyFault> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyFault::Pem("private"))?;
        let public = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| KeyFault::Pem("private"))?;
        let public = VerifierKey::new(name, kind, public)?;
        Ok(Self {
            public,
            pair,
            seed: SecretSlice::from(seed.to_vec()),
        })
    }

    /// Reads a PKCS#8 PEM file, as [`SigningKey::to_pem`] or `openssl genpkey -algorithm ed25519` write it.
    pub fn from_pem(name: &str, kind: KeyKind, pem: &str) -> Result<Self, KeyFault> {
        let der = pem_body(pem, "PRIVATE KEY").ok_or(KeyFault::Pem("private"))?;
        let seed = der
            .strip_prefix(&PKCS8_PREFIX)
            .and_then(|seed| seed.try_into().ok());
        Self::from_seed(name, kind, &seed.ok_or(KeyFault::Pem("private"))?)
    }

    /// The PKCS#8 PEM file to keep. Whoever holds it can sign as this governor.
    pub fn to_pem(&self) -> SecretString {
        pem(
            "PRIVATE KEY",
            &[PKCS8_PREFIX.as_slice(), self.seed.expose_secret()].concat(),
        )
        .into()
    }

    /// The public half.
    pub fn public(&self) -> &VerifierKey {
        &self.public
    }

    /// The 64-byte signature over `message`.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey")
            .field(&self.public.to_string())
            .finish()
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        BASE64.encode(der)
    )
}

fn pem_body(pem: &str, label: &str) -> Option<Vec<u8>> {
    let body = pem.trim().strip_prefix(&format!("-----BEGIN {label}-----"))?;
    let body = body.strip_suffix(&format!("-----END {label}-----"))?;
    BASE64.decode(body.split_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed("governor.example/ledger", KeyKind::Note, &[7; 32]).unwrap()
    }

    #[test]
    fn a_key_survives_its_files() {
        let again = SigningKey::from_pem(
            "governor.example/ledger",
            KeyKind::Note,
            key().to_pem().expose_secret(),
        )
        .unwrap();
        assert_eq!(again.public(), key().public());
        let public =
            VerifierKey::from_pem("governor.example/ledger", KeyKind::Note, &key().public().to_pem());
        assert_eq!(&public.unwrap(), key().public());
        assert_eq!(
            &VerifierKey::parse(&key().public().to_string()).unwrap(),
            key().public()
        );
    }

    #[test]
    fn the_published_key_is_read() {
        // The example of Go's golang.org/x/mod/sumdb/note, also of C2SP signed-note.
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key = VerifierKey::parse(text).unwrap();
        assert_eq!(
            (key.name(), hex::encode(key.id()).as_str()),
            ("PeterNeumann", "c74f20a3")
        );
        assert_eq!(key.to_string(), text);
    }

    #[test]
    fn rfc_8032_test_1_signs_as_published() {
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = SigningKey::from_seed("test", KeyKind::Note, &seed.try_into().unwrap()).unwrap();
        assert_eq!(
            hex::encode(key.sign(b"")),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        );
        assert!(key.public().verifies(b"", &key.sign(b"")));
        assert!(!key.public().verifies(b"x", &key.sign(b"")));
    }

    #[test]
    fn a_faulty_key_is_refused_in_words() {
        for name in ["", "two words", "a+b"] {
            assert_eq!(
                VerifierKey::new(name, KeyKind::Note, [0; 32]),
                Err(KeyFault::Name(name.into()))
            );
        }
        for text in [
            "",
            "name",
            "name+00000000+AQ==",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ] {
            assert_eq!(VerifierKey::parse(text), Err(KeyFault::VerifierKey(text.into())));
        }
        let long = format!("# some other file {}\nand more of it", "x".repeat(200));
        let said = VerifierKey::parse(&long).unwrap_err().to_string();
        assert!(
            said.len() < 200 && said.starts_with("\"# some other file x"),
            "{said}"
        );
        let swapped = SigningKey::from_pem("x", KeyKind::Note, &key().public().to_pem()).unwrap_err();
        insta::assert_snapshot!(swapped, @"this is not an Ed25519 private key in PEM form; write one with `governor ledger keygen`");
    }

    #[test]
    fn a_private_key_does_not_show_itself() {
        assert!(!format!("{:?}", key()).contains("BwcHBw"));
    }
}
