//! `withdraw`: takes your own request back.

use workflow_engine::{change::command::Command, engine::jobs::JobError};

use super::{Call, ChatCommand, named};

const USAGE: &str = "withdraw #142";

pub(super) const COMMAND: ChatCommand = ChatCommand {
    name: "withdraw",
    usage: USAGE,
    does: "takes your own request back",
    changes: true,
    wants_words: false,
    run: |call| Box::pin(run(call)),
};

async fn run(call: Call<'_>) -> Result<(), JobError> {
    let Some(change) = named(&call, USAGE).await? else {
        return Ok(());
    };
    call.chat
        .command(call.interaction, call.person, &change, (Command::Withdraw, None))
        .await
}
