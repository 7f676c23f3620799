//! The one door on both databases: exactly once, whatever is repeated, lost or raced.

use tests::{
    catalog,
    db::{BOTH, Kind},
    desk::{Desk, approval, desk, filing},
};
use workflow_engine::{
    change::{command::Command, refusal::RefusalCode, state::State},
    engine::{Engine, HandleError, Request, file::Filing},
    store,
    values::{Actor, PersonId},
};

async fn desks() -> Vec<Desk> {
    let mut desks = Vec::new();
    for kind in BOTH {
        desks.extend(desk(kind).await);
    }
    desks
}

fn refused(result: Result<workflow_engine::engine::Outcome, HandleError>) -> RefusalCode {
    match result {
        Err(HandleError::Refused(refusal)) => refusal.code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_from_filing_to_approved_by_three_people() {
    for desk in desks().await {
        let number = desk.file("k1").await.unwrap().number;
        let change = desk.to_review(number).await;
        assert_eq!(change.state, State::AwaitingApproval);
        desk.approve("ana", &change).await.unwrap();
        desk.approve("priya", &change).await.unwrap();
        let outcome = desk.approve("tomas", &change).await.unwrap();
        assert_eq!(outcome.state, State::Approved);
        let events = store::changes::events(desk.engine.db(), outcome.change.as_str())
            .await
            .unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(
            kinds,
            [
                "filed",
                "submitted",
                "admitted",
                "plan_frozen",
                "evidence_submitted",
                "packet_sealed",
                "vote_cast",
                "vote_cast",
                "vote_cast",
                "approved"
            ]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_answers_the_same_and_records_once() {
    for desk in desks().await {
        let first = desk.file("same").await.unwrap();
        let again = desk.file("same").await.unwrap();
        assert_eq!((again.number, again.repeated), (first.number, true));
        let change = desk.to_review(first.number).await;
        let ana = Actor::Person(PersonId::from("ana"));
        let vote = || desk.send(ana.clone(), "click-1", change.number, approval(&change));
        let recorded = vote().await.unwrap();
        let repeated = vote().await.unwrap();
        assert_eq!((repeated.version, repeated.repeated), (recorded.version, true));
        let other = desk.send(ana, "click-1", change.number, Command::Withdraw).await;
        assert!(matches!(other, Err(HandleError::KeyReused(_))), "{other:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_the_answer_to_every_late_copy() {
    for desk in desks().await {
        let draft = Filing {
            candidate: "gpt-4o-0513".to_owned(),
            submit: false,
            ..filing("draft")
        };
        let number = desk.engine.file(draft).await.unwrap().number;
        let maya = Actor::Person(PersonId::from("maya"));
        let click = |key| desk.send(maya.clone(), key, number, Command::Submit);
        assert_eq!(refused(click("first").await), RefusalCode::NoChange);
        // What was refused becomes possible, and only whoever asks anew gets it.
        let other = desk.engine.proposal(&filing("other")).await.unwrap();
        desk.person("maya", number, Command::Edit(other)).await.unwrap();
        let before = desk.change(number).await;
        assert_eq!(refused(click("first").await), RefusalCode::NoChange);
        assert_eq!(desk.change(number).await, before);
        let reused = desk.send(maya.clone(), "first", number, Command::Withdraw).await;
        assert!(matches!(reused, Err(HandleError::KeyReused(_))), "{reused:?}");
        assert_eq!(click("second").await.unwrap().state, State::Submitted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_repeats_of_one_click_count_once() {
    for desk in desks().await {
        let number = desk.file("k").await.unwrap().number;
        let change = desk.to_review(number).await;
        let mut racing = Vec::new();
        for _ in 0..12 {
            let engine = desk.engine.clone();
            let command = approval(&change);
            racing.push(tokio::spawn(async move {
                engine
                    .handle(workflow_engine::engine::Request {
                        actor: Actor::Person(PersonId::from("ana")),
                        key: "one click".to_owned(),
                        change: number,
                        command,
                        notes: Vec::new(),
                        completes: None,
                    })
                    .await
            }));
        }
        let mut fresh = 0;
        for task in racing {
            fresh += u32::from(!task.await.unwrap().unwrap().repeated);
        }
        assert_eq!(fresh, 1);
        let votes = desk
            .change(number)
            .await
            .slots
            .iter()
            .map(|slot| slot.votes.len())
            .sum::<usize>();
        assert_eq!(votes, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_approvers_at_the_same_moment_both_count() {
    for desk in desks().await {
        let number = desk.file("k").await.unwrap().number;
        let change = desk.to_review(number).await;
        let (ana, priya, tomas) = tokio::join!(
            desk.approve("ana", &change),
            desk.approve("priya", &change),
            desk.approve("tomas", &change)
        );
        ana.unwrap();
        priya.unwrap();
        tomas.unwrap();
        assert_eq!(desk.change(number).await.state, State::Approved);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_decides_on_their_own_request_or_fills_two_slots() {
    for desk in desks().await {
        let number = desk.file("k").await.unwrap().number;
        let change = desk.to_review(number).await;
        assert_eq!(
            refused(desk.approve("maya", &change).await),
            RefusalCode::OwnRequest
        );
        assert_eq!(
            refused(desk.approve("noor", &change).await),
            RefusalCode::NotEligible
        );
        desk.approve("ana", &change).await.unwrap();
        assert_eq!(
            refused(desk.approve("ana", &change).await),
            RefusalCode::OneSlotEach
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_on_one_database_record_each_command_once() {
    let Some(desk) = desk(Kind::Postgres).await else {
        return;
    };
    let other = Engine::new(
        store::db::Db::open(&desk.fresh.url, 8).await.unwrap(),
        std::sync::Arc::new(desk.clock.clone()),
    );
    let number = desk.file("k").await.unwrap().number;
    let again = other.file(filing("k")).await.unwrap();
    assert_eq!((again.number, again.repeated), (number, true));
    let change = desk.to_review(number).await;
    let request = |who: &str, key: &str| Request {
        actor: Actor::Person(PersonId::from(who)),
        key: key.to_owned(),
        change: number,
        command: approval(&change),
        notes: Vec::new(),
        completes: None,
    };
    let (here, there) = tokio::join!(
        desk.engine.handle(request("tomas", "same click")),
        other.handle(request("tomas", "same click"))
    );
    assert_ne!(here.unwrap().repeated, there.unwrap().repeated);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_replica_remembers_does_not_hide_what_others_did() {
    for desk in desks().await {
        let other = Engine::new(desk.engine.db().clone(), desk.engine.clock().clone());
        let number = desk.file("k").await.unwrap().number;
        let change = desk.to_review(number).await;
        let vote = |person: &str| Request {
            actor: Actor::Person(PersonId::from(person)),
            key: format!("vote of {person}"),
            change: number,
            command: approval(&change),
            notes: Vec::new(),
            completes: None,
        };
        let first = desk.engine.handle(vote("tomas")).await.unwrap();
        let second = other.handle(vote("priya")).await.unwrap();
        assert_eq!(second.version, first.version + 1);
        // The other replica remembers a company in which Ana still decides.
        let mut company = catalog::small();
        let ana = company
            .people
            .iter_mut()
            .find(|person| person.id.as_str() == "ana");
        ana.unwrap().inactive = true;
        let tests = Actor::Service("tests".to_owned());
        desk.engine.apply_catalog(&company, &tests).await.unwrap();
        assert_eq!(refused(other.handle(vote("ana")).await), RefusalCode::NotEligible);
        // This one remembers a change that lacks Priya's vote.
        let withdrawn = desk.person("maya", number, Command::Withdraw).await;
        assert_eq!(withdrawn.unwrap().version, second.version + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_sqlite_file_is_refused_by_name() {
    let Some(desk) = desk(Kind::Sqlite).await else {
        return;
    };
    let error = store::db::Db::open(&desk.fresh.url, 2)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("another governor uses") && error.contains("governor.db"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_can_be_neither_changed_nor_deleted() {
    use sea_orm::ConnectionTrait;
    for desk in desks().await {
        desk.file("k").await.unwrap();
        for sql in ["UPDATE event SET kind = 'x'", "DELETE FROM event"] {
            let error = desk
                .engine
                .db()
                .for_migrations()
                .execute_unprepared(sql)
                .await
                .unwrap_err();
            assert!(error.to_string().contains("append-only"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_changes_that_reach_the_gateway_at_the_same_moment_have_generations_of_their_own() {
    for desk in desks().await {
        let mut approved = Vec::new();
        for key in ["k1", "k2"] {
            let number = desk.file(key).await.unwrap().number;
            let change = desk.to_review(number).await;
            for person in ["ana", "priya", "tomas"] {
                desk.approve(person, &change).await.unwrap();
            }
            approved.push(number);
        }
        let apply = |number| desk.service(number, Command::Apply { by_hand: false });
        let (one, other) = tokio::join!(apply(approved[0]), apply(approved[1]));
        one.unwrap();
        other.unwrap();
        let generation = async |number| desk.change(number).await.application.unwrap().generation;
        assert_ne!(generation(approved[0]).await, generation(approved[1]).await);

        // And the gateway gets them one after the other.
        let wanted = store::queue::Wanted {
            kinds: vec!["apply_route".to_owned()],
            definitions: desk.engine.definitions().range(),
        };
        let now = workflow_engine::ports::clock::Clock::now(&desk.clock).timestamp_millis();
        let claimed = store::claims::claim(desk.engine.db(), &wanted, 9, now, 30_000)
            .await
            .unwrap();
        assert_eq!(claimed.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_was_claimed_by_a_clock_that_ran_ahead_is_kept_for_its_time() {
    use bot::jobs::timers::Timers;
    use workflow_engine::engine::jobs::{Handler as _, JobError};
    for desk in desks().await {
        let number = desk.file("k").await.unwrap().number;
        desk.to_review(number).await;
        desk.clock.advance(chrono::Duration::hours(73));
        let wanted = store::queue::Wanted {
            kinds: vec!["expire".to_owned()],
            definitions: desk.engine.definitions().range(),
        };
        let now = workflow_engine::ports::clock::Clock::now(&desk.clock).timestamp_millis();
        let job = store::claims::claim(desk.engine.db(), &wanted, 1, now, 30_000)
            .await
            .unwrap()
            .remove(0);
        desk.clock.advance(-chrono::Duration::hours(3));
        let timers = Timers::new(desk.engine.clone());
        let early = timers
            .run(&job, &tokio_util::sync::CancellationToken::new())
            .await;
        let Err(JobError::NotYet { after, .. }) = early else {
            panic!("{early:?}")
        };
        assert_eq!(after, std::time::Duration::from_secs(2 * 3_600));
        desk.clock.advance(chrono::Duration::hours(3));
        timers
            .run(&job, &tokio_util::sync::CancellationToken::new())
            .await
            .unwrap();
        assert_eq!(desk.change(number).await.state, State::Expired);
    }
}
