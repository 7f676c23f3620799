//! Keyed bottom-k sampling: which traces are replayed, so that an auditor can draw the same sample again.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The `k` ids with the smallest HMAC-SHA256(`seed`, id), smallest first; digests compared as hexadecimal text
/// (the same order as of their bytes), ties by id.
///
/// Needs no state and no total: samples of parts can be merged by sampling their union again, so replicas and
/// streams agree. Ids given twice count once.
pub fn bottom_k<'a>(seed: &[u8], ids: impl IntoIterator<Item = &'a str>, k: usize) -> Vec<&'a str> {
    let mut keyed: Vec<([u8; 32], &str)> = ids.into_iter().map(|id| (digest(seed, id), id)).collect();
    keyed.sort_unstable();
    keyed.dedup();
    keyed.truncate(k);
    keyed.into_iter().map(|(_, id)| id).collect()
}

/// HMAC-SHA256 of a trace id under the plan's seed.
#[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
pub fn digest(seed: &[u8], id: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(seed).expect("HMAC takes keys of every length");
    mac.update(id.as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::load;
    use proptest::prelude::*;

    #[test]
    fn the_digest_is_that_of_rfc_4231() {
        let published = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(
            hex::encode(digest(b"Jefe", "what do ya want for nothing?")),
            published
        );
    }

    #[test]
    fn known_answer_of_a_sample_of_ten() {
        let Some(file) = load("stats/sampling.json") else {
            return;
        };
        let seed = hex::decode(file["seed_hex"].as_str().expect("a seed")).expect("hexadecimal");
        let ids: Vec<String> = (0..100).map(|i| format!("trace-{i:04}")).collect();
        let sample = bottom_k(
            &seed,
            ids.iter().map(String::as_str),
            file["k"].as_u64().expect("k") as usize,
        );
        assert_eq!(serde_json::json!(sample), file["bottom_k"]);
    }

    proptest! {
        #[test]
        fn parts_merge_into_the_sample_of_the_whole(
            ids in prop::collection::hash_set("[a-z]{1,6}", 0..60), cut in 0usize..60, k in 0usize..20,
        ) {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let (left, right) = ids.split_at(cut.min(ids.len()));
            let parts: Vec<&str> = [left, right].iter().flat_map(|part| bottom_k(b"seed", part.iter().copied(), k)).collect();
            prop_assert_eq!(bottom_k(b"seed", parts, k), bottom_k(b"seed", ids, k));
        }
    }
}
