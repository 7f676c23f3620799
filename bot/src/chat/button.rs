//! What a button carries: which change, edition and packet its card showed, under a key of this installation.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use workflow_engine::values::{ChangeNumber, Digest, Revision};

/// Hex characters of the packet's digest in a value: 64 bits, beside the revision, tell editions apart.
const PACKET: usize = 16;

/// Signs and checks values of buttons.
#[derive(Clone)]
pub struct ButtonKey([u8; 32]);

/// What the card showed when its button was clicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The change.
    pub number: ChangeNumber,
    /// Its edition.
    pub revision: Revision,
    /// The beginning of its packet's digest; zeros while there was none.
    pub packet: String,
}

impl ButtonKey {
    /// A key of its own made of a secret that the installation has anyway.
    #[must_use]
    pub fn derived_from(secret: &SecretString) -> Self {
        Self(mac(secret.expose_secret().as_bytes(), b"governor buttons v1"))
    }

    /// `v1.<change>.<revision>.<packet>.<mac>`
    #[must_use]
    pub fn value(&self, number: ChangeNumber, revision: Revision, packet: Option<Digest>) -> String {
        let body = format!("v1.{}.{}.{}", number.0, revision.0, beginning(packet));
        let mac = hex::encode(&mac(&self.0, body.as_bytes())[..16]);
        format!("{body}.{mac}")
    }

    /// What `value` names, if it was made by this installation.
    #[must_use]
    pub fn read(&self, value: &str) -> Option<Shown> {
        let (body, given) = value.rsplit_once('.')?;
        let expected = hex::encode(&mac(&self.0, body.as_bytes())[..16]);
        if !bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
            return None;
        }
        let mut parts = body.strip_prefix("v1.")?.split('.');
        Some(Shown {
            number: ChangeNumber(parts.next()?.parse().ok()?),
            revision: Revision(parts.next()?.parse().ok()?),
            packet: parts.next()?.to_owned(),
        })
    }
}

impl fmt::Debug for ButtonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ButtonKey(…)")
    }
}

/// The part of a packet's digest that a value carries.
#[must_use]
pub fn beginning(packet: Option<Digest>) -> String {
    packet.map_or_else(
        || "0".repeat(PACKET),
        |digest| digest.to_string()[..PACKET].to_owned(),
    )
}

fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    // An HMAC key may have any length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_back_and_no_letter_of_it_may_change() {
        let key = ButtonKey::derived_from(&SecretString::from("xoxb-1"));
        let value = key.value(ChangeNumber(142), Revision(2), Some(Digest::of(b"packet")));
        assert!(value.len() < 100);
        let shown = key.read(&value).unwrap();
        assert_eq!((shown.number, shown.revision), (ChangeNumber(142), Revision(2)));
        assert_eq!(shown.packet, beginning(Some(Digest::of(b"packet"))));
        for index in 0..value.len() {
            let mut other = value.clone().into_bytes();
            other[index] ^= 1;
            assert_eq!(
                key.read(&String::from_utf8(other).unwrap()),
                None,
                "letter {index}"
            );
        }
        let elsewhere = ButtonKey::derived_from(&SecretString::from("xoxb-2"));
        assert_eq!(elsewhere.read(&value), None);
        assert_eq!(key.read("evidence"), None);
    }
}
