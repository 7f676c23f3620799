//! What each role should look at in the packet that is out, in the packet's own words.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::Engine;
use crate::{
    change::state::Change,
    store::{self, error::StoreError},
    values::Role,
};

impl Engine {
    /// The concerns of each slot of the current packet, most important first; empty before there is one.
    ///
    /// # Errors
    /// When the database does not answer, or the stored packet cannot be read.
    pub async fn slot_concerns(&self, change: &Change) -> Result<BTreeMap<Role, Vec<String>>, StoreError> {
        let Some(digest) = change.packet else {
            return Ok(BTreeMap::new());
        };
        let Some(packet) = store::packets::by_digest(self.db(), digest).await? else {
            return Ok(BTreeMap::new());
        };
        let envelope: Value = serde_json::from_str(&packet.envelope)?;
        let payload = BASE64_STANDARD
            .decode(envelope["payload"].as_str().unwrap_or_default())
            .map_err(|error| StoreError::Corrupt(format!("a packet's payload is no base64: {error}")))?;
        let statement: Value = serde_json::from_slice(&payload)?;
        let slots = statement["predicate"]["slots"].as_array();
        Ok(slots.into_iter().flatten().filter_map(of_slot).collect())
    }
}

fn of_slot(slot: &Value) -> Option<(Role, Vec<String>)> {
    let role = slot["role"].as_str()?.parse().ok()?;
    let concerns = slot["concerns"].as_array()?;
    let words = concerns.iter().filter_map(|concern| concern.as_str());
    Some((role, words.map(str::to_owned).collect()))
}
