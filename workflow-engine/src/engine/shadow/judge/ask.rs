//! Asking the judge: both orders of each pair, so many at a time, each reply kept at once.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::atomic::Ordering,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use tokio::sync::Mutex;

use super::{
    super::{
        Halt, cost,
        texts::{CHUNK, Pair},
        vault::RunKey,
    },
    Bench, Stop,
};
use crate::{
    ports::model::{Completion, Defect, ModelError},
    shadow::judging::{Order, Says, calibration::Refused, question::Question},
    store::{
        self,
        judging::{Heard, Reply},
    },
    values::{RunId, Usd},
};

/// A pair with the orders that are still to be asked.
struct Task {
    pair: Pair,
    orders: Vec<Order>,
}

impl Bench<'_> {
    /// Asks what is not answered yet about those traces of the key's run.
    pub(super) async fn ask(&self, key: &RunKey, traces: Vec<String>) -> Result<(), Stop> {
        let heard = self.heard(key.run()).await?;
        let missing = |trace: &str| Heard::missing(heard.get(&(key.run().clone(), trace.to_owned())));
        let orders: BTreeMap<String, Vec<Order>> = traces
            .iter()
            .map(|trace| (trace.clone(), missing(trace)))
            .filter(|(_, orders)| !orders.is_empty())
            .collect();
        let open: Vec<String> = traces
            .into_iter()
            .filter(|trace| orders.contains_key(trace))
            .collect();
        for chunk in open.chunks(CHUNK) {
            let plan = &self.run.plan;
            self.tester.wanted(plan.change, plan.revision).await?;
            let pairs = self.tester.vault.pairs_in_words(key, chunk).await?;
            let tasks = pairs.into_iter().filter(|pair| !pair.same()).map(|pair| Task {
                orders: orders[&pair.trace].clone(),
                pair,
            });
            let queue = Mutex::new(tasks.collect::<VecDeque<Task>>());
            let workers: Vec<BoxFuture<'_, Result<(), Stop>>> = (0..plan.concurrency)
                .map(|_| self.worker(key.run(), &queue).boxed())
                .collect();
            for ended in join_all(workers).await {
                ended?;
            }
        }
        Ok(())
    }

    async fn worker(&self, of: &RunId, queue: &Mutex<VecDeque<Task>>) -> Result<(), Stop> {
        loop {
            let Some(task) = queue.lock().await.pop_front() else {
                return Ok(());
            };
            for order in task.orders {
                self.one(of, &task.pair, order).await?;
            }
        }
    }

    /// One question and its reply.
    async fn one(&self, of: &RunId, pair: &Pair, order: Order) -> Result<(), Stop> {
        let answers = [pair.incumbent.as_str(), pair.candidate.as_str()];
        let name = format!("{of} {}", pair.trace);
        let question = Question::of(self.card, &pair.input, answers, (&name, order));
        let reply = self.reply(&question).await?;
        let at = self.tester.engine.clock().now();
        let paid = reply
            .as_ref()
            .and_then(|reply| cost(self.prices, &self.hop, reply, at));
        let paid = paid.unwrap_or_default();
        *self.spent() += paid;
        // What another model says is no verdict of this judge.
        let choice = reply
            .as_ref()
            .filter(|reply| !reply.defects.contains(&Defect::OtherModel))
            .and_then(|reply| question.read(reply));
        self.keep(Reply {
            place: (of.clone(), pair.trace.clone()),
            order: Some(order),
            says: choice.map(|choice| order.means(choice)),
            longer: Says::longer(&pair.incumbent, &pair.candidate),
            attempts: reply.map_or(1, |reply| reply.attempts),
            cost: paid,
        })
        .await
    }

    /// Puts down that both answers of this run's trace are the same text.
    pub(super) async fn same(&self, trace: &str) -> Result<(), Stop> {
        self.keep(Reply {
            place: (self.run.id.clone(), trace.to_owned()),
            order: None,
            says: Some(Says::Tie),
            longer: Says::Tie,
            attempts: 0,
            cost: Usd::ZERO,
        })
        .await
    }

    async fn keep(&self, reply: Reply) -> Result<(), Stop> {
        let (db, at) = (self.tester.engine.db(), self.tester.now_ms());
        store::judging::keep(db, self.judge, reply, (&self.run.id, at)).await?;
        self.kept.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// What the judge replies; none where nothing readable came. What is in flight when the cap is reached is all that
    /// can pass it.
    async fn reply(&self, question: &Question) -> Result<Option<Completion>, Stop> {
        let cap = self.run.plan.spend_cap_usd;
        if self.stop.is_cancelled() {
            return Err(Stop::Halt(Halt::Stopping));
        }
        let Ok(_permit) = self.tester.in_flight.acquire().await else {
            return Err(Stop::Halt(Halt::Stopping));
        };
        if *self.spent() >= cap {
            return Err(Stop::Refused(Refused {
                because: vec![format!(
                    "the test reached its spend cap of {cap} while it was asked"
                )],
                remedy: "File the change again with a higher cap or fewer traces.".to_owned(),
            }));
        }
        match self.model.complete(&self.hop, &question.input).await {
            Ok(reply) => Ok(Some(reply)),
            Err(ModelError::Refused(_) | ModelError::Unreadable(_)) => Ok(None),
            Err(ModelError::Retry { after, why }) => Err(Stop::Halt(Halt::Later { why, after })),
            // The replays are paid for and stand; only the judge's question stays open.
            Err(ModelError::Permanent { why, remedy }) => Err(Stop::Refused(Refused {
                because: vec![why],
                remedy: format!("{remedy}, then file the change again."),
            })),
        }
    }
}
