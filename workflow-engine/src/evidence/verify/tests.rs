//! The tamper matrix: every way to change what was decided, and the sentence that gives it away.

use serde_json::json;

use super::*;
use crate::ledger::{
    key::{KeyKind, SigningKey},
    proof::tests::proof_of,
};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("governor.example/ledger", KeyKind::Note, &[seed; 32]).unwrap()
}

fn packet(saving: &str) -> Envelope {
    let statement = Statement::new(
        "change/142/revision/2",
        json!({"saving": saving, "verdict": "eligible"}),
    );
    Envelope::seal(statement.to_payload().unwrap(), &key(1))
}

/// A ledger of 300 entries in which the honest packet is sealed at #200 and approved at #260.
fn ledger() -> Vec<Vec<u8>> {
    let digest = packet("0.43").digest();
    let mut entries: Vec<Vec<u8>> = (0..300)
        .map(|n| format!(r#"{{"kind":"noted","n":{n}}}"#).into_bytes())
        .collect();
    entries[200] =
        json!({"kind": "packet_sealed", "packet": digest, "kept": [{"packet": packet("0.41").digest()}]})
            .to_string()
            .into_bytes();
    entries[260] = json!({"kind": "vote_cast", "vote": {"grade": "approve", "packet": digest}})
        .to_string()
        .into_bytes();
    entries
}

/// Verifies `envelope` with entry and proof taken from a ledger that may have been tampered with.
fn check(envelope: &Envelope, entry: &[u8], proof: &str) -> Result<Verified, String> {
    verify_packet(
        envelope.to_json().as_bytes(),
        key(1).public(),
        Witnessed { entry, proof },
        key(1).public(),
    )
    .map_err(|fault| fault.to_string())
}

/// The proof as it was handed out while the ledger was still honest.
fn honest_proof(index: u64) -> String {
    proof_of(&ledger(), index, &key(1)).to_text()
}

/// What becomes of the sealed packet's proof when somebody rewrites the ledger without the key: the files give another
/// root than the one signed.
fn rewritten(change: impl FnOnce(&mut Vec<Vec<u8>>), index: u64) -> Result<Verified, String> {
    let mut entries = ledger();
    let signed = proof_of(&entries, 200, &key(1)).checkpoint;
    change(&mut entries);
    let mut proof = proof_of(&entries, index, &key(1));
    proof.checkpoint = signed;
    check(&packet("0.43"), &entries[index as usize], &proof.to_text())
}

#[test]
fn an_honest_packet_holds_and_so_does_its_approval() {
    let verified = check(&packet("0.43"), &ledger()[200], &honest_proof(200)).unwrap();
    assert_eq!((verified.index, verified.head.size), (200, 300));
    assert_eq!(verified.statement.predicate()["saving"], "0.43");
    let vote = Witnessed {
        entry: &ledger()[260],
        proof: &honest_proof(260),
    };
    assert_eq!(
        verify_entry(verified.packet, vote, key(1).public()).unwrap().0,
        260
    );
}

#[test]
fn an_edited_deleted_inserted_reordered_or_cut_ledger_is_found() {
    let broken = |result: Result<Verified, String>| {
        assert!(
            result
                .unwrap_err()
                .contains("the path does not lead to the signed root")
        );
    };
    broken(rewritten(
        |entries| entries[7] = b"{\"kind\":\"edited\"}".to_vec(),
        200,
    ));
    broken(rewritten(|entries| drop(entries.remove(7)), 199));
    broken(rewritten(
        |entries| entries.insert(7, b"{\"kind\":\"inserted\"}".to_vec()),
        201,
    ));
    broken(rewritten(|entries| entries.swap(7, 8), 200));
    broken(rewritten(|entries| entries[..100].reverse(), 200));
    broken(rewritten(|entries| entries.truncate(250), 200));
    assert!(rewritten(|_| {}, 200).is_ok(), "without a change it holds");
}

#[test]
fn a_changed_entry_is_found() {
    let entry = String::from_utf8(ledger()[200].clone())
        .unwrap()
        .replace("packet_sealed", "packet_voided");
    let fault = check(&packet("0.43"), entry.as_bytes(), &honest_proof(200)).unwrap_err();
    insta::assert_snapshot!(fault, @"the entry is not in the ledger at #200: the path does not lead to the signed root of 300 entries; the entry, its place or the proof was changed");
}

#[test]
fn a_forged_packet_is_found() {
    let statement = Statement::new(
        "change/142/revision/2",
        json!({"saving": "0.99", "verdict": "eligible"}),
    );
    let forged = Envelope::seal(statement.to_payload().unwrap(), &key(9));
    let fault = check(&forged, &ledger()[200], &honest_proof(200)).unwrap_err();
    insta::assert_snapshot!(fault, @"no signature on the packet is by the key with fingerprint fd110d301d2f077de1414b8f99f441b1403fab207b2052fbd2c065e4ee8e7dc2; the packet was changed or another key signed it");
}

#[test]
fn a_regenerated_packet_does_not_inherit_the_old_one_s_entry() {
    let fault = check(&packet("0.44"), &ledger()[200], &honest_proof(200)).unwrap_err();
    insta::assert_snapshot!(fault, @"the ledger entry is about packet 7adbd60356824a4fccc9488156eb3a1dad148090251ab9118c3f863954e97929, not about packet cc2f4bd3e6453a4cc1d4a03a6596f040d66305f3ced89f56e7527c4416e4d9c0; it belongs to other evidence");
}

#[test]
fn an_approval_of_another_packet_is_a_replay() {
    let vote = Witnessed {
        entry: &ledger()[260],
        proof: &honest_proof(260),
    };
    let fault = verify_entry(packet("0.44").digest(), vote, key(1).public()).unwrap_err();
    assert!(matches!(fault, PacketFault::Replayed { .. }));
    let silent = Witnessed {
        entry: &ledger()[3],
        proof: &honest_proof(3),
    };
    let fault = verify_entry(packet("0.43").digest(), silent, key(1).public()).unwrap_err();
    assert!(matches!(fault, PacketFault::Unnamed(_)));
    let two =
        json!({"packet_sha256": packet("0.43").digest(), "packet": packet("0.44").digest()}).to_string();
    let two = Witnessed {
        entry: two.as_bytes(),
        proof: &honest_proof(200),
    };
    assert!(matches!(
        verify_entry(packet("0.43").digest(), two, key(1).public()),
        Err(PacketFault::Replayed { .. })
    ));
}

#[test]
fn a_head_signed_by_another_key_is_found() {
    let proof = proof_of(&ledger(), 200, &key(9)).to_text();
    let fault = check(&packet("0.43"), &ledger()[200], &proof).unwrap_err();
    insta::assert_snapshot!(fault, @"the checkpoint carries no signature by key governor.example/ledger (6ccb5b30)");
}

#[test]
fn every_flipped_bit_of_a_packet_is_found() {
    let json = packet("0.43").to_json();
    let (entries, proof) = (ledger(), honest_proof(200));
    let witnessed = Witnessed {
        entry: &entries[200],
        proof: &proof,
    };
    for at in 0..json.len() {
        let mut bytes = json.clone().into_bytes();
        bytes[at] ^= 1;
        let result = verify_packet(&bytes, key(1).public(), witnessed, key(1).public());
        // The key id is a hint outside the signature; everything else must fail.
        let hint = json
            .find("keyid")
            .map(|start| start..start + "keyid\":\"".len() + 64);
        assert!(
            result.is_err() || hint.is_some_and(|hint| hint.contains(&at)),
            "byte {at}"
        );
    }
}
