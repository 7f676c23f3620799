//! `/events`: tells open pages that a change has moved. Numbers only; the page fetches what it may see.

use std::{collections::HashMap, convert::Infallible, time::Duration};

use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use workflow_engine::{engine::Changed, store};

use super::{console::shell::Visitor, problem::Problem, state::AppState};

/// Other replicas' moves are seen by looking, as is the progress of tests.
const LOOK_EVERY: Duration = Duration::from_millis(1_000);
/// Comments that keep proxies from closing a quiet stream.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events looked at in one go.
const BATCH: u64 = 100;

/// Where to begin, for clients that cannot send `Last-Event-ID`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Begin {
    after: Option<i64>,
}

/// `GET /events`. Begins after `Last-Event-ID` (or `?after=`), else now; a client that was away misses nothing.
pub(super) async fn stream(
    State(state): State<AppState>,
    _visitor: Visitor,
    Query(begin): Query<Begin>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    let seq = match last.or(begin.after) {
        Some(seq) => seq,
        None => newest(&state).await?,
    };
    let watch = Watch {
        moved: state.engine.changes(),
        state,
        seq,
        progress: HashMap::new(),
        ready: Vec::new(),
    };
    let events = stream::unfold(watch, |mut watch| async move {
        let closing = watch.state.closing.clone();
        tokio::select! {
            event = watch.next() => Some((Ok(event), watch)),
            // The page asks again, and reaches whoever serves then.
            () = closing.cancelled() => None,
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("still here")))
}

async fn newest(state: &AppState) -> Result<i64, Problem> {
    let events = store::views::newest_events(state.db(), None, 1).await?;
    Ok(events.first().map_or(0, |event| event.seq))
}

/// One open page.
struct Watch {
    state: AppState,
    moved: Receiver<Changed>,
    /// The last event that was told.
    seq: i64,
    /// How far each running test was when it was last told.
    progress: HashMap<u64, i32>,
    ready: Vec<Event>,
}

impl Watch {
    async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.ready.pop() {
                return event;
            }
            // A database that does not answer now is asked again a moment later.
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "live updates wait for the database");
            }
            if self.ready.is_empty() {
                self.wait().await;
            }
        }
    }

    /// Waits until something moves here, or it is time to look for what moved elsewhere.
    async fn wait(&mut self) {
        let moved = tokio::time::timeout(LOOK_EVERY, self.moved.recv()).await;
        if matches!(moved, Ok(Err(RecvError::Closed))) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&mut self) -> Result<(), workflow_engine::store::error::StoreError> {
        let events = store::changes::events_after(self.state.db(), self.seq, BATCH).await?;
        let ids = events.iter().map(|event| event.change_id.clone()).collect();
        let numbers = store::views::numbers(self.state.db(), ids).await?;
        for event in events {
            self.seq = self.seq.max(event.seq);
            if let Some(number) = numbers.get(&event.change_id) {
                let data = serde_json::json!({ "number": number, "kind": event.kind, "seq": event.seq });
                self.ready.push(
                    Event::default()
                        .event("change")
                        .id(event.seq.to_string())
                        .data(data.to_string()),
                );
            }
        }
        for (number, done, total) in store::views::running_tests(self.state.db()).await? {
            if self.progress.insert(number, done) != Some(done) {
                let data = serde_json::json!({ "number": number, "done": done, "total": total });
                self.ready
                    .push(Event::default().event("progress").data(data.to_string()));
            }
        }
        self.ready.reverse();
        Ok(())
    }
}
