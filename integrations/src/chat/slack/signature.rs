//! Slack's request signature: HMAC-SHA256 over `v0:<time stamp>:<raw body>`, 300 s either way.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use workflow_engine::ports::chat::Rejected;

/// Seconds by which a stamp may lie before or after our own time.
const WINDOW_SECONDS: i64 = 300;

/// Checks `signature` (`v0=<hex>`) over `body`, and that `stamp` (Unix seconds) is near `now`.
///
/// # Errors
/// [`Rejected::Stale`] outside the window, [`Rejected::Signature`] for anything that does not match.
pub fn verify(
    secret: &SecretString,
    stamp: &str,
    body: &[u8],
    signature: &str,
    now: DateTime<Utc>,
) -> Result<(), Rejected> {
    let seconds: i64 = stamp.parse().map_err(|_| Rejected::Signature)?;
    if (now.timestamp().saturating_sub(seconds)).abs() > WINDOW_SECONDS {
        return Err(Rejected::Stale);
    }
    let expected = sign(secret, stamp, body);
    if bool::from(expected.as_bytes().ct_eq(signature.as_bytes())) {
        Ok(())
    } else {
        Err(Rejected::Signature)
    }
}

/// The signature that Slack puts into `X-Slack-Signature`.
#[must_use]
pub fn sign(secret: &SecretString, stamp: &str, body: &[u8]) -> String {
    // An HMAC key may have any length, so this cannot fail; an empty text would match no signature.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        return String::new();
    };
    mac.update(b"v0:");
    mac.update(stamp.as_bytes());
    mac.update(b":");
    mac.update(body);
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Slack's own documentation of request signing.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const STAMP: &str = "1531420618";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn check(body: &str, signature: &str, seconds_later: i64) -> Result<(), Rejected> {
        let stamp: i64 = STAMP.parse().unwrap();
        let now = DateTime::from_timestamp(stamp + seconds_later, 0).unwrap();
        verify(
            &SecretString::from(SECRET),
            STAMP,
            body.as_bytes(),
            signature,
            now,
        )
    }

    #[test]
    fn slacks_documented_example_verifies() {
        assert_eq!(check(BODY, SIGNATURE, 0), Ok(()));
    }

    #[test]
    fn a_changed_byte_is_refused() {
        assert_eq!(
            check(&BODY.replace("foobar", "foobaz"), SIGNATURE, 0),
            Err(Rejected::Signature)
        );
        assert_eq!(
            check(BODY, &SIGNATURE.replace("a211", "a212"), 0),
            Err(Rejected::Signature)
        );
        assert_eq!(check(BODY, "", 0), Err(Rejected::Signature));
    }

    #[test]
    fn the_window_is_300_seconds_on_both_sides() {
        assert_eq!(check(BODY, SIGNATURE, 300), Ok(()));
        assert_eq!(check(BODY, SIGNATURE, -300), Ok(()));
        assert_eq!(check(BODY, SIGNATURE, 301), Err(Rejected::Stale));
        assert_eq!(check(BODY, SIGNATURE, -301), Err(Rejected::Stale));
    }
}
