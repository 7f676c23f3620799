//! The witness over loopback, as security runs it: it follows a ledger that grows, and notices a copy, a fork and a liar.

use std::{path::Path, sync::Arc};

use bot::{
    config::{Config, WitnessAt},
    service::{Service, Start},
    witness::Witness as Server,
};
use integrations::{
    http::{Http, Options},
    witness::Client,
};
use tests::{
    clock::TestClock,
    db::{Kind, leases_run_out},
    desk::{Desk, log_key},
};
use workflow_engine::{
    engine::{ledger::Ledger, log_key},
    ledger::{
        key::{KeyKind, SigningKey, VerifierKey},
        merkle::Head,
        note::{Checkpoint, SignedCheckpoint},
        witness::AddCheckpoint,
    },
    ports::{
        clock::Clock,
        witness::{Witness, WitnessError},
    },
    store::ledger::witnesses::Standing,
    values::Actor,
};

use crate::{
    sealing::{audit, ledger, sealed_desk, sealed_desks, sealer},
    tampering::tamper,
};

/// The witness's key.
pub(crate) fn witness_key() -> SigningKey {
    SigningKey::from_seed("audit.test/witness", KeyKind::Cosignature, &[3; 32]).unwrap()
}

/// A running witness that knows `logs` and keeps what it saw in `folder`.
pub(crate) async fn start(folder: &Path, logs: Vec<VerifierKey>) -> (String, tokio::task::JoinHandle<()>) {
    std::fs::create_dir_all(folder).unwrap();
    // One that was stopped a moment ago may still hold the folder.
    let mut left = 100;
    let witness = loop {
        let clock = Arc::new(TestClock::default());
        match Server::open(folder, witness_key(), logs.clone(), clock) {
            Err(_) if left > 0 => left -= 1,
            opened => break Arc::new(opened.unwrap()),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        axum::serve(listener, witness.router()).await.unwrap();
    });
    (url, server)
}

pub(crate) fn client(url: &str) -> Client {
    let http = Http::new(Options {
        attempts: 1,
        ..Options::default()
    });
    Client::new(http.unwrap(), url, witness_key().public().clone())
}

/// A desk with its witness, which has cosigned its first 7 entries.
async fn witnessed(desk: &Desk) -> (Client, tokio::task::JoinHandle<()>) {
    let folder = desk.fresh.folder.path().join("witness");
    let (url, server) = start(&folder, vec![log_key().public().clone()]).await;
    let client = client(&url);
    let standing = ask(desk, &client).await;
    assert_eq!((standing.size, standing.trouble), (7, None));
    (client, server)
}

async fn ask(desk: &Desk, witness: &dyn Witness) -> Standing {
    ledger(desk)
        .ask(witness, desk.clock.now())
        .await
        .unwrap()
        .unwrap()
}

async fn more(desk: &Desk, key: &str) {
    desk.file(key).await.unwrap();
    leases_run_out(desk.engine.db()).await;
    sealer(desk, key).seal_once(desk.clock.now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_grows_is_cosigned_and_its_proofs_carry_it() {
    for desk in sealed_desks(1).await {
        let (client, _server) = witnessed(&desk).await;
        more(&desk, "second").await;
        assert_eq!(ask(&desk, &client).await.size, 9);
        let proof = ledger(&desk).proof(3).await.unwrap();
        assert_eq!(proof.checkpoint.checkpoint.head.size, 9);
        assert!(proof.checkpoint.cosigned(witness_key().public()).is_ok());
        assert_eq!(audit(desk.engine.db()).await.fault, None);

        // Until the witness has seen the newest head, proofs lead to the one it has seen, if that reaches far enough.
        more(&desk, "third").await;
        let size = async |index| {
            ledger(&desk)
                .proof(index)
                .await
                .unwrap()
                .checkpoint
                .checkpoint
                .head
                .size
        };
        assert_eq!((size(3).await, size(10).await), (9, 11));
        let again = ask(&desk, &client).await;
        assert_eq!((again.size, ask(&desk, &client).await.trouble), (11, None));
        let lines = ledger(&desk)
            .checkpoint()
            .await
            .unwrap()
            .unwrap()
            .signatures
            .len();
        assert_eq!(lines, 2, "asking twice leaves one cosignature");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_restarts_goes_on_from_what_it_saw_and_we_from_what_it_says() {
    for desk in sealed_desks(1).await {
        let (_, server) = witnessed(&desk).await;
        server.abort();
        assert!(server.await.is_err());
        let folder = desk.fresh.folder.path().join("witness");
        let (url, _server) = start(&folder, vec![log_key().public().clone()]).await;
        // Our own memory of it is lost: it says what it holds.
        tamper(desk.engine.db(), "DELETE FROM witness", vec![]).await;
        more(&desk, "second").await;
        let standing = ask(&desk, &client(&url)).await;
        assert_eq!((standing.size, standing.trouble), (9, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_database_is_noticed() {
    for desk in sealed_desks(1).await {
        let (client, _server) = witnessed(&desk).await;
        for table in [
            "ledger",
            "event",
            "checkpoint",
            "ledger_head",
            "ledger_tile",
            "change",
        ] {
            tamper(
                desk.engine.db(),
                &format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}"),
                vec![],
            )
            .await;
        }
        more(&desk, "later").await;
        assert_eq!(ask(&desk, &client).await.size, 9);
        // The copy from before comes back, and the service does not remember the witness either.
        for table in [
            "ledger",
            "event",
            "checkpoint",
            "ledger_head",
            "ledger_tile",
            "change",
            "witness",
        ] {
            tamper(desk.engine.db(), &format!("DELETE FROM {table}"), vec![]).await;
        }
        for table in ["ledger", "checkpoint", "ledger_head", "ledger_tile", "change"] {
            tamper(
                desk.engine.db(),
                &format!("INSERT INTO {table} SELECT * FROM kept_{table}"),
                vec![],
            )
            .await;
        }
        let overriding = match desk.engine.db().backend() {
            workflow_engine::store::db::Backend::Postgres => "OVERRIDING SYSTEM VALUE",
            workflow_engine::store::db::Backend::Sqlite => "",
        };
        let events = format!("INSERT INTO event {overriding} SELECT * FROM kept_event");
        tamper(desk.engine.db(), &events, vec![]).await;
        assert_eq!(audit(desk.engine.db()).await.fault, None, "in itself it holds");

        let standing = ask(&desk, &client).await;
        let why = standing.trouble.unwrap_or_default();
        assert!(standing.alarm, "{why}");
        assert!(
            why.starts_with("it holds 9 entries, but our ledger has 7: an older copy"),
            "{why}"
        );
        // The witness that is then unreachable takes nothing back.
        let nobody = crate::witnessing::client("http://127.0.0.1:9");
        assert!(ask(&desk, &nobody).await.alarm);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_signed_with_the_log_s_own_key_is_noticed() {
    let (ours, theirs) = (
        sealed_desk(Kind::Sqlite, 1).await.unwrap(),
        sealed_desk(Kind::Sqlite, 1).await.unwrap(),
    );
    let (client, _server) = witnessed(&ours).await;
    // Another history of the same size under the same key: each holds in itself.
    assert_eq!(audit(theirs.engine.db()).await.fault, None);
    let standing = ask(&theirs, &client).await;
    assert!(standing.alarm);
    let why = standing.trouble.unwrap();
    assert!(why.starts_with("it holds another ledger of 7 entries"), "{why}");
    more(&theirs, "longer").await;
    let why = ask(&theirs, &client).await.trouble.unwrap();
    assert!(
        why.starts_with("the 7 entries it holds are not the beginning of ours"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_is_down_or_was_not_told_of_us_is_seen() {
    let desk = sealed_desk(Kind::Sqlite, 1).await.unwrap();
    let standing = ask(&desk, &client("http://127.0.0.1:9")).await;
    assert!(
        !standing.alarm
            && standing
                .trouble
                .unwrap()
                .starts_with("no connection to the witness")
    );
    let (url, _server) = start(&desk.fresh.folder.path().join("w"), vec![]).await;
    let why = ask(&desk, &client(&url)).await.trouble.unwrap();
    assert!(why.contains("give it the verifier key (log.vkey)"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_the_witness_s_own_signature_is_not_kept() {
    struct Liar;
    #[async_trait::async_trait]
    impl Witness for Liar {
        fn key(&self) -> &VerifierKey {
            static KEY: std::sync::OnceLock<VerifierKey> = std::sync::OnceLock::new();
            KEY.get_or_init(|| witness_key().public().clone())
        }
        async fn cosign(
            &self,
            asked: &AddCheckpoint,
        ) -> Result<workflow_engine::ledger::note::Signature, WitnessError> {
            let other = Checkpoint::sign(
                Head {
                    size: 1,
                    root: [1; 32],
                },
                &log_key(),
            );
            assert_eq!(asked.old, 0);
            Ok(other.cosign(&witness_key(), 1_795_392_000))
        }
    }
    let desk = sealed_desk(Kind::Sqlite, 1).await.unwrap();
    let standing = ask(&desk, &Liar).await;
    assert!(
        standing
            .trouble
            .unwrap()
            .starts_with("it answered with no cosignature of its own")
    );
    assert_eq!(
        ledger(&desk)
            .checkpoint()
            .await
            .unwrap()
            .unwrap()
            .signatures
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_witness_answers_with_the_statuses_of_the_specification() {
    let folder = tempfile::tempdir().unwrap();
    let (url, _server) = start(folder.path(), vec![log_key().public().clone()]).await;
    let http = Http::new(Options::default()).unwrap();
    let post = async |body: String| {
        let request = http.client().post(format!("{url}/add-checkpoint")).body(body);
        let answer = http.once("the witness", request).await.unwrap();
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        (
            answer.status.as_u16(),
            answer.headers.get("content-type").cloned(),
            text,
        )
    };
    let note = |size, byte, key: &SigningKey| {
        Checkpoint::sign(
            Head {
                size,
                root: [byte; 32],
            },
            key,
        )
        .to_text()
    };
    let (status, _, line) = post(format!("old 0\n\n{}", note(1, 5, &log_key()))).await;
    assert!(
        status == 200 && line.starts_with("— audit.test/witness "),
        "{line}"
    );
    let (status, kind, size) = post(format!("old 0\n\n{}", note(1, 5, &log_key()))).await;
    assert_eq!((status, size.as_str()), (409, "1\n"));
    assert_eq!(kind.unwrap(), "text/x.tlog.size");
    assert_eq!(post(format!("old 1\n\n{}", note(1, 6, &log_key()))).await.0, 409);
    assert_eq!(post(format!("old 1\n\n{}", note(2, 6, &log_key()))).await.0, 422);
    let stranger = SigningKey::from_seed("governor.test/ledger", KeyKind::Note, &[9; 32]).unwrap();
    assert_eq!(post(format!("old 1\n\n{}", note(2, 6, &stranger))).await.0, 403);
    let elsewhere = SigningKey::from_seed("elsewhere", KeyKind::Note, &[9; 32]).unwrap();
    assert_eq!(post(format!("old 1\n\n{}", note(2, 6, &elsewhere))).await.0, 404);
    assert_eq!(post(format!("old 3\n\n{}", note(2, 6, &log_key()))).await.0, 400);
    assert_eq!(post("hello".to_owned()).await.0, 400);

    let kept = reqwest::get(format!("{url}/checkpoint/governor.test/ledger"))
        .await
        .unwrap();
    let kept = SignedCheckpoint::parse(&kept.text().await.unwrap()).unwrap();
    assert!(kept.cosigned(witness_key().public()).is_ok() && kept.verify(log_key().public()).is_ok());
    // A second witness on the same folder would forget what this one holds.
    assert!(
        Server::open(
            folder.path(),
            witness_key(),
            vec![],
            Arc::new(TestClock::default())
        )
        .is_err()
    );
    // One that cannot read what it held does not begin anew.
    let damaged = tempfile::tempdir().unwrap();
    std::fs::write(damaged.path().join("heads.json"), "{").unwrap();
    let opened = Server::open(
        damaged.path(),
        witness_key(),
        vec![],
        Arc::new(TestClock::default()),
    );
    assert!(
        opened
            .err()
            .unwrap()
            .to_string()
            .contains("a witness that has forgotten protects nobody")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_not_ours_is_never_offered() {
    let desk = sealed_desk(Kind::Sqlite, 1).await.unwrap();
    let stranger = SigningKey::from_seed("governor.test/ledger", KeyKind::Note, &[9; 32]).unwrap();
    let theirs = Ledger::new(desk.engine.db().clone(), stranger.public().clone());
    assert!(
        theirs
            .ask(&client("http://127.0.0.1:9"), desk.clock.now())
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_has_its_heads_cosigned_by_itself_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::defaults().unwrap();
    config.server.data_dir = folder.path().join("data");
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    // The key that the service will find, so that the witness knows it from the start.
    let clock = TestClock::default();
    let key = log_key::in_folder(&config.server.data_dir, &config.ledger.origin, &clock).unwrap();
    let (url, _server) = start(&folder.path().join("witness"), vec![key.public().clone()]).await;
    let vkey = witness_key().public().to_string();
    config.ledger.witnesses = vec![WitnessAt { url, vkey }];
    config.ledger.witness_every_seconds = 1;
    let service = Service::start(Start::new(Arc::new(config))).await.unwrap();
    let tests = Actor::Service("tests".to_owned());
    let catalog = tests::catalog::small();
    service.engine.apply_catalog(&catalog, &tests).await.unwrap();
    service.engine.file(tests::desk::filing("k")).await.unwrap();
    let mut cosigned = None;
    for _ in 0..300 {
        cosigned = service.state.ledger.cosigned(0).await.unwrap();
        if cosigned.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(cosigned.unwrap().cosigned(witness_key().public()).is_ok());
    let ready = reqwest::get(format!("http://{}/health/ready", service.address))
        .await
        .unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready.text().await.unwrap()).unwrap();
    assert_eq!(ready["witnesses"], "in step", "{ready}");
    service.stop().await;
}
