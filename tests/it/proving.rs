//! `governor ledger` and `governor packet` as an auditor uses them, on a database that the engine filled.

use std::{path::Path, process::Command, sync::Arc};

use crate::witnessing::{client, start, witness_key};
use bot::commands_cli::{Format, ledger, packet};
use clap::Parser;
use tests::{
    db::BOTH,
    desk::{Desk, desk, log_key},
};
use workflow_engine::{
    engine::{ledger::Ledger, seal::Sealer},
    ledger::{merkle::Head, note::Checkpoint},
    ports::clock::Clock,
};

#[derive(Parser)]
enum Program {
    Ledger(ledger::Args),
    Packet(packet::Args),
}

/// Runs a command line; gives stdout and the exit code, or the line on stderr and 2.
pub(crate) async fn governor(line: &str) -> (String, u8) {
    let format = if line.contains("--json") {
        Format::Json
    } else {
        Format::Text
    };
    let words = line.split(' ').filter(|word| *word != "--json");
    let program = match Program::try_parse_from(std::iter::once("governor").chain(words)) {
        Ok(program) => program,
        Err(error) => return (error.to_string(), 2),
    };
    let answer = match program {
        Program::Ledger(args) => ledger::answer(&args, format).await,
        Program::Packet(args) => packet::answer(&args, format).await,
    };
    match answer {
        Ok((said, holds)) => (said, u8::from(!holds)),
        Err(error) => (format!("{error:#}"), 2),
    }
}

/// A program of the page for auditors, by its language; the first one.
fn program_of_the_page(language: &str) -> String {
    let page = std::fs::read_to_string(tests::root().join("docs/verifying.md")).unwrap();
    let (_, program) = page.split_once(&format!("```{language}\n")).unwrap();
    program.split_once("```").unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_auditors_works_as_it_stands() {
    for (desk, config) in approved().await {
        let folder = desk.fresh.folder.path();
        let (packet, export) = (folder.join("packet-2"), folder.join("export"));
        governor(&format!("packet export 2 --out {} {config}", packet.display())).await;
        governor(&format!("ledger export --out {} {config}", export.display())).await;
        std::fs::write(folder.join("packet.sh"), program_of_the_page("sh")).unwrap();
        std::fs::write(folder.join("ledger.py"), program_of_the_page("python")).unwrap();
        let run = |line: &str| {
            let output = Command::new("sh")
                .args(["-c", line])
                .current_dir(folder)
                .output()
                .unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        if run("command -v python3 openssl sha256sum").lines().count() < 3 {
            println!("skipped: python3, openssl or sha256sum is not installed");
            return;
        }
        let key = export.join("log.pub.pem").display().to_string();
        let said = run(&format!("sh packet.sh packet-2 {key}"));
        let files =
            "Signature Verified Successfully\nentry\nvotes/0012.entry\nvotes/0013.entry\nvotes/0014.entry\n";
        assert_eq!(said, files);
        let ledger = format!("python3 ledger.py export {key} export/checkpoint");
        let said = "16 entries are what was signed\nand begin with the 16 entries signed before\n";
        assert_eq!(run(&ledger), said);
        flip(&export.join("tile/entries/000.p/16"), 100);
        assert_eq!(run(&ledger), "");
    }
}

/// A desk with two changes, the second one approved by three, all sealed; and its configuration.
pub(crate) async fn approved() -> Vec<(Desk, String)> {
    let mut desks = Vec::new();
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        for key in ["first", "second"] {
            let number = desk.file(key).await.unwrap().number;
            let change = desk.to_review(number).await;
            for person in ["ana", "priya", "tomas"].iter().filter(|_| key == "second") {
                desk.approve(person, &change).await.unwrap();
            }
        }
        seal(&desk).await;
        let config = desk.fresh.folder.path().join("governor.toml");
        let text = format!(
            "[server]\ndata_dir = \"{}\"\n[database]\nurl = \"{}\"\n[ledger]\norigin = \"governor.test/ledger\"\n",
            desk.fresh.folder.path().join("data").display(),
            desk.fresh.url
        );
        std::fs::write(&config, text).unwrap();
        let config = format!("--config {}", config.display());
        desks.push((desk, config));
    }
    desks
}

async fn seal(desk: &Desk) {
    let sealer = Sealer::new(desk.engine.db().clone(), Arc::new(log_key()), "one");
    sealer.seal_once(desk.clock.now()).await.unwrap();
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_verified_while_the_service_holds_it() {
    for (desk, config) in approved().await {
        let (said, code) = governor(&format!("ledger verify {config}")).await;
        assert_eq!(code, 0, "{said}");
        let first = "The ledger holds: 16 entries of 2 changes, 1 signed heads, 2 packets, 0 texts. 0 events wait to be sealed.";
        assert_eq!(said.lines().next(), Some(first));
        assert!(said.contains("That key lies beside what was checked"), "{said}");

        let key = desk.fresh.folder.path().join("trusted.pem");
        std::fs::write(&key, log_key().public().to_pem()).unwrap();
        let (said, code) = governor(&format!("ledger verify --json --key {} {config}", key.display())).await;
        let document: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(
            (code, &document["holds"], &document["key"]["independent"]),
            (0, &true.into(), &true.into())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_verified_by_its_files_and_a_flipped_byte_is_named() {
    for (desk, config) in approved().await {
        let out = desk.fresh.folder.path().join("export");
        let (said, code) = governor(&format!("ledger export --out {} {config}", out.display())).await;
        assert!(code == 0 && said.starts_with("16 entries written to "), "{said}");
        let verify = format!("ledger verify --dir {}", out.display());
        let (said, code) = governor(&verify).await;
        assert!(
            code == 0 && said.starts_with("The ledger holds: 16 entries, as signed."),
            "{said}"
        );

        flip(&out.join("tile/entries/000.p/16"), 100);
        let (said, code) = governor(&verify).await;
        assert_eq!(code, 1);
        assert!(
            said.contains("tile/entries/000.p/16: entry #0 is not the one that was sealed"),
            "{said}"
        );
        std::fs::remove_file(out.join("checkpoint")).unwrap();
        let (said, code) = governor(&verify).await;
        assert!(code == 2 && said.contains("export/checkpoint"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_is_verified_with_its_votes_by_its_files() {
    for (desk, config) in approved().await {
        let out = desk.fresh.folder.path().join("packet-2");
        let (said, code) = governor(&format!("packet export 2 --out {} {config}", out.display())).await;
        assert!(
            code == 0 && said.contains("of change #2, sealed as entry #11, with 3 votes"),
            "{said}"
        );
        let file = out.join("packet.dsse.json");
        let verify = format!("packet verify {}", file.display());
        let (said, code) = governor(&verify).await;
        assert_eq!(code, 0, "{said}");
        assert!(
            said.starts_with("The packet holds: change/2/revision/1."),
            "{said}"
        );
        assert!(
            said.contains("vote        priya for security, on this packet, entry #13"),
            "{said}"
        );
        let (said, code) = governor(&format!(
            "{verify} --json --key {}",
            out.join("log.vkey").display()
        ))
        .await;
        let document: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(
            (
                code,
                document["votes"].as_array().map(Vec::len),
                &document["entry"]
            ),
            (0, Some(3), &11.into())
        );

        for (path, at) in [
            ("packet.dsse.json", 60),
            ("entry", 20),
            ("packet.tlog-proof", 40),
            ("votes/0013.entry", 30),
        ] {
            let path = out.join(path);
            let honest = std::fs::read(&path).unwrap();
            flip(&path, at);
            let (said, code) = governor(&verify).await;
            assert!(
                code == 1 && said.starts_with("The packet does not hold."),
                "{}: {said}",
                path.display()
            );
            std::fs::write(&path, honest).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_on_another_packet_does_not_count_for_this_one() {
    for (desk, config) in approved().await {
        let folder = desk.fresh.folder.path();
        for number in [1, 2] {
            let out = folder.join(format!("packet-{number}"));
            governor(&format!(
                "packet export {number} --out {} {config}",
                out.display()
            ))
            .await;
        }
        std::fs::rename(folder.join("packet-2/votes"), folder.join("packet-1/votes")).unwrap();
        let (said, code) = governor(&format!(
            "packet verify {}",
            folder.join("packet-1/packet.dsse.json").display()
        ))
        .await;
        assert!(
            code == 1 && said.contains("it belongs to other evidence"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_seen_elsewhere_shows_whether_the_ledger_was_forked() {
    for (desk, config) in approved().await {
        let folder = desk.fresh.folder.path();
        let (packet, export) = (folder.join("packet-2"), folder.join("export"));
        governor(&format!("packet export 2 --out {} {config}", packet.display())).await;
        let verify = format!(
            "packet verify {} --checkpoint",
            packet.join("packet.dsse.json").display()
        );

        desk.file("later").await.unwrap();
        seal(&desk).await;
        governor(&format!("ledger export --out {} {config}", export.display())).await;
        let (said, code) = governor(&format!("{verify} {}", export.join("checkpoint").display())).await;
        assert!(
            code == 0 && said.contains("the one of 18 entries is of the same ledger"),
            "{said}"
        );

        let alone = folder.join("seen-in-chat");
        std::fs::copy(export.join("checkpoint"), &alone).unwrap();
        let (said, code) = governor(&format!("{verify} {}", alone.display())).await;
        assert!(
            code == 2 && said.contains("to compare them, give the checkpoint of an export"),
            "{said}"
        );

        // The key's holder signs another ledger of the same size.
        let head = Head {
            size: 16,
            root: [5; 32],
        };
        let forged = Checkpoint::sign(head, &log_key());
        std::fs::write(&alone, forged.to_text()).unwrap();
        let (said, code) = governor(&format!("{verify} {}", alone.display())).await;
        assert!(code == 1 && said.contains("it was forked or rewritten"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_must_still_begin_with_a_checkpoint_that_was_kept() {
    for (desk, config) in approved().await {
        let folder = desk.fresh.folder.path();
        let (export, kept) = (folder.join("export"), folder.join("kept"));
        let note = Ledger::new(desk.engine.db().clone(), log_key().public().clone())
            .checkpoint()
            .await
            .unwrap();
        std::fs::write(&kept, note.unwrap().to_text()).unwrap();
        desk.file("later").await.unwrap();
        seal(&desk).await;
        governor(&format!("ledger export --out {} {config}", export.display())).await;
        let database = format!("ledger verify {config} --checkpoint {}", kept.display());
        let files = format!(
            "ledger verify --dir {} --checkpoint {}",
            export.display(),
            kept.display()
        );
        for line in [&database, &files] {
            assert_eq!(governor(line).await.1, 0, "{line}");
        }
        for (size, sentence) in [
            (16, "the past was rewritten and signed anew"),
            (99, "its end was cut off"),
        ] {
            let forged = Checkpoint::sign(Head { size, root: [5; 32] }, &log_key());
            std::fs::write(&kept, forged.to_text()).unwrap();
            for line in [&database, &files] {
                let (said, code) = governor(line).await;
                assert!(code == 1 && said.contains(sentence), "{said}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_who_has_a_witness_s_key_sees_a_fork_that_no_other_check_sees() {
    for (desk, config) in approved().await {
        let folder = desk.fresh.folder.path();
        let (export, keys) = (folder.join("export"), folder.join("witness.vkey"));
        std::fs::write(&keys, format!("{}\n", witness_key().public())).unwrap();
        let lines = [
            format!("ledger verify {config} --witness {}", keys.display()),
            format!(
                "ledger verify --dir {} --witness {}",
                export.display(),
                keys.display()
            ),
        ];
        governor(&format!("ledger export --out {} {config}", export.display())).await;
        for line in &lines {
            let (said, code) = governor(line).await;
            assert!(
                code == 1 && said.contains("audit.test/witness has cosigned no head of this ledger"),
                "{said}"
            );
        }
        let (url, _server) = start(&folder.join("witness"), vec![log_key().public().clone()]).await;
        let ledger = Ledger::new(desk.engine.db().clone(), log_key().public().clone());
        ledger.ask(&client(&url), desk.clock.now()).await.unwrap();
        desk.file("after").await.unwrap();
        seal(&desk).await;
        governor(&format!("ledger export --out {} {config}", export.display())).await;
        for line in &lines {
            let (said, code) = governor(line).await;
            assert!(
                code == 0 && said.contains("Cosigned by audit.test/witness: the head of 16 entries"),
                "{said}"
            );
        }
        let vkeys = std::fs::read_to_string(export.join("witnesses.vkey")).unwrap();
        assert_eq!(vkeys, std::fs::read_to_string(&keys).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_told_in_one_line() {
    for (desk, config) in approved().await {
        let folder = desk.fresh.folder.path();
        let (said, code) = governor(&format!("packet export 9 --out {} {config}", folder.display())).await;
        assert_eq!(
            (said.as_str(), code),
            ("there is no change #9; the newest is #2", 2)
        );
        let nothing = folder.join("nothing.json");
        let (said, code) = governor(&format!("packet verify {}", nothing.display())).await;
        assert!(
            code == 2 && said.starts_with(&nothing.display().to_string()),
            "{said}"
        );
        std::fs::write(&nothing, "not json").unwrap();
        let (said, code) = governor(&format!("packet verify {}", nothing.display())).await;
        assert!(code == 2 && said.contains("expected"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_once_and_only_its_owner_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.key");
    let line = format!(
        "ledger keygen --origin governor.test/ledger --out {}",
        path.display()
    );
    let (said, code) = governor(&line).await;
    assert!(
        code == 0 && said.starts_with("Verifier key: governor.test/ledger+"),
        "{said}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let before = std::fs::read(&path).unwrap();
    let (said, code) = governor(&line).await;
    assert!(
        code == 2 && said.contains("ledger.key: cannot be written"),
        "{said}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no draft is left behind");
}
