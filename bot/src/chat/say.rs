//! Telling one person what came of what they did, and what a failure of the platform means for a job.

use workflow_engine::{
    engine::{HandleError, jobs::JobError},
    ports::chat::{Card, ChatError, Interaction, Place, Text, Tone},
};

use super::Chat;

/// A failure of the platform as a failure of the job that met it.
#[must_use]
pub fn trouble(error: &ChatError) -> JobError {
    match error {
        ChatError::Retry { after, .. } => JobError::Retry {
            why: error.to_string(),
            after: *after,
        },
        _ => JobError::permanent(error),
    }
}

/// What a person is told when the door did not do it; `Err` when it has to be tried again.
pub(super) fn refused(error: HandleError) -> Result<String, JobError> {
    match error {
        HandleError::Refused(refusal) => Ok(refusal.message),
        HandleError::NotFound(number) => Ok(format!(
            "There is no route change {number}. `list` shows the newest ones."
        )),
        HandleError::Invalid(why) => Ok(format!("{}.", capital(&why))),
        HandleError::KeyReused(_) | HandleError::ClaimLost => {
            Ok("This was taken up already; nothing new was recorded.".to_owned())
        }
        error @ (HandleError::Busy | HandleError::Store(_)) => Err(JobError::retry(error)),
    }
}

/// The sentence with its first letter large.
pub(super) fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl Chat {
    /// Whispers to whoever acted, where they acted; where no whisper can be, as a direct message.
    pub(super) async fn tell(&self, interaction: &Interaction, words: &str) -> Result<(), JobError> {
        self.whisper(interaction.place.as_ref(), &interaction.user, &Text::from(words))
            .await
    }

    /// The same with emphasis and links.
    pub(super) async fn whisper(
        &self,
        place: Option<&Place>,
        user: &str,
        text: &Text,
    ) -> Result<(), JobError> {
        if let Some(place) = place.filter(|place| !place.channel.starts_with('D')) {
            match self.platform.whisper(place, user, text).await {
                Ok(()) => return Ok(()),
                Err(error @ ChatError::Retry { .. }) => return Err(trouble(&error)),
                Err(error) => tracing::info!(%error, "a whisper goes as a direct message instead"),
            }
        }
        let (to, card) = (Place::channel(user), Card::line(Tone::Progress, text.clone()));
        self.platform.turn(&to).await.map_err(|error| trouble(&error))?;
        match self.platform.post(&to, &card, "whisper").await {
            Ok(_) => Ok(()),
            Err(error @ ChatError::Retry { .. }) => Err(trouble(&error)),
            // Nobody is left to be told; what they did is recorded all the same.
            Err(error) => {
                tracing::warn!(%error, "a person could not be told what came of their act");
                Ok(())
            }
        }
    }
}
