//! `concern`: raises a concern that blocks until it is settled.

use workflow_engine::{change::command::Grade, engine::jobs::JobError};

use super::{Call, ChatCommand, named};

const USAGE: &str = "concern #142 …";

pub(super) const COMMAND: ChatCommand = ChatCommand {
    name: "concern",
    usage: USAGE,
    does: "raises a concern that blocks until it is settled",
    changes: true,
    wants_words: true,
    run: |call| Box::pin(run(call)),
};

async fn run(call: Call<'_>) -> Result<(), JobError> {
    let Some(change) = named(&call, USAGE).await? else {
        return Ok(());
    };
    call.chat
        .cast(
            call.interaction,
            call.person,
            &change,
            (Grade::RaiseConcern, call.rest),
        )
        .await
}
