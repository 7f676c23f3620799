//! SQLite that refuses in the middle of a unit: at every table, with the unit alone or with its whole commit undone.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use tests::{
    db::Kind,
    desk::desk,
    script::{Courier, Insisting, SCRIPTS},
};
use workflow_engine::{
    change::command::Command,
    engine::{Engine, HandleError, Outcome, Request, file::Filing},
    store,
    values::{Actor, PersonId},
};

use super::{plays_as_if_undisturbed, the_ledger_holds};

/// Where a transition writes.
const PLACES: [&str; 6] = [
    "UPDATE ON change",
    "INSERT ON command",
    "INSERT ON event",
    "INSERT ON ledger_pending",
    "INSERT ON job",
    "INSERT ON vote",
];

/// A database that refuses the first try of every command at one place.
struct Tripped<'engine> {
    engine: &'engine Engine,
    beside: &'engine DatabaseConnection,
    trigger: String,
    tripped: std::sync::atomic::AtomicUsize,
}

impl Courier for Tripped<'_> {
    async fn file(&self, filing: Filing) -> Outcome {
        Insisting(self.engine).file(filing).await
    }

    async fn send(&self, request: Request) -> Outcome {
        self.beside.execute_unprepared(&self.trigger).await.unwrap();
        let tripped = self.engine.handle(request.clone()).await;
        self.beside.execute_unprepared("DROP TRIGGER trip").await.unwrap();
        match tripped {
            // It does not write there.
            Ok(outcome) => outcome,
            Err(HandleError::Store(_)) => {
                self.tripped.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Insisting(self.engine).send(request).await
            }
            Err(error) => panic!("a refusal by the database is answered: {error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_fails_at_any_table_is_undone_and_repeated() {
    let desk = desk(Kind::Sqlite).await.unwrap();
    let beside = Database::connect(&desk.fresh.url).await.unwrap();
    for place in PLACES {
        for how in ["ABORT", "ROLLBACK"] {
            let courier = Tripped {
                engine: &desk.engine,
                beside: &beside,
                trigger: format!(
                    "CREATE TRIGGER trip BEFORE {place} BEGIN SELECT RAISE({how}, 'tripped'); END"
                ),
                tripped: 0.into(),
            };
            for script in SCRIPTS {
                plays_as_if_undisturbed(&desk, &courier, script, &format!("{place} {how} {script:?}")).await;
            }
            assert!(courier.tripped.into_inner() > 0, "{place}");
        }
    }
    the_ledger_holds(&desk).await;
}

/// Somebody else writes to the file (a backup, a token) whenever a command comes: it waits, and counts once.
struct Late<'engine> {
    engine: &'engine Engine,
    beside: &'engine DatabaseConnection,
}

impl Courier for Late<'_> {
    async fn file(&self, filing: Filing) -> Outcome {
        Insisting(self.engine).file(filing).await
    }

    async fn send(&self, request: Request) -> Outcome {
        self.beside.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
        let release = async {
            tokio::time::sleep(std::time::Duration::from_millis(15)).await;
            self.beside.execute_unprepared("ROLLBACK").await.unwrap();
        };
        let insisting = Insisting(self.engine);
        tokio::join!(insisting.send(request), release).0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_has_to_wait_answers_late_and_once() {
    let desk = desk(Kind::Sqlite).await.unwrap();
    let one = sea_orm::ConnectOptions::new(&desk.fresh.url)
        .max_connections(1)
        .to_owned();
    let beside = Database::connect(one).await.unwrap();
    let courier = Late {
        engine: &desk.engine,
        beside: &beside,
    };
    for script in SCRIPTS {
        plays_as_if_undisturbed(&desk, &courier, script, &format!("late {script:?}")).await;
    }
    the_ledger_holds(&desk).await;
}

/// Thirty commands share commits with one that breaks them: whoever heard yes is in the rows, whoever did not repeats.
#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_breaks_the_commit_costs_nobody_what_was_acknowledged() {
    let desk = desk(Kind::Sqlite).await.unwrap();
    let beside = Database::connect(&desk.fresh.url).await.unwrap();
    let mut numbers = Vec::new();
    for n in 0..30 {
        numbers.push(desk.file(&format!("f{n}")).await.unwrap().number);
    }
    let comment = |key: String, number| {
        let note = desk.engine.note("the same words");
        Request {
            actor: Actor::Person(PersonId::from("ana")),
            key,
            change: number,
            command: Command::Comment {
                note: note.reference.clone(),
            },
            notes: vec![note],
            completes: None,
        }
    };
    for how in ["ABORT", "FAIL", "ROLLBACK"] {
        let trigger = format!(
            "CREATE TRIGGER trip BEFORE INSERT ON command WHEN NEW.key LIKE 'bad%' BEGIN SELECT RAISE({how}, 'tripped'); END"
        );
        beside.execute_unprepared(&trigger).await.unwrap();
        let mut racing = Vec::new();
        for (n, number) in numbers.iter().enumerate() {
            let key = if n % 10 == 5 {
                format!("bad {how} {n}")
            } else {
                format!("good {how} {n}")
            };
            let (engine, request) = (desk.engine.clone(), comment(key, *number));
            racing.push(tokio::spawn(async move {
                let answer = engine.handle(request.clone()).await;
                (request, answer)
            }));
        }
        let mut answers = Vec::new();
        for task in racing {
            answers.push(task.await.unwrap());
        }
        beside.execute_unprepared("DROP TRIGGER trip").await.unwrap();
        for (request, answer) in answers {
            let kept = store::changes::answered(desk.engine.db(), &request.key)
                .await
                .unwrap();
            if answer.is_ok() {
                assert!(kept.is_some(), "{} was acknowledged and is gone", request.key);
            }
            assert!(answer.is_err() || !request.key.starts_with("bad"));
            let again = Insisting(&desk.engine).send(request.clone()).await;
            assert_eq!(again.repeated, kept.is_some(), "{}", request.key);
        }
    }
    for number in numbers {
        let change = desk.change(number).await;
        let events = store::changes::events(desk.engine.db(), change.id.as_str())
            .await
            .unwrap();
        let said = events.iter().filter(|event| event.kind == "commented").count();
        assert_eq!(said, 3, "one for each way to fail");
    }
    the_ledger_holds(&desk).await;
}
