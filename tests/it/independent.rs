//! Every program of the page for auditors, and other people's tools, on what we export; and what each of them says of
//! each way to tamper.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use signed_note::{Note, NoteError, VerifierList};
use tests::{desk::log_key, tool};
use workflow_engine::{
    ledger::{
        merkle::{Hash, Head, leaf_hash},
        note::Checkpoint,
        offline::verify_files,
        tiles::{self, Edge, Tile, WIDTH, decode_entries, encode_entries},
    },
    ports::clock::Clock,
};

use crate::{
    proving::{approved, governor},
    sealing::ledger,
    witnessing::{client, start, witness_key},
};

/// The program of the page that begins with this line comment.
pub(crate) fn program(name: &str) -> String {
    let page = std::fs::read_to_string(tests::root().join("docs/verifying.md")).unwrap();
    let begin = page.find(&format!("# {name} ")).unwrap();
    page[begin..].split("\n```").next().unwrap().to_owned() + "\n"
}

/// What is handed to an auditor: an export and the packet of change 2, on SQLite, and their keys.
struct Handed {
    folder: PathBuf,
    config: String,
    _desk: tests::desk::Desk,
    _witness: tokio::task::JoinHandle<()>,
}

async fn handed() -> Handed {
    let (desk, config) = approved().await.remove(0);
    assert_eq!(
        desk.engine.db().backend(),
        workflow_engine::store::db::Backend::Sqlite
    );
    let folder = desk.fresh.folder.path().to_owned();
    let (url, witness) = start(&folder.join("w"), vec![log_key().public().clone()]).await;
    ledger(&desk).ask(&client(&url), desk.clock.now()).await.unwrap();
    std::fs::write(folder.join("witness.vkey"), witness_key().public().to_string()).unwrap();
    for line in [
        format!("ledger export --out {}/export {config}", folder.display()),
        format!("packet export 2 --out {}/packet {config}", folder.display()),
    ] {
        assert_eq!(governor(&line).await.1, 0);
    }
    std::fs::copy(folder.join("export/checkpoint"), folder.join("older")).unwrap();
    Handed {
        folder,
        config,
        _desk: desk,
        _witness: witness,
    }
}

impl Handed {
    /// Runs a command line in the folder; gives what it printed, and nothing when it failed.
    fn run(&self, program: &Path, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(program)
            .args(arguments)
            // Go fetches nothing: the library is the one that is installed.
            .envs([
                ("GOFLAGS", "-mod=mod"),
                ("GOPROXY", "off"),
                ("GOSUMDB", "off"),
                ("GOTOOLCHAIN", "local"),
            ])
            .current_dir(&self.folder)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stdout) + &text(&output.stderr)),
        }
    }

    fn python(&self, python: &Path, name: &str, arguments: &[&str]) -> Result<String, String> {
        std::fs::write(self.folder.join(name), program(name)).unwrap();
        self.run(python, &[&[name], arguments].concat())
    }

    fn flip(&self, file: &str, at: usize) {
        let path = self.folder.join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[at] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_libraries_agree_with_our_tree_our_signatures_and_our_packet() {
    let Some(python) = tool("python") else { return };
    let handed = handed().await;
    let tree = ["export", "export/log.vkey", "older"];
    let said = handed.python(&python, "tree.py", &tree).unwrap();
    assert_eq!(said, "the first 16 entries are what was signed\n".repeat(2));
    let cosigned = ["export/checkpoint.witnessed", "witness.vkey"];
    let said = handed.python(&python, "cosigned.py", &cosigned).unwrap();
    assert!(said.starts_with("audit.test/witness saw this head at "), "{said}");
    let said = handed.python(&python, "attestation.py", &["packet"]).unwrap();
    assert!(said.starts_with("signed; about change/2/revision/1 "), "{said}");

    handed.flip("export/tile/entries/000.p/16", 60);
    let said = handed.python(&python, "tree.py", &tree).unwrap_err();
    assert!(
        said.contains("the first 16 entries are not what was signed"),
        "{said}"
    );
    handed.flip("packet/packet.dsse.json", 90);
    assert!(handed.python(&python, "attestation.py", &["packet"]).is_err());
    let forged = std::fs::read_to_string(handed.folder.join("older")).unwrap();
    std::fs::write(handed.folder.join("older"), forged.replace("\n16\n", "\n15\n")).unwrap();
    assert!(
        handed.python(&python, "tree.py", &tree).is_err(),
        "the signature is over the size too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_library_of_go_s_checksum_database_agrees() {
    let Some(go) = tool("go") else { return };
    let handed = handed().await;
    let page = std::fs::read_to_string(tests::root().join("docs/verifying.md")).unwrap();
    let (_, source) = page.split_once("```go\n").unwrap();
    std::fs::write(handed.folder.join("main.go"), source.split("```").next().unwrap()).unwrap();
    let library = Path::new("/usr/share/gocode/src/golang.org/x/mod");
    if !library.exists() {
        println!("skipped: Debian's golang-golang-x-mod-dev is not installed");
        return;
    }
    let module = format!(
        "module verify\n\ngo 1.21\n\nrequire golang.org/x/mod v0.7.0\n\nreplace golang.org/x/mod => {}\n",
        library.display()
    );
    std::fs::write(handed.folder.join("go.mod"), module).unwrap();
    let run = || handed.run(&go, &["run", ".", "export", "packet"]);
    assert_eq!(
        run().unwrap(),
        "16 entries are what was signed\nentry 11 is one of 16\n"
    );
    handed.flip("export/tile/entries/000.p/16", 60);
    assert!(run().unwrap_err().contains("the entries are not what was signed"));
    handed.flip("export/tile/entries/000.p/16", 60);
    handed.flip("packet/entry", 30);
    assert!(run().is_err(), "the proof is of another entry");
}

/// Our files, read by an implementation that is not ours. It spells the height in its paths: `tile/8/…`.
struct Files<'handed>(&'handed Path);

impl tlog_tiles::TileReader for Files<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let file = |tile: &tlog_tiles::Tile| tile.path().replacen("tile/8/", "tile/", 1);
        Ok(tiles
            .iter()
            .map(|tile| std::fs::read(self.0.join(file(tile))).unwrap_or_default())
            .collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rust_implementation_that_is_not_ours_opens_the_head_and_proves_every_entry_from_our_files() {
    let handed = handed().await;
    let export = handed.folder.join("export");
    let vkey = std::fs::read_to_string(export.join("log.vkey")).unwrap();
    let verifier = signed_note::StandardVerifier::new(vkey.trim()).unwrap();
    let known = VerifierList::new(vec![Box::new(verifier)]);
    let open = |text: Vec<u8>| -> Result<Vec<u8>, NoteError> {
        let note = Note::from_bytes(&text)?;
        note.verify(&known)?;
        Ok(note.text().to_vec())
    };
    let checkpoint = std::fs::read(export.join("checkpoint")).unwrap();
    let text = String::from_utf8(open(checkpoint.clone()).unwrap()).unwrap();
    assert!(text.starts_with("governor.test/ledger\n16\n"));
    let mut forged = checkpoint;
    forged[22] ^= 1;
    assert!(open(forged).is_err());

    let head = verify_files(log_key().public(), |path| std::fs::read(export.join(path)).ok()).unwrap();
    let root = tlog_tiles::Hash(head.root);
    let files = Files(&export);
    let reader = tlog_tiles::TileHashReader::new(head.size, root, &files);
    assert_eq!(tlog_tiles::tree_hash(head.size, &reader).unwrap(), root);
    let bundle = std::fs::read(export.join("tile/entries/000.p/16")).unwrap();
    for (index, entry) in (0..).zip(decode_entries(&bundle).unwrap()) {
        let proof = tlog_tiles::prove_record(head.size, index, &reader).unwrap();
        tlog_tiles::check_record(&proof, head.size, root, index, tlog_tiles::record_hash(entry)).unwrap();
    }
    let grown = tlog_tiles::prove_tree(head.size, 7, &reader).unwrap();
    let seven = decode_entries(&bundle).unwrap()[..7]
        .iter()
        .map(|entry| leaf_hash(entry))
        .collect::<Vec<_>>();
    let seven = tlog_tiles::Hash(workflow_engine::ledger::merkle::root(&seven));
    tlog_tiles::check_tree(&grown, head.size, root, 7, seven).unwrap();
}

/// Rewrites the exported files of a ledger of these entries, all digests fitting, under the head that `sign` makes.
fn rewrite(export: &Path, entries: &[Vec<u8>], sign: impl FnOnce(Head) -> String) {
    std::fs::remove_dir_all(export.join("tile")).unwrap();
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let mut edge = Edge::default();
    let put = |tile: Tile, bytes: &[u8]| {
        let path = export.join(tile.path());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    for (tile, bytes) in edge.append(&leaves) {
        put(tile, &bytes);
    }
    let size = leaves.len() as u64;
    for tile in tiles::changed(0, size)
        .into_iter()
        .filter(|tile| tile.kind == tiles::Kind::Entries)
    {
        let from = tile.index as usize * WIDTH;
        let bundle = &entries[from..from + usize::from(tile.width)];
        put(tile, &encode_entries(bundle.iter().map(Vec::as_slice)).unwrap());
    }
    let head = Head {
        size,
        root: edge.root(),
    };
    std::fs::write(export.join("checkpoint"), sign(head)).unwrap();
    drop(std::fs::remove_file(export.join("checkpoint.witnessed")));
}

/// Something that is done to the list of entries.
type Deed = fn(&mut Vec<Vec<u8>>);

const DEEDS: [(&str, Deed); 6] = [
    ("edit", |entries| entries[6] = b"{}".to_vec()),
    ("delete", |entries| drop(entries.remove(6))),
    ("insert", |entries| entries.insert(6, b"{}".to_vec())),
    ("reorder", |entries| entries[2..9].reverse()),
    ("swap", |entries| entries.swap(3, 4)),
    ("cut", |entries| entries.truncate(10)),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_tamper_with_the_whole_ledger_is_caught_and_only_the_witness_catches_the_key_s_holder() {
    let handed = handed().await;
    let (python, export) = (tool("python"), handed.folder.join("export"));
    let honest = std::fs::read(export.join("tile/entries/000.p/16")).unwrap();
    let honest: Vec<Vec<u8>> = decode_entries(&honest)
        .unwrap()
        .into_iter()
        .map(<[u8]>::to_vec)
        .collect();
    let note = std::fs::read_to_string(export.join("checkpoint")).unwrap();
    let ours = format!("ledger verify --dir {}", export.display());
    let kept = format!("{ours} --checkpoint {}", handed.folder.join("older").display());
    let witnessed = format!(
        "{ours} --witness {}",
        handed.folder.join("witness.vkey").display()
    );
    for (what, deed) in DEEDS {
        let mut entries = honest.clone();
        deed(&mut entries);
        // Without the key: the head stays as it was signed.
        rewrite(&export, &entries, |_| note.clone());
        let (said, code) = governor(&ours).await;
        assert!(
            code == 1 && said.starts_with("The ledger does not hold."),
            "{what}: {said}"
        );
        if let Some(python) = &python {
            let said = handed.python(python, "tree.py", &["export", "export/log.vkey"]);
            assert!(said.is_err(), "{what}: pymerkle finds it too");
        }
        // With the key: everything fits, and only who remembers an older head notices.
        rewrite(&export, &entries, |head| {
            Checkpoint::sign(head, &log_key()).to_text()
        });
        assert_eq!(governor(&ours).await.1, 0, "{what}: in itself it holds");
        let (said, code) = governor(&witnessed).await;
        assert!(
            code == 1 && said.contains("has cosigned no head of this ledger"),
            "{what}: {said}"
        );
        let (said, code) = governor(&kept).await;
        assert!(code == 1, "{what}: {said}");
        assert!(
            said.contains("the past was rewritten and signed anew") || said.contains("its end was cut off"),
            "{what}: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_a_truncated_and_a_replayed_packet_are_told_apart_in_plain_words() {
    let handed = handed().await;
    let file = handed.folder.join("packet/packet.dsse.json");
    let verify = format!("packet verify {}", file.display());
    assert_eq!(governor(&verify).await.1, 0);
    let honest = std::fs::read(&file).unwrap();
    for length in [1, 40, honest.len() / 2, honest.len() - 1] {
        std::fs::write(&file, &honest[..length]).unwrap();
        let (said, code) = governor(&verify).await;
        assert!(
            code == 1 && said.contains("it was cut short or damaged"),
            "{length}: {said}"
        );
    }
    // Forged: other evidence, signed by somebody else's key.
    let other = workflow_engine::ledger::key::SigningKey::from_seed(
        "governor.test/ledger",
        workflow_engine::ledger::key::KeyKind::Note,
        &[9; 32],
    );
    let statement = workflow_engine::evidence::statement::Statement::new(
        "change/2/revision/1".to_owned(),
        serde_json::json!({"verdict": "eligible"}),
    );
    let forged =
        workflow_engine::evidence::dsse::Envelope::seal(statement.to_payload().unwrap(), &other.unwrap());
    std::fs::write(&file, forged.to_json()).unwrap();
    let (said, code) = governor(&verify).await;
    assert!(
        code == 1 && said.contains("no signature on the packet is by the key"),
        "{said}"
    );
    // Replayed: another change's packet, properly signed, under this one's entry and votes.
    let line = format!(
        "packet export 1 --out {}/one {}",
        handed.folder.display(),
        handed.config
    );
    assert_eq!(governor(&line).await.1, 0);
    std::fs::copy(handed.folder.join("one/packet.dsse.json"), &file).unwrap();
    let (said, code) = governor(&verify).await;
    assert!(
        code == 1 && said.contains("it belongs to other evidence"),
        "{said}"
    );
}
