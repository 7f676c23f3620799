//! Faults under the real engine: whatever is cut, lost, late or cancelled, each command happens once.
//!
//! Nothing in the product knows of these faults. On PostgreSQL a proxy breaks the network (`tests/harness/proxy.rs`); on
//! SQLite a trigger makes the database itself refuse; on both the caller goes away at every point where it waits.

mod cancelled;
mod cut;
mod dup;
mod poison;
mod refused;
mod storm;

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use tests::{
    desk::Desk,
    script::{Courier, Played, Script, Traces, play},
};
use workflow_engine::ports::clock::Clock;

use crate::sealing::{audit, sealer};

/// More of everything than the normal run can wait for.
fn long() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are configured by the environment"
    )]
    std::env::var("GOVERNOR_LONG").is_ok()
}

/// Polls at most so often, then goes away.
pub(crate) async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// What `script` leaves when nothing disturbs it.
async fn undisturbed(desk: &Desk, script: Script) -> Traces {
    let tag = format!("clean {script:?} {}", desk.clock.new_id());
    let played = play(desk, &tests::script::Insisting(&desk.engine), script, &tag).await;
    let traces = played.traces(desk).await;
    assert_eq!(desk.change(played.number).await.state, script.end());
    traces
}

/// Plays `script` through `courier` and demands the traces of an undisturbed one, and the same answers again.
async fn plays_as_if_undisturbed(desk: &Desk, courier: &impl Courier, script: Script, tag: &str) {
    let expected = undisturbed(desk, script).await;
    let played: Played = play(desk, courier, script, tag).await;
    assert_eq!(played.traces(desk).await, expected, "{tag}");
    played.repeats_answer_the_same(&desk.engine).await;
}

/// Everything is sealed, and the whole ledger verifies.
async fn the_ledger_holds(desk: &Desk) {
    let sealer = sealer(desk, "one");
    while sealer.seal_once(desk.clock.now()).await.unwrap().to > 0 {}
    let report = audit(desk.engine.db()).await;
    assert_eq!(report.fault, None);
}
