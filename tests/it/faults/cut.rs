//! PostgreSQL behind a network that breaks at every statement: before the server hears it, after it did it, or late.

use std::{sync::Arc, time::Duration};

use bot::jobs::timers::Timers;
use sea_orm::{ConnectionTrait, Statement};
use tests::{
    db::{Kind, leases_run_out},
    desk::{Desk, desk},
    proxy::{Fault, Proxy},
    script::{Insisting, SCRIPTS, play},
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::state::State,
    engine::{Engine, jobs::Runner},
    store::{self, db::Db},
};

use super::{long, the_ledger_holds, undisturbed};

/// Enough for some that stay out of the pool, as in the product.
const CONNECTIONS: u32 = 8;

/// How many statements lie between two that are broken: none in the long form.
fn stride() -> usize {
    if long() { 1 } else { 17 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_at_any_statement_changes_nothing() {
    let Some(desk) = desk(Kind::Postgres).await else {
        return;
    };
    let proxy = Proxy::start(&desk.fresh.url).await;
    let db = Db::open(&proxy.url, CONNECTIONS).await.unwrap();
    let engine = Engine::new(db, Arc::new(desk.clock.clone()));
    let late = Fault::Late(Duration::from_millis(20));
    let mut plays = 0;
    for script in SCRIPTS {
        let expected = undisturbed(&desk, script).await;
        for (first, fault) in [Fault::AnswerLost, Fault::BeforeSend, late]
            .into_iter()
            .enumerate()
        {
            for round in (first * 5..).step_by(stride()) {
                let tag = format!("{script:?} {fault:?} {round}");
                proxy.arm(round, fault);
                let played = play(&desk, &Insisting(&engine), script, &tag).await;
                let never_came = proxy.disarm();
                assert_eq!(played.traces(&desk).await, expected, "{tag}");
                played.repeats_answer_the_same(&engine).await;
                plays += 1;
                if never_came {
                    break;
                }
            }
        }
    }
    println!(
        "faults at the network: {plays} requests from filing to their end, each with another statement broken"
    );
    the_ledger_holds(&desk).await;
}

/// Claims whose answer is lost, and results that are: the lease brings the job back, and it counts once.
#[tokio::test(flavor = "multi_thread")]
async fn timers_behind_a_breaking_network_fire_once() {
    let Some(desk) = desk(Kind::Postgres).await else {
        return;
    };
    let proxy = Proxy::start(&desk.fresh.url).await;
    let db = Db::open(&proxy.url, CONNECTIONS).await.unwrap();
    let engine = Engine::new(db, Arc::new(desk.clock.clone()));
    let runner = Runner::new(engine.clone(), vec![Arc::new(Timers::new(engine.clone()))]);
    let mut plays = 0;
    for fault in [Fault::AnswerLost, Fault::BeforeSend] {
        for round in (0..).step_by(stride()) {
            let number = desk.file(&format!("{fault:?} {round}")).await.unwrap().number;
            desk.to_review(number).await;
            desk.clock.advance(chrono::Duration::hours(73));
            proxy.arm(round, fault);
            until_no_timer_waits(&desk, &runner).await;
            let change = desk.change(number).await;
            assert_eq!(change.state, State::Expired, "{fault:?} at {round}");
            let events = store::changes::events(desk.engine.db(), change.id.as_str())
                .await
                .unwrap();
            let expired = events.iter().filter(|event| event.kind == "expired").count();
            assert_eq!(expired, 1, "{fault:?} at {round}");
            plays += 1;
            if proxy.disarm() {
                break;
            }
        }
    }
    println!("faults at the network: {plays} deadlines, each with another statement of its jobs broken");
    the_ledger_holds(&desk).await;
}

/// Steps the runner by hand; between two steps every lease runs out and more time goes by than a back-off lasts.
async fn until_no_timer_waits(desk: &Desk, runner: &Runner) {
    for _ in 0..40 {
        // A step that the network broke is made up for by the next one.
        drop(runner.step(&CancellationToken::new()).await);
        runner.settle().await;
        if timers(desk).await == 0 {
            return;
        }
        leases_run_out(desk.engine.db()).await;
        desk.clock.advance(chrono::Duration::minutes(6));
    }
    panic!("a timer was never done");
}

/// How many timers are not done.
async fn timers(desk: &Desk) -> i64 {
    let db = desk.engine.db().reads();
    let sql =
        "SELECT count(*) AS n FROM job WHERE done_at IS NULL AND kind IN ('remind', 'escalate', 'expire')";
    let counted = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(counted).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}
