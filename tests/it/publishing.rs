//! The ledger's word where others keep it: heads in chat, proofs in the thread of a decided change, an outside clock.

use std::{process::Command, sync::Arc};

use bot::jobs::publish_ledger::{POST, PublishLedger, STAMP};
use integrations::{
    http::{Http, Options},
    timestamps::{Client, fake::FakeAuthority},
};
use tests::{
    db::Kind,
    desk::{desk, log_key},
    talk::{CHANNEL, Talk, Way, talk},
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::{
        jobs::{Handler, Runner},
        ledger::Ledger,
        seal::Sealer,
    },
    evidence::verify::is_about,
    ledger::{note::SignedCheckpoint, proof::Proof},
    ports::{clock::Clock, timestamp::TimestampAuthority},
    store::{self, commit::JobRow},
    values::JobId,
};

use crate::sealing::{ledger, sealed_desk};

fn publisher(talk: &Talk) -> Runner {
    let engine = talk.desk.engine.clone();
    let job = PublishLedger {
        engine: engine.clone(),
        ledger: Ledger::new(engine.db().clone(), log_key().public().clone()),
        chat: Some(talk.chat.clone()),
        channel: String::new(),
        witnessed: false,
        authority: None,
    };
    Runner::new(engine, vec![Arc::new(job) as Arc<dyn Handler>])
}

async fn work(runner: &Runner) {
    let stop = CancellationToken::new();
    while runner.step(&stop).await.unwrap() > 0 {
        runner.settle().await;
    }
}

async fn ask(talk: &Talk, dedup: &str) {
    let now = talk.desk.clock.now().timestamp_millis();
    let row = JobRow {
        id: JobId(talk.desk.clock.new_id().to_string()),
        event_n: 0,
        kind: POST,
        lane: None,
        dedup: Some(dedup.to_owned()),
        payload: "{}".to_owned(),
        due_at: now,
        max_attempts: 3,
    };
    store::queue::enqueue(talk.desk.engine.db(), row, now)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_decided_change_has_its_proof_in_the_thread_and_the_head_stands_in_the_channel_once() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let (change, root) = talk.under_review().await;
    for user in ["U02ANA", "U03PRIYA", "U04TOMAS"] {
        talk.slack
            .person(user)
            .click(CHANNEL, &root.ts, "approve")
            .await
            .unwrap();
    }
    talk.until_said(&root.ts, "Everybody who must agree has agreed")
        .await;
    let runner = publisher(&talk);
    work(&runner).await;
    let name = "packet-1.tlog-proof";
    assert!(talk.slack.file(name).is_none(), "nothing is sealed yet");

    let sealer = Sealer::new(talk.desk.engine.db().clone(), Arc::new(log_key()), "one");
    sealer.seal_once(talk.desk.clock.now()).await.unwrap();
    for _ in 0..50 {
        talk.desk.clock.advance(chrono::Duration::seconds(2));
        work(&runner).await;
        if talk.slack.file(name).is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let proof = String::from_utf8(talk.slack.file(name).unwrap()).unwrap();
    let proof = Proof::parse(&proof).unwrap();
    let entry = ledger(&talk.desk).entry(proof.index).await.unwrap();
    proof.verify(&entry, log_key().public()).unwrap();
    assert!(is_about(
        &entry,
        talk.desk.change(change.number).await.packet.unwrap()
    ));

    for day in ["monday", "tuesday"] {
        ask(&talk, day).await;
        work(&runner).await;
    }
    let words: Vec<String> = talk
        .slack
        .roots(CHANNEL)
        .iter()
        .map(|root| root.words())
        .collect();
    let heads: Vec<&String> = words.iter().filter(|words| words.contains("Ledger: ")).collect();
    assert_eq!(heads.len(), 1, "the same head is not said twice: {words:?}");
    assert!(heads[0].contains("Nothing to do."), "{heads:?}");
    let size = ledger(&talk.desk)
        .checkpoint()
        .await
        .unwrap()
        .unwrap()
        .checkpoint
        .head
        .size;
    let note = String::from_utf8(talk.slack.file(&format!("checkpoint-{size}")).unwrap()).unwrap();
    SignedCheckpoint::parse(&note)
        .unwrap()
        .verify(log_key().public())
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_stamped_by_an_outside_clock_and_openssl_verifies_what_is_exported() {
    let desk = sealed_desk(Kind::Sqlite, 1).await.unwrap();
    let folder = desk.fresh.folder.path();
    let authority = match FakeAuthority::start(&folder.join("tsa")).await {
        Ok(authority) => authority,
        Err(why) => {
            println!("skipped: openssl cannot make a time-stamp authority here ({why})");
            return;
        }
    };
    let http = Http::new(Options::default()).unwrap();
    let client = Client::new(http, authority.url());
    let stamped = ledger(&desk).stamp(&client, &desk.clock).await.unwrap();
    assert_eq!(stamped.map(|(size, _)| size), Some(7));
    assert_eq!(
        ledger(&desk).stamp(&client, &desk.clock).await.unwrap(),
        None,
        "once for a head"
    );

    let export = folder.join("export");
    ledger(&desk).export(&export).await.unwrap();
    let verify = || {
        Command::new("openssl")
            .args([
                "ts",
                "-verify",
                "-data",
                "checkpoint.stamped",
                "-in",
                "checkpoint.tsr",
                "-CAfile",
            ])
            .arg(authority.certificate())
            .current_dir(&export)
            .output()
            .unwrap()
    };
    let said = verify();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let note = std::fs::read(export.join("checkpoint.stamped")).unwrap();
    std::fs::write(
        export.join("checkpoint.stamped"),
        [note.as_slice(), b"x"].concat(),
    )
    .unwrap();
    assert!(!verify().status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_stamp_over_something_else_or_for_another_request_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let Ok(authority) = FakeAuthority::start(folder.path()).await else {
        println!("skipped: openssl cannot make a time-stamp authority here");
        return;
    };
    let client = Client::new(Http::new(Options::default()).unwrap(), authority.url());
    let kept = client.stamp(&[1; 32], [2; 8]).await.unwrap().response;
    // An authority that answers every question with the same old answer.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let app = axum::Router::new().route("/", axum::routing::post(move || async move { kept }));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let parrot = Client::new(Http::new(Options::default()).unwrap(), &url);
    assert!(parrot.stamp(&[1; 32], [2; 8]).await.is_ok());
    let said = parrot.stamp(&[9; 32], [2; 8]).await.unwrap_err().to_string();
    assert!(said.contains("its token is over something else"), "{said}");
    let said = parrot.stamp(&[1; 32], [3; 8]).await.unwrap_err().to_string();
    assert!(said.contains("its token answers another request"), "{said}");
    server.abort();
}

#[tokio::test]
async fn without_an_authority_there_is_nothing_to_stamp() {
    let desk = desk(Kind::Sqlite).await.unwrap();
    let job = PublishLedger {
        engine: desk.engine.clone(),
        ledger: ledger(&desk),
        chat: None,
        channel: String::new(),
        witnessed: false,
        authority: None,
    };
    assert!(job.kinds().contains(&STAMP));
}
