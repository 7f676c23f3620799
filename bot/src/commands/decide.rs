//! `approve`, `deny`, `concern`, `ask`, `recuse`: a person's decision on a change.

use workflow_engine::{change::command::Grade, engine::jobs::JobError};

use super::{Call, ChatCommand, named};

pub(super) const APPROVE: ChatCommand = ChatCommand {
    name: "approve",
    usage: "approve #142",
    does: "approves what the card shows now, for the role you are asked for",
    changes: true,
    wants_words: false,
    run: |call| Box::pin(cast(call, &APPROVE, Grade::Approve)),
};

pub(super) const DENY: ChatCommand = ChatCommand {
    name: "deny",
    usage: "deny #142 because …",
    does: "denies it; the reason is needed",
    changes: true,
    wants_words: true,
    run: |call| Box::pin(cast(call, &DENY, Grade::Deny)),
};

pub(super) const CONCERN: ChatCommand = ChatCommand {
    name: "concern",
    usage: "concern #142 …",
    does: "raises a concern that blocks until it is settled",
    changes: true,
    wants_words: true,
    run: |call| Box::pin(cast(call, &CONCERN, Grade::RaiseConcern)),
};

pub(super) const ASK: ChatCommand = ChatCommand {
    name: "ask",
    usage: "ask #142 …",
    does: "asks a question; the clock stands still until somebody answers",
    changes: true,
    wants_words: true,
    run: |call| Box::pin(cast(call, &ASK, Grade::AskForInformation)),
};

pub(super) const RECUSE: ChatCommand = ChatCommand {
    name: "recuse",
    usage: "recuse #142",
    does: "stands down, so that somebody else of your role decides",
    changes: true,
    wants_words: false,
    run: |call| Box::pin(cast(call, &RECUSE, Grade::Recuse)),
};

async fn cast(call: Call<'_>, command: &ChatCommand, grade: Grade) -> Result<(), JobError> {
    let Some(change) = named(&call, command.usage).await? else {
        return Ok(());
    };
    let ballot = (grade, call.rest);
    call.chat
        .cast(call.interaction, call.person, &change, ballot)
        .await
}
