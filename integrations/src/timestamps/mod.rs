//! RFC 3161: asks a time-stamp authority over HTTP, and checks that the token is over what was asked.
//!
//! The authority's signature is not judged here but by whoever relies on it, with the certificate they trust:
//! `openssl ts -verify` (docs/verifying.md).

#[cfg(feature = "fakes")]
pub mod fake;

use async_trait::async_trait;
use chrono::DateTime;
use cms::{cert::x509::spki::AlgorithmIdentifier, signed_data::EncapsulatedContentInfo};
use der::{
    Any, Decode, Encode, SliceReader,
    asn1::{Int, ObjectIdentifier, OctetString},
};
use workflow_engine::ports::timestamp::{Stamp, StampError, TimestampAuthority};
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion, TstInfo};

use crate::http::{Http, snippet};

/// SHA-256 (RFC 5754).
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
/// PKIStatus from which on nothing was granted.
const REJECTION: u8 = 2;

/// An authority at an address.
#[derive(Clone, Debug)]
pub struct Client {
    http: Http,
    url: String,
}

impl Client {
    /// The authority that answers at `url`.
    #[must_use]
    pub fn new(http: Http, url: &str) -> Self {
        Self {
            http,
            url: url.to_owned(),
        }
    }
}

#[async_trait]
impl TimestampAuthority for Client {
    async fn stamp(&self, imprint: &[u8; 32], nonce: [u8; 8]) -> Result<Stamp, StampError> {
        let unreadable = |error: der::Error| StampError::Refused(error.to_string());
        let asked = request(imprint, nonce).map_err(unreadable)?;
        let body = asked.to_der().map_err(unreadable)?;
        let post = || {
            let request = self.http.client().post(&self.url).body(body.clone());
            request.header("content-type", "application/timestamp-query")
        };
        let answer = self.http.with_retries("the time-stamp authority", post).await;
        let answer = answer.map_err(|error| StampError::Unreachable(error.to_string()))?;
        if !answer.status.is_success() {
            let why = format!("it answered {} {}", answer.status.as_u16(), snippet(&answer.body));
            return Err(StampError::Unreachable(why));
        }
        read(&asked, &answer.body)
    }
}

fn request(imprint: &[u8; 32], mut nonce: [u8; 8]) -> der::Result<TimeStampReq> {
    // A positive number without leading zeros: DER has one spelling for it.
    nonce[0] = (nonce[0] & 0x3f) | 0x40;
    Ok(TimeStampReq {
        version: TspVersion::V1,
        message_imprint: MessageImprint {
            hash_algorithm: AlgorithmIdentifier {
                oid: SHA256,
                parameters: Some(Any::null()),
            },
            hashed_message: OctetString::new(imprint.as_slice())?,
        },
        req_policy: None,
        nonce: Some(Int::new(&nonce)?),
        cert_req: true,
        extensions: None,
    })
}

/// What the token signs. Version and algorithms stand before it; certificates and signatures, which stand after it, are
/// for whoever verifies the token.
fn content(signed_data: &Any) -> der::Result<Option<Any>> {
    let mut fields = SliceReader::new(signed_data.value())?;
    for _ in 0..2 {
        Any::decode(&mut fields)?;
    }
    Ok(EncapsulatedContentInfo::decode(&mut fields)?.econtent)
}

/// The time that the answer vouches for, if it is the answer to what was asked.
fn read(asked: &TimeStampReq, body: &[u8]) -> Result<Stamp, StampError> {
    let refused = |why: &str| StampError::Refused(why.to_owned());
    let unreadable = |error: der::Error| StampError::Refused(format!("it cannot be read ({error})"));
    let response = TimeStampResp::from_der(body).map_err(unreadable)?;
    if response.status.status as u8 >= REJECTION {
        return Err(refused("the request was rejected"));
    }
    let token = response
        .time_stamp_token
        .ok_or_else(|| refused("it holds no token"))?;
    let content: OctetString = content(&token.content)
        .map_err(unreadable)?
        .ok_or_else(|| refused("its token is empty"))?
        .decode_as()
        .map_err(unreadable)?;
    let info = TstInfo::from_der(content.as_bytes()).map_err(unreadable)?;
    let (ours, theirs) = (&asked.message_imprint, &info.message_imprint);
    if theirs.hash_algorithm.oid != ours.hash_algorithm.oid || theirs.hashed_message != ours.hashed_message {
        return Err(refused("its token is over something else"));
    }
    if info.nonce != asked.nonce {
        return Err(refused("its token answers another request"));
    }
    let seconds = i64::try_from(info.gen_time.to_unix_duration().as_secs()).unwrap_or_default();
    let at = DateTime::from_timestamp(seconds, 0).ok_or_else(|| refused("its time cannot be read"))?;
    Ok(Stamp {
        response: body.to_vec(),
        at,
    })
}
