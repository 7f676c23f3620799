//! Callers that go away at every point where they wait, on both databases.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
};

use tests::{
    db::BOTH,
    desk::desk,
    script::{Courier, SCRIPTS},
};
use workflow_engine::engine::{Engine, HandleError, Outcome, Request, file::Filing};

use super::{plays_as_if_undisturbed, the_ledger_holds};

/// When a caller that has waited often enough goes.
#[derive(Clone, Copy, Debug)]
enum Goes {
    /// While what it waits for is under way.
    AtOnce,
    /// When that has come, before looking at it.
    WhenWoken,
}

/// Polls `future` until it has waited `waits` times, then drops it.
async fn give_up<F: Future>(future: F, waits: usize, goes: Goes) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut waited = 0;
    poll_fn(|context| {
        if waited == waits && matches!(goes, Goes::WhenWoken) {
            return Poll::Ready(None);
        }
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if waited + 1 == waits && matches!(goes, Goes::AtOnce) => Poll::Ready(None),
            Poll::Pending => {
                waited += 1;
                Poll::Pending
            }
        }
    })
    .await
}

/// Sends each command again and again, each time waiting once more before it goes away, until it has an answer.
struct Impatient<'engine> {
    engine: &'engine Engine,
    goes: Goes,
    gone: AtomicUsize,
}

impl Impatient<'_> {
    async fn insist<F: Future<Output = Result<Outcome, HandleError>>>(
        &self,
        once: impl Fn() -> F,
    ) -> Outcome {
        for waits in 1.. {
            match give_up(once(), waits, self.goes).await {
                Some(Ok(outcome)) => return outcome,
                Some(Err(HandleError::Store(_) | HandleError::Busy)) => {}
                Some(Err(error)) => panic!("a command that was right is answered: {error}"),
                None => {
                    self.gone.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        unreachable!("it has an answer by then")
    }
}

impl Courier for Impatient<'_> {
    async fn file(&self, filing: Filing) -> Outcome {
        self.insist(|| self.engine.file(filing.clone())).await
    }

    async fn send(&self, request: Request) -> Outcome {
        self.insist(|| self.engine.handle(request.clone())).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_at_any_await_leaves_one_effect_or_none() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else {
            continue;
        };
        for goes in [Goes::AtOnce, Goes::WhenWoken] {
            let courier = Impatient {
                engine: &desk.engine,
                goes,
                gone: AtomicUsize::new(0),
            };
            for script in SCRIPTS {
                plays_as_if_undisturbed(&desk, &courier, script, &format!("{script:?} {goes:?}")).await;
            }
            let gone = courier.gone.into_inner();
            println!(
                "cancelled on {kind:?}, {goes:?}: {gone} callers went away, every command happened once"
            );
            assert!(gone > 20, "only {gone} callers went away");
        }
        the_ledger_holds(&desk).await;
    }
}
