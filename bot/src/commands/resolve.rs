//! `resolve`: settles concern 1.

use workflow_engine::{change::command::Command, engine::jobs::JobError};

use super::{Call, ChatCommand, named};

const USAGE: &str = "resolve #142 1";

pub(super) const COMMAND: ChatCommand = ChatCommand {
    name: "resolve",
    usage: USAGE,
    does: "settles concern 1",
    changes: true,
    wants_words: true,
    run: |call| Box::pin(run(call)),
};

async fn run(call: Call<'_>) -> Result<(), JobError> {
    let Some(change) = named(&call, USAGE).await? else {
        return Ok(());
    };
    let Ok(number) = call.rest.trim().parse() else {
        let words = format!("Which concern? Write `{}`.", USAGE);
        return call.chat.whisper_to(call.interaction, &words).await;
    };
    call.chat
        .command(
            call.interaction,
            call.person,
            &change,
            (Command::ResolveConcern { number }, None),
        )
        .await
}
