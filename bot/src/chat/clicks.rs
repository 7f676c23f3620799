//! A clicked button: checked against what its card showed, then a command or a form.

use workflow_engine::{
    change::{
        command::{Ballot, Command, Grade},
        state::Change,
    },
    engine::{HandleError, Note, Outcome, Request, jobs::JobError},
    ports::chat::{ChatError, Form, Interaction, Text},
    store,
    values::{Actor, ChangeNumber, PersonId},
};

use super::{
    Chat,
    button::Shown,
    forms::{Context, note_of},
    say::refused,
};
use crate::cards::forms as card_forms;

impl Chat {
    pub(super) async fn click(
        &self,
        interaction: &Interaction,
        person: &PersonId,
        action: &str,
        value: &str,
    ) -> Result<(), JobError> {
        if action == "file" {
            return self.ask_what_to_file(interaction, None).await;
        }
        let Some((shown, change)) = self.shown(interaction, value).await? else {
            return Ok(());
        };
        if action == "again" {
            return self.ask_what_to_file(interaction, Some(&change)).await;
        }
        if let Some(words) = self.what_changed(&shown, &change).await? {
            return self.tell(interaction, &words).await;
        }
        let number = change.number.to_string();
        let context = Context::of(value, interaction).to_string();
        let form = match action {
            "approve" => return self.approve(interaction, person, &change).await,
            "pause_test" => return self.steer(interaction, person, &change, Command::PauseTest).await,
            "resume_test" => {
                return self
                    .steer(interaction, person, &change, Command::ResumeTest)
                    .await;
            }
            "approve_if" => card_forms::approve_if(&number, &context),
            "concern" => card_forms::concern(&number, &context),
            "deny" => card_forms::deny(&number, &context),
            "withdraw" => card_forms::withdraw(&number, &context),
            "revoke" => card_forms::revoke(&number, &context),
            _ => {
                return self
                    .tell(
                        interaction,
                        "This button is of an older version. The card's newest buttons work.",
                    )
                    .await;
            }
        };
        self.open(interaction, &form).await
    }

    /// What the button's card showed, and the change as it is now; none when the person was told why not.
    pub(super) async fn shown(
        &self,
        interaction: &Interaction,
        value: &str,
    ) -> Result<Option<(Shown, Change)>, JobError> {
        let Some(shown) = self.settings.key.read(value) else {
            self.tell(
                interaction,
                "This button was not made by this installation, so nothing was recorded.",
            )
            .await?;
            return Ok(None);
        };
        let loaded = store::changes::by_number(self.engine.db(), shown.number).await?;
        match loaded {
            Some(loaded) => Ok(Some((shown, loaded.change))),
            None => {
                self.tell(
                    interaction,
                    &format!("There is no route change {}.", shown.number),
                )
                .await?;
                Ok(None)
            }
        }
    }

    async fn approve(
        &self,
        interaction: &Interaction,
        person: &PersonId,
        change: &Change,
    ) -> Result<(), JobError> {
        let sent = self
            .vote(&interaction.delivery, person, change, (Grade::Approve, None))
            .await;
        self.answer(interaction, sent).await
    }

    /// Stops the test for the moment, or lets it go on.
    async fn steer(
        &self,
        interaction: &Interaction,
        person: &PersonId,
        change: &Change,
        command: Command,
    ) -> Result<(), JobError> {
        let sent = self
            .send(&interaction.delivery, person, change, (command, None))
            .await;
        self.answer(interaction, sent).await
    }

    /// A vote on what `change` shows, under the delivery's key: twice the same click is one vote.
    pub(super) async fn vote(
        &self,
        delivery: &str,
        person: &PersonId,
        change: &Change,
        (grade, note): (Grade, Option<Note>),
    ) -> Result<Outcome, HandleError> {
        let ballot = Ballot {
            role: None,
            revision: change.revision,
            // Without a packet there is nothing to vote on, and the machine says so.
            packet: change.packet.unwrap_or(workflow_engine::values::Digest([0; 32])),
            grade,
            note: note.as_ref().map(|note| note.reference.clone()),
        };
        self.send(delivery, person, change, (Command::Vote(ballot), note))
            .await
    }

    /// A command of `person` to `change`, under the delivery's key.
    pub(super) async fn send(
        &self,
        delivery: &str,
        person: &PersonId,
        change: &Change,
        (command, note): (Command, Option<Note>),
    ) -> Result<Outcome, HandleError> {
        let request = Request {
            actor: Actor::Person(person.clone()),
            key: format!("{}:{delivery}", self.platform.name()),
            change: change.number,
            command,
            notes: note.into_iter().collect(),
            completes: None,
        };
        self.engine.handle(request).await
    }

    /// Whispers why nothing happened. What did happen is said in the thread and on the card, with its ledger number.
    pub(super) async fn answer(
        &self,
        interaction: &Interaction,
        sent: Result<Outcome, HandleError>,
    ) -> Result<(), JobError> {
        match sent {
            Ok(_) => Ok(()),
            Err(error) => {
                let words = refused(error)?;
                self.tell(interaction, &words).await
            }
        }
    }

    pub(super) async fn ask_what_to_file(
        &self,
        interaction: &Interaction,
        before: Option<&Change>,
    ) -> Result<(), JobError> {
        let (_, catalog) = self.engine.catalog().await?;
        if catalog.workflows.is_empty() {
            let words = "The catalog names no workflow yet. A platform engineer can apply one with `governor catalog apply`.";
            return self.tell(interaction, words).await;
        }
        let mut context = Context::of("", interaction);
        context.cites = before.map(|change| change.number.0);
        let form = card_forms::file(
            &catalog,
            before.map(|change| change.workflow.as_str()),
            &context.to_string(),
        );
        self.open(interaction, &form).await
    }

    pub(super) async fn open(&self, interaction: &Interaction, form: &Form) -> Result<(), JobError> {
        let late = "The form could not be opened in time. Nothing was recorded; try once more.";
        let Some(trigger) = &interaction.trigger else {
            return self.tell(interaction, late).await;
        };
        match self.platform.open_form(trigger, form).await {
            Ok(()) => Ok(()),
            Err(ChatError::Permanent { code, remedy }) => {
                tracing::error!(code, remedy, form = form.id, "a form was refused");
                self.tell(
                    interaction,
                    "The form could not be opened; the same can be done in the console.",
                )
                .await
            }
            // A trigger lives for three seconds: trying again later would open nothing.
            Err(_) => self.tell(interaction, late).await,
        }
    }
}

/// What commands of `crate::commands` need of the conversation.
impl Chat {
    /// A vote that was typed: on what the change shows now.
    pub(crate) async fn cast(
        &self,
        interaction: &Interaction,
        person: &PersonId,
        change: &Change,
        (grade, words): (Grade, &str),
    ) -> Result<(), JobError> {
        let note = note_of(self, words);
        let sent = self
            .vote(&interaction.delivery, person, change, (grade, note))
            .await;
        self.answer(interaction, sent).await
    }

    /// A command that was typed.
    pub(crate) async fn command(
        &self,
        interaction: &Interaction,
        person: &PersonId,
        change: &Change,
        (command, note): (Command, Option<Note>),
    ) -> Result<(), JobError> {
        let sent = self
            .send(&interaction.delivery, person, change, (command, note))
            .await;
        self.answer(interaction, sent).await
    }

    /// Opens the form that files a change.
    pub(crate) async fn file_form(&self, interaction: &Interaction) -> Result<(), JobError> {
        self.ask_what_to_file(interaction, None).await
    }

    /// Tells whoever acted, where they acted.
    pub(crate) async fn whisper_to(&self, interaction: &Interaction, words: &str) -> Result<(), JobError> {
        self.tell(interaction, words).await
    }

    /// The same with emphasis and links.
    pub(crate) async fn say_to(&self, interaction: &Interaction, text: &Text) -> Result<(), JobError> {
        self.whisper(interaction.place.as_ref(), &interaction.user, text)
            .await
    }

    /// The page of a change.
    pub(crate) fn link(&self, number: ChangeNumber) -> String {
        format!(
            "{}/changes/{}",
            self.settings.public_url.trim_end_matches('/'),
            number.0
        )
    }
}
