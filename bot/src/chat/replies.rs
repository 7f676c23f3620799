//! Words typed after the slash command, in a thread of ours or in a direct message: a command, or a comment.

use workflow_engine::{
    change::{command::Command, state::Change},
    engine::jobs::JobError,
    ports::chat::{Interaction, MessageRef},
    store,
    values::{ChangeNumber, PersonId},
};

use super::{Chat, copies::reference};
use crate::commands::{self, Call, Parsed};

impl Chat {
    /// `/route …`: without words the form to file a change, else a command.
    pub(super) async fn slash(
        &self,
        interaction: &Interaction,
        person: &PersonId,
        text: &str,
    ) -> Result<(), JobError> {
        if text.trim().is_empty() {
            return self.ask_what_to_file(interaction, None).await;
        }
        match commands::parse(text) {
            Some(parsed) => self.run(interaction, person, parsed, None).await,
            None => {
                let words = commands::unknown(text, &self.settings.command);
                self.tell(interaction, &words).await
            }
        }
    }

    /// Words in a thread or in a direct message.
    pub(super) async fn reply(
        &self,
        interaction: &Interaction,
        person: &PersonId,
        text: &str,
    ) -> Result<(), JobError> {
        let thread = self.change_of_thread(interaction).await?;
        let parsed = commands::parse(text);
        match (parsed, thread) {
            (Some(parsed), thread) => self.run(interaction, person, parsed, thread).await,
            (None, Some(change)) => {
                let note = self.engine.note(text);
                let command = Command::Comment {
                    note: note.reference.clone(),
                };
                let sent = self
                    .send(&interaction.delivery, person, &change, (command, Some(note)))
                    .await;
                self.answer(interaction, sent).await
            }
            // A direct message to us that is no command: say what there is.
            (None, None) if is_direct(interaction) => {
                let words = commands::unknown(text, &self.settings.command);
                self.tell(interaction, &words).await
            }
            // Talk in a thread that is not ours.
            (None, None) => Ok(()),
        }
    }

    async fn run(
        &self,
        interaction: &Interaction,
        person: &PersonId,
        parsed: Parsed<'_>,
        thread: Option<Change>,
    ) -> Result<(), JobError> {
        let elsewhere =
            matches!((parsed.number, &thread), (Some(number), Some(change)) if number != change.number);
        if elsewhere && parsed.command.changes {
            let own = thread.map(|change| change.number.to_string()).unwrap_or_default();
            let words = format!(
                "This is the thread of {own}, so nothing was recorded. Write it in the other change's thread."
            );
            return self.tell(interaction, &words).await;
        }
        let change = match parsed.number {
            Some(number) => match store::changes::by_number(self.engine.db(), number).await? {
                Some(loaded) => Some(loaded.change),
                None => return self.tell(interaction, &no_such(number)).await,
            },
            None => thread,
        };
        let call = Call {
            chat: self,
            interaction,
            person,
            change,
            rest: parsed.rest,
        };
        (parsed.command.run)(call).await
    }

    /// The change whose thread this is.
    async fn change_of_thread(&self, interaction: &Interaction) -> Result<Option<Change>, JobError> {
        let Some(place) = &interaction.place else {
            return Ok(None);
        };
        let Some(root) = &place.thread else {
            return Ok(None);
        };
        let root = MessageRef {
            channel: place.channel.clone(),
            message: root.clone(),
        };
        let copy =
            store::messages::by_reference(self.engine.db(), self.platform.name(), &reference(&root)).await?;
        let Some(id) = copy.and_then(|copy| copy.change_id) else {
            return Ok(None);
        };
        Ok(store::changes::by_id(self.engine.db(), &id)
            .await?
            .map(|loaded| loaded.change))
    }
}

fn is_direct(interaction: &Interaction) -> bool {
    interaction
        .place
        .as_ref()
        .is_some_and(|place| place.channel.starts_with('D'))
}

fn no_such(number: ChangeNumber) -> String {
    format!("There is no route change {number}. `list` shows the newest ones.")
}
