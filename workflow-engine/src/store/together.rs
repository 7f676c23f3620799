//! Writes that wait are carried out together: what arrives while others are being written shares the next statement.
//!
//! Whoever comes alone is served alone and at once; nobody is answered before the commit that holds their write. The work
//! runs in a task of its own, so a caller that goes away takes nothing with it.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::oneshot;

/// What can be written together.
#[async_trait]
pub(crate) trait Batch: Send + Sync + 'static {
    /// One write.
    type Ask: Send + 'static;
    /// What came of it.
    type Answer: Send + 'static;

    /// How many batches may be under way.
    const UNDER_WAY: usize;

    /// Whether `ask` may go along with those `taken` already; what may not waits for the next batch.
    fn goes_with(&self, ask: &Self::Ask, taken: &[Self::Ask]) -> bool;

    /// Writes them; one answer each, in their order.
    async fn carry_out(&self, asks: Vec<Self::Ask>) -> Vec<Self::Answer>;
}

/// Who waits, and how many batches are under way. Clones share it.
pub(crate) struct Together<B: Batch> {
    batch: Arc<B>,
    door: Arc<Mutex<Door<B>>>,
}

struct Door<B: Batch> {
    waiting: VecDeque<Waiting<B>>,
    under_way: usize,
}

struct Waiting<B: Batch> {
    ask: B::Ask,
    reply: oneshot::Sender<B::Answer>,
}

/// The writes of one batch, and who waits for each.
type Taken<B> = (Vec<<B as Batch>::Ask>, Vec<oneshot::Sender<<B as Batch>::Answer>>);

impl<B: Batch> Together<B> {
    pub(crate) fn new(batch: B) -> Self {
        Self {
            batch: Arc::new(batch),
            door: Arc::new(Mutex::new(Door {
                waiting: VecDeque::new(),
                under_way: 0,
            })),
        }
    }

    /// Writes `ask` with whatever waits beside it, and answers after the commit; none when the batch broke down.
    pub(crate) async fn write(&self, ask: B::Ask) -> Option<B::Answer> {
        let (reply, answer) = oneshot::channel();
        let free = {
            let mut door = self.door();
            door.waiting.push_back(Waiting { ask, reply });
            let free = door.under_way < B::UNDER_WAY;
            door.under_way += usize::from(free);
            free
        };
        if free {
            tokio::spawn(self.clone().serve());
        }
        answer.await.ok()
    }

    /// Batch after batch, until nobody waits.
    async fn serve(self) {
        let mut place = Place(Some(self.door.clone()));
        while let Some((asks, replies)) = self.next() {
            let carried = AssertUnwindSafe(self.batch.carry_out(asks)).catch_unwind().await;
            // After a panic the replies are dropped, and everybody is told that their batch broke down.
            for (reply, answer) in replies.into_iter().zip(carried.unwrap_or_default()) {
                // Nobody may wait any more: it is written all the same.
                drop(reply.send(answer));
            }
        }
        // Given up by `next`, in the moment in which nobody waited.
        place.0 = None;
    }

    fn next(&self) -> Option<Taken<B>> {
        let mut door = self.door();
        let (mut asks, mut replies) = (Vec::new(), Vec::new());
        let mut left = VecDeque::new();
        for Waiting { ask, reply } in door.waiting.drain(..) {
            if self.batch.goes_with(&ask, &asks) {
                asks.push(ask);
                replies.push(reply);
            } else {
                left.push_back(Waiting { ask, reply });
            }
        }
        door.waiting = left;
        if asks.is_empty() {
            door.under_way -= 1;
            return None;
        }
        Some((asks, replies))
    }

    fn door(&self) -> MutexGuard<'_, Door<B>> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch under way. When its runtime ends in the middle, whoever comes next may serve.
struct Place<B: Batch>(Option<Arc<Mutex<Door<B>>>>);

impl<B: Batch> Drop for Place<B> {
    fn drop(&mut self) {
        if let Some(door) = &self.0 {
            door.lock().unwrap_or_else(PoisonError::into_inner).under_way -= 1;
        }
    }
}

impl<B: Batch> Clone for Together<B> {
    fn clone(&self) -> Self {
        Self {
            batch: self.batch.clone(),
            door: self.door.clone(),
        }
    }
}

impl<B: Batch> std::fmt::Debug for Together<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Together")
            .field("waiting", &self.door().waiting.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use super::*;

    /// Doubles even numbers, breaks down at 13, never takes odd and even ones together.
    #[derive(Default)]
    struct Doubling {
        batches: AtomicUsize,
    }

    #[async_trait]
    impl Batch for Doubling {
        type Ask = u64;
        type Answer = u64;
        const UNDER_WAY: usize = 1;

        fn goes_with(&self, ask: &u64, taken: &[u64]) -> bool {
            taken.first().is_none_or(|first| first % 2 == ask % 2)
        }

        async fn carry_out(&self, asks: Vec<u64>) -> Vec<u64> {
            self.batches.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert!(!asks.contains(&13), "a number that brings misfortune");
            asks.into_iter().map(|ask| ask * 2).collect()
        }
    }

    #[tokio::test]
    async fn what_arrives_meanwhile_goes_together_and_each_gets_its_own_answer() {
        let together = Together::new(Doubling::default());
        let asked = (0..100).map(|number| {
            let together = together.clone();
            tokio::spawn(async move { (number, together.write(number).await) })
        });
        for one in asked.collect::<Vec<_>>() {
            let (number, answer) = one.await.unwrap();
            let broken = (number % 2 == 1).then_some(None);
            assert_eq!(answer, broken.unwrap_or(Some(number * 2)), "{number}");
        }
        assert!(together.batch.batches.load(Ordering::Relaxed) <= 4);
    }

    #[tokio::test]
    async fn a_batch_that_breaks_down_takes_nobody_else_with_it() {
        let together = Together::new(Doubling::default());
        assert_eq!(together.write(13).await, None);
        assert_eq!(together.write(13).await, None);
        assert_eq!(together.write(15).await, Some(30));
    }

    #[test]
    fn a_runtime_that_ends_in_the_middle_leaves_the_place_to_the_next() {
        let together = Together::new(Doubling::default());
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
        };
        let first = runtime();
        first.block_on(async {
            drop(tokio::time::timeout(Duration::from_millis(1), together.write(2)).await);
        });
        drop(first);
        assert_eq!(runtime().block_on(together.write(4)), Some(8));
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_is_written_all_the_same() {
        let together = Together::new(Doubling::default());
        let impatient = tokio::time::timeout(Duration::from_millis(1), together.write(2)).await;
        assert!(impatient.is_err());
        assert_eq!(together.write(4).await, Some(8));
        assert_eq!(together.batch.batches.load(Ordering::Relaxed), 2);
    }
}
