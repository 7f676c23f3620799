//! Sends commands under keys to random replicas, and keeps what was answered: the log of acknowledgements.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::StatusCode;
use serde_json::Value;

use super::{
    facts::{Answer, Sent},
    random::Dice,
    stage::Stage,
};

/// How long a caller waits for an answer before it counts as lost.
const WAITS: Duration = Duration::from_secs(4);
/// How long a command is repeated before its sender gives up; what came of it is not known then.
const PATIENCE: Duration = Duration::from_secs(60);
/// Problems that pass: the same command is sent again, under the same key.
const PASSING: [&str; 5] = ["conflict", "rate-limited", "stopping", "timeout", "unavailable"];

/// What is asked.
pub struct Ask {
    /// `file`, `vote`, …
    pub what: &'static str,
    /// Who asks.
    pub person: &'static str,
    /// Below `/api/v1/changes`.
    pub path: String,
    /// The body.
    pub body: Value,
}

/// The driver's side of a run; shared by all that send.
pub struct Driver {
    /// What it talks to.
    pub stage: Arc<Stage>,
    /// Set once nothing new is begun any more.
    pub calm: AtomicBool,
    sent: Mutex<Vec<Sent>>,
    next: AtomicU64,
}

impl Driver {
    /// Nothing sent yet.
    #[must_use]
    pub fn new(stage: Arc<Stage>) -> Self {
        Self {
            stage,
            calm: AtomicBool::new(false),
            sent: Mutex::default(),
            next: AtomicU64::new(1),
        }
    }

    /// Everything that was sent and what was answered.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends it until somebody says yes or no: to any replica, sometimes to two at once, sometimes with an answer thrown
    /// away, and sometimes once more after it was answered.
    pub async fn command(&self, dice: &mut Dice, ask: &Ask) -> Answer {
        let key = format!("soak-{}", self.next.fetch_add(1, Ordering::SeqCst));
        let mut answers = Vec::new();
        let decided = tokio::time::timeout(PATIENCE, async {
            loop {
                answers.extend(self.round(dice, ask, &key).await);
                let said = answers
                    .iter()
                    .find(|answer| matches!(answer, Answer::Recorded { .. }));
                if let Some(said) = said.or_else(|| answers.iter().find(|answer| **answer != Answer::Lost)) {
                    return said.clone();
                }
                tokio::time::sleep(Duration::from_millis(dice.between(50, 400))).await;
            }
        })
        .await
        .unwrap_or(Answer::Lost);
        if dice.chance(15) && decided != Answer::Lost {
            answers.push(self.once(dice, ask, &key, WAITS).await);
        }
        let what = ask.what;
        let sent = Sent { key, what, answers };
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sent);
        decided
    }

    async fn round(&self, dice: &mut Dice, ask: &Ask, key: &str) -> Vec<Answer> {
        match dice.below(20) {
            // The same click on two replicas at once.
            0 | 1 => {
                let (mut one, mut other) = (dice.split(), dice.split());
                let both = tokio::join!(
                    self.once(&mut one, ask, key, WAITS),
                    self.once(&mut other, ask, key, WAITS)
                );
                vec![both.0, both.1]
            }
            // The caller goes away while it is being worked on.
            2 => {
                let short = Duration::from_millis(dice.between(1, 25));
                vec![self.once(dice, ask, key, short).await]
            }
            _ => vec![self.once(dice, ask, key, WAITS).await],
        }
    }

    async fn once(&self, dice: &mut Dice, ask: &Ask, key: &str, waits: Duration) -> Answer {
        let base = &dice.pick(&self.stage.replicas).base;
        let request = self
            .stage
            .client
            .post(format!("{base}/api/v1/changes{}", ask.path))
            .bearer_auth(&self.stage.tokens[ask.person])
            .header("idempotency-key", key)
            .json(&ask.body)
            .timeout(waits);
        let Ok(answer) = request.send().await else {
            return Answer::Lost;
        };
        let status = answer.status();
        match answer.json::<Value>().await {
            Ok(body) => read(status, &body),
            Err(_) => Answer::Lost,
        }
    }

    /// The change as some replica shows it; none when that one does not answer.
    pub async fn look(&self, dice: &mut Dice, number: u64) -> Option<Value> {
        let base = &dice.pick(&self.stage.replicas).base;
        let request = self
            .stage
            .client
            .get(format!("{base}/api/v1/changes/{number}"))
            .bearer_auth(&self.stage.tokens["wei"])
            .timeout(WAITS);
        let answer = request.send().await.ok()?;
        let view = answer.status().is_success().then_some(answer)?;
        view.json().await.ok()
    }

    /// Reports one call of `workflow` that `model` has answered.
    pub async fn report_call(&self, dice: &mut Dice, workflow: &str, model: &str) {
        let now = workflow_engine::ports::clock::Clock::now(&self.stage.clock);
        let row = serde_json::json!({
            "record_id": format!("call-{}", self.next.fetch_add(1, Ordering::SeqCst)),
            "started_at": now.to_rfc3339(), "workflow": workflow, "provider": "openai", "route_model": model,
            "response_model": model, "status": "success", "input_tokens": 10, "output_tokens": 3,
        });
        let base = &dice.pick(&self.stage.replicas).base;
        let request = self
            .stage
            .client
            .post(format!("{base}/ingest/calls"))
            .bearer_auth(&self.stage.tokens["calls"])
            .json(&row)
            .timeout(WAITS);
        // A lost report is made up for by the next one.
        drop(request.send().await);
    }
}

/// A change (filing) or an outcome (everything else), a refusal, or a problem that passes.
fn read(status: StatusCode, body: &Value) -> Answer {
    if status.is_success() {
        let events = body["version"]
            .is_number()
            .then(|| serde_json::from_value(body["events"].clone()).ok());
        return match body["number"].as_u64() {
            Some(number) => Answer::Recorded {
                number,
                events: events.flatten(),
            },
            None => Answer::Lost,
        };
    }
    let code = body["type"]
        .as_str()
        .and_then(|kind| kind.rsplit('/').next())
        .unwrap_or_default();
    match code {
        passing if PASSING.contains(&passing) => Answer::Lost,
        "internal" => Answer::Failed(body["detail"].to_string()),
        "" => Answer::Lost,
        code => Answer::Refused(code.to_owned()),
    }
}
