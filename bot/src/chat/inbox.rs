//! The way in: stored before it is acknowledged, taken up by a job, and a form's sender waits a moment for its answer.

use std::{collections::BTreeMap, sync::PoisonError, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::{sync::oneshot, time::timeout};
use workflow_engine::{
    engine::jobs::JobError,
    ports::chat::{Answer, Interaction, InteractionSink, Kind, NotTaken},
    store::{
        self,
        inbox::{Delivery, Stored},
    },
};

use super::Chat;

/// How long the sender of a form looks at it while it is worked on. Slack gives up after three seconds.
const A_MOMENT: Duration = Duration::from_millis(900);

/// An answer as the inbox keeps it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Taken,
    FormErrors(BTreeMap<String, String>),
}

impl From<Answer> for Kept {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Taken => Self::Taken,
            Answer::FormErrors(errors) => Self::FormErrors(errors),
        }
    }
}

impl From<Kept> for Answer {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Taken => Self::Taken,
            Kept::FormErrors(errors) => Self::FormErrors(errors),
        }
    }
}

#[async_trait]
impl InteractionSink for Chat {
    async fn accept(&self, interaction: Interaction) -> Result<Answer, NotTaken> {
        let not_taken = |error: &dyn std::fmt::Display| NotTaken(error.to_string());
        let body = serde_json::to_string(&interaction).map_err(|error| not_taken(&error))?;
        let answer = matches!(interaction.kind, Kind::FormSubmitted { .. })
            .then(|| self.wait_for(&interaction.delivery));
        let clock = self.engine.clock();
        let delivery = Delivery {
            platform: interaction.platform.clone(),
            delivery: interaction.delivery.clone(),
            body,
            at: clock.now().timestamp_millis(),
            job: clock.new_id().to_string(),
        };
        let stored = store::inbox::insert(self.engine.db(), delivery).await;
        match stored.map_err(|error| not_taken(&error))? {
            Stored::New(_) => self.engine.wake().notify_waiters(),
            Stored::Known(_, Some(outcome)) => return Ok(answer_of(&outcome)),
            Stored::Known(_, None) => {}
        }
        let Some(answer) = answer else {
            return Ok(Answer::Taken);
        };
        let answered = timeout(A_MOMENT, answer).await;
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&interaction.delivery);
        // Whatever comes later is whispered: the form is closed by then.
        Ok(answered.ok().and_then(Result::ok).unwrap_or(Answer::Taken))
    }
}

fn answer_of(outcome: &str) -> Answer {
    serde_json::from_str::<Kept>(outcome).map_or(Answer::Taken, Answer::from)
}

impl Chat {
    fn wait_for(&self, delivery: &str) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(delivery.to_owned(), sender);
        receiver
    }

    /// Takes up the delivery at `seq`, unless that was done before.
    ///
    /// # Errors
    /// When it has to be tried again.
    pub async fn take_up(&self, seq: i64) -> Result<(), JobError> {
        let Some(body) = store::inbox::waiting(self.engine.db(), seq).await? else {
            return Ok(());
        };
        let interaction: Interaction = serde_json::from_str(&body).map_err(JobError::permanent)?;
        let answer = self.take(&interaction).await?;
        let sender = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.remove(&interaction.delivery)
        };
        let told = sender.is_some_and(|sender| sender.send(answer.clone()).is_ok());
        if let (Answer::FormErrors(errors), false) = (&answer, told) {
            let words: Vec<&str> = errors.values().map(String::as_str).collect();
            self.tell(
                &interaction,
                &format!("Nothing was recorded: {}", words.join(" ")),
            )
            .await?;
        }
        let kept = serde_json::to_string(&Kept::from(answer)).map_err(JobError::permanent)?;
        let now = self.engine.clock().now().timestamp_millis();
        store::inbox::handled(self.engine.db(), seq, now, &kept).await?;
        Ok(())
    }
}
