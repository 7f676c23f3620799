//! Days of calls under one entry: a single call is proven from its figures, and a figure changed by hand is found.

use std::sync::Arc;

use chrono::{Duration, TimeDelta};
use sea_orm::ConnectionTrait;
use tests::{
    calls::{Calls, calls},
    db::BOTH,
    desk::{Desk, desk, log_key},
};
use workflow_engine::{
    engine::{Engine, ledger::Ledger, row_seals::RowError, seal::Sealer},
    ledger::{notice::Notice, rows},
    ports::clock::Clock,
    usage::{
        call::Call,
        report::{Delivery, Report},
    },
};

use crate::{
    independent::program,
    proving::governor,
    sealing::{audit, ledger, sealer},
};

struct Set {
    desk: Desk,
    calls: Calls,
}

/// A desk beside a store of calls with `count` calls of the day on which its clock stands.
async fn set() -> Vec<Set> {
    let mut sets = Vec::new();
    for kind in BOTH {
        if let (Some(desk), Some(calls)) = (desk(kind).await, calls(kind).await) {
            let set = Set { desk, calls };
            set.call(0, 23).await;
            sets.push(set);
        }
    }
    sets
}

impl Set {
    async fn call(&self, from: u32, until: u32) {
        let start = self.desk.clock.now();
        let at = |n: u32| {
            start.date_naive().and_hms_opt(8, 0, 0).unwrap().and_utc() + TimeDelta::seconds(n.into())
        };
        let made = (from..until).map(|n| {
            let mut call = Call::new("test", &format!("r{n}"), at(n));
            (call.provider, call.route_model) =
                (Some("openai".to_owned()), Some("gpt-4o-2024-08-06".to_owned()));
            (call.input_tokens, call.output_tokens) = (Some(5_000), Some(0));
            Report { call, content: None }
        });
        let delivery = Delivery {
            reports: made.collect(),
            ..Delivery::default()
        };
        self.calls.record(delivery).await;
    }

    async fn seal(&self) -> usize {
        let written = self.desk.engine.seal_rows(&self.calls.store).await.unwrap();
        sealer(&self.desk, "one")
            .seal_once(self.desk.clock.now())
            .await
            .unwrap();
        written
    }

    async fn batches(&self) -> Vec<(u32, u64, String)> {
        let (ledger, mut found) = (ledger(&self.desk), Vec::new());
        let size = ledger
            .checkpoint()
            .await
            .unwrap()
            .map_or(0, |note| note.checkpoint.head.size);
        for index in 0..size {
            let leaf: workflow_engine::ledger::notice::Leaf =
                serde_json::from_slice(&ledger.entry(index).await.unwrap()).unwrap();
            if let Notice::RowsSealed(batch) = leaf.event {
                found.push((batch.edition, batch.count, batch.cost_usd.plain()));
            }
        }
        found
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_sealed_once_it_is_over_and_anew_when_calls_come_late() {
    for set in set().await {
        assert_eq!(set.seal().await, 0, "the day is not over");
        let id = set.calls.rows().await[5].id;
        let early = set
            .desk
            .engine
            .prove_call(&set.calls.store, id)
            .await
            .unwrap_err();
        assert!(early.to_string().contains("are not sealed yet"), "{early}");

        set.desk.clock.advance(Duration::days(1));
        assert_eq!((set.seal().await, set.seal().await), (1, 0));
        assert_eq!(set.batches().await, [(1, 23, "0.2875".to_owned())]);
        set.desk.clock.advance(Duration::days(-1));
        set.call(23, 24).await;
        set.desk.clock.advance(Duration::days(1));
        let late = set
            .desk
            .engine
            .prove_call(&set.calls.store, id)
            .await
            .unwrap_err();
        assert!(
            matches!(
                late,
                RowError::Changed {
                    found: 24,
                    sealed: 23,
                    ..
                }
            ),
            "{late}"
        );
        assert_eq!(set.seal().await, 1);
        assert_eq!(set.batches().await[1], (2, 24, "0.3".to_owned()));
        assert_eq!(audit(set.desk.engine.db()).await.fault, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_is_proven_by_two_short_proofs_and_a_figure_changed_by_hand_is_found() {
    for set in set().await {
        set.desk.clock.advance(Duration::days(1));
        set.seal().await;
        let id = set.calls.rows().await[11].id;
        let proven = set.desk.engine.prove_call(&set.calls.store, id).await.unwrap();
        let ledger = Ledger::new(set.desk.engine.db().clone(), log_key().public().clone());
        let index = ledger.place_of_notice(proven.batch.n).await.unwrap().unwrap();
        let (entry, outer) = (
            ledger.entry(index).await.unwrap(),
            ledger.proof(index).await.unwrap(),
        );
        let (batch, head) =
            rows::verify(&proven.row, &proven.proof, &entry, &outer, log_key().public()).unwrap();
        assert_eq!(
            (batch.count, batch.cost_usd.plain(), head.size),
            (23, "0.2875".to_owned(), 1)
        );
        assert!(proven.proof.path.len() <= 5);
        let cheaper = String::from_utf8(proven.row.clone())
            .unwrap()
            .replace("0.0125", "0.0025");
        let fault = rows::verify(
            cheaper.as_bytes(),
            &proven.proof,
            &entry,
            &outer,
            log_key().public(),
        );
        assert!(
            fault
                .unwrap_err()
                .to_string()
                .contains("its figures, its place or the proof was changed")
        );

        let engine: &Engine = &set.desk.engine;
        assert_eq!(engine.check_calls(&set.calls.store).await.unwrap(), (1, vec![]));
        let by_hand = "UPDATE call SET cost_usd = '0.0025' WHERE record_id = 'r11'";
        let by_hand = match engine.db().backend() {
            workflow_engine::store::db::Backend::Postgres => by_hand.replace("'0.0025'", "0.0025"),
            workflow_engine::store::db::Backend::Sqlite => by_hand.to_owned(),
        };
        set.calls
            .store
            .for_migrations()
            .execute_unprepared(&by_hand)
            .await
            .unwrap();
        let (_, faults) = engine.check_calls(&set.calls.store).await.unwrap();
        assert!(
            faults[0].contains("23 rows of 0.2775 USD in all, sealed were 23 rows of 0.2875 USD"),
            "{faults:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_seal_the_same_day_write_one_entry() {
    for set in set().await {
        set.desk.clock.advance(Duration::days(1));
        let mut racing = Vec::new();
        for _ in 0..4 {
            let (engine, store) = (set.desk.engine.clone(), set.calls.store.clone());
            racing.push(tokio::spawn(async move { engine.seal_rows(&store).await }));
        }
        let mut written = 0;
        for one in racing {
            written += one.await.unwrap().unwrap();
        }
        assert_eq!(written, 1);
        let sealer = Sealer::new(set.desk.engine.db().clone(), Arc::new(log_key()), "one");
        sealer.seal_once(set.desk.clock.now()).await.unwrap();
        assert_eq!(set.batches().await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finance_reader_proves_one_call_at_the_command_line_and_without_our_program() {
    for set in set().await {
        set.desk.clock.advance(Duration::days(1));
        set.seal().await;
        let folder = set.desk.fresh.folder.path();
        let config = folder.join("governor.toml");
        let text = format!(
            "[server]\ndata_dir = \"{}\"\n[database]\nurl = \"{}\"\ncalls_url = \"{}\"\n[ledger]\norigin = \"governor.test/ledger\"\n",
            folder.join("data").display(),
            set.desk.fresh.url,
            set.calls.url()
        );
        std::fs::write(&config, text).unwrap();
        let config = format!("--config {}", config.display());
        let (id, row) = (set.calls.rows().await[7].id, folder.join("row"));
        let (said, code) = governor(&format!("ledger prove-row {id} --out {} {config}", row.display())).await;
        assert!(
            code == 0 && said.contains("row 7 of 23 of its day, sealed by entry #0"),
            "{said}"
        );
        let verify = format!("ledger verify-row {}", row.display());
        let (said, code) = governor(&verify).await;
        assert!(
            code == 0 && said.contains("It is one of the 23 calls of 2026-"),
            "{said}"
        );
        let (said, code) = governor(&format!("ledger verify --calls {config}")).await;
        assert!(
            code == 0 && said.contains("The calls of 1 days were compared with their seals."),
            "{said}"
        );

        let script = tests::root().join("deploy/verify-proof.sh").display().to_string();
        std::fs::write(folder.join("row.py"), program("row.py")).unwrap();
        let run = |line: &str| {
            let output = std::process::Command::new("sh")
                .args(["-c", line])
                .current_dir(folder)
                .output()
                .unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        if run("command -v python3 openssl xxd").lines().count() < 3 {
            println!("skipped: python3, openssl or xxd is not installed");
            return;
        }
        let outer = run(&format!(
            "sh {script} row/entry row/entry.tlog-proof row/log.pub.pem"
        ));
        assert!(
            outer.contains("inclusion OK") && outer.contains("signature OK"),
            "{outer}"
        );
        assert!(run("python3 row.py row").starts_with("one of 23 calls from "));
        let cheaper = std::fs::read_to_string(row.join("row"))
            .unwrap()
            .replace("0.0125", "0.0025");
        std::fs::write(row.join("row"), cheaper).unwrap();
        assert_eq!(run("python3 row.py row"), "");
        let (said, code) = governor(&verify).await;
        assert!(
            code == 1 && said.contains("its figures, its place or the proof was changed"),
            "{said}"
        );
    }
}
