//! The shell script that auditors get, run against proofs of ours: it must agree with the program in both directions.

use std::{path::Path, process::Command};

use workflow_engine::ledger::{
    key::{KeyKind, SigningKey},
    merkle::{Head, Plan, leaf_hash},
    note::Checkpoint,
    proof::Proof,
    tiles::{Edge, Tile},
};

fn log(seed: u8) -> SigningKey {
    SigningKey::from_seed("governor.example/ledger", KeyKind::Note, &[seed; 32]).unwrap()
}

fn entry(n: u64) -> Vec<u8> {
    format!(r#"{{"kind":"noted","n":{n}}}"#).into_bytes()
}

/// The proof of entry `index` in a ledger of `size` entries.
fn proof(index: u64, size: u64) -> Proof {
    let leaves: Vec<_> = (0..size).map(|n| leaf_hash(&entry(n))).collect();
    let mut edge = Edge::default();
    let files: std::collections::HashMap<Tile, Vec<u8>> = edge.append(&leaves).into_iter().collect();
    let read = |node| {
        files
            .get(&Tile::holding(node, size))
            .and_then(|bytes| Tile::node(bytes, node))
            .ok_or(())
    };
    let path = Plan::inclusion(index, size).unwrap().fill(read).unwrap();
    Proof {
        index,
        path,
        checkpoint: Checkpoint::sign(
            Head {
                size,
                root: edge.root(),
            },
            &log(1),
        ),
    }
}

/// Runs the script and gives its exit code and what it said.
fn run(entry: &[u8], proof: &str, key: &SigningKey) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("entry", entry),
        ("packet.tlog-proof", proof.as_bytes()),
        ("log.pub.pem", key.public().to_pem().as_bytes()),
    ] {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/verify-proof.sh");
    let output = Command::new("sh")
        .arg(script.canonicalize().unwrap())
        .args(["entry", "packet.tlog-proof", "log.pub.pem"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said.into_owned())
}

fn tools_are_here() -> bool {
    let here = ["openssl", "xxd"].iter().all(|tool| {
        Command::new("sh")
            .args(["-c", &format!("command -v {tool}")])
            .output()
            .is_ok_and(|out| out.status.success())
    });
    if !here {
        println!("skipped: openssl or xxd is not installed");
    }
    here
}

#[test]
fn the_shell_script_accepts_what_we_prove() {
    if !tools_are_here() {
        return;
    }
    for (index, size) in [(0, 1), (4, 7), (256, 257), (321, 1000), (999, 1000)] {
        let (code, said) = run(&entry(index), &proof(index, size).to_text(), &log(1));
        let expected =
            format!("inclusion OK: entry {index} of {size}\nsignature OK: governor.example/ledger\n");
        assert_eq!((code, said), (Some(0), expected));
    }
}

#[test]
fn the_shell_script_accepts_a_head_that_a_witness_cosigned() {
    if !tools_are_here() {
        return;
    }
    let mut proof = proof(5, 12);
    let witness = SigningKey::from_seed("audit.example/witness", KeyKind::Cosignature, &[2; 32]).unwrap();
    let cosignature = proof.checkpoint.cosign(&witness, 1_795_392_000);
    proof.checkpoint.signatures.insert(0, cosignature);
    assert_eq!(run(&entry(5), &proof.to_text(), &log(1)).0, Some(0));
}

#[test]
fn the_shell_script_rejects_what_was_changed() {
    if !tools_are_here() {
        return;
    }
    let good = proof(321, 1000);
    let (code, said) = run(&entry(322), &good.to_text(), &log(1));
    assert_eq!(
        (code, said.as_str()),
        (
            Some(1),
            "inclusion FAILED: entry 321 does not lead to the root of 1000 entries\n"
        )
    );
    let (code, said) = run(&entry(321), &good.to_text(), &log(9));
    assert_eq!(code, Some(1));
    assert!(
        said.ends_with("signature FAILED: no line of governor.example/ledger is by this key\n"),
        "{said}"
    );

    let mut longer = good.clone();
    longer.path.push([0; 32]);
    assert_eq!(run(&entry(321), &longer.to_text(), &log(1)).0, Some(1));
    let mut elsewhere = good.clone();
    elsewhere.index = 1000;
    assert_eq!(run(&entry(321), &elsewhere.to_text(), &log(1)).0, Some(1));
    let (code, said) = run(&entry(321), &good.to_text().replace("@v1", "@v2"), &log(1));
    assert_eq!(
        (code, said.as_str()),
        (
            Some(2),
            "packet.tlog-proof: line 1 is not c2sp.org/tlog-proof@v1\n"
        )
    );
}
