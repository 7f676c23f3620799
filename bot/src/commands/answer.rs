//! `answer`: answers question 1, so that the clock goes on.

use workflow_engine::{change::command::Command, engine::jobs::JobError};

use super::{Call, ChatCommand, named};

const USAGE: &str = "answer #142 1 …";

pub(super) const COMMAND: ChatCommand = ChatCommand {
    name: "answer",
    usage: USAGE,
    does: "answers question 1, so that the clock goes on",
    changes: true,
    wants_words: true,
    run: |call| Box::pin(run(call)),
};

async fn run(call: Call<'_>) -> Result<(), JobError> {
    let Some(change) = named(&call, USAGE).await? else {
        return Ok(());
    };
    let (number, words) = call
        .rest
        .split_once(char::is_whitespace)
        .unwrap_or((call.rest, ""));
    let (Ok(number), false) = (number.parse(), words.trim().is_empty()) else {
        let words = format!("Which question, and what is the answer? Write `{}`.", USAGE);
        return call.chat.whisper_to(call.interaction, &words).await;
    };
    let note = call.chat.engine().note(words.trim());
    let command = Command::Answer {
        number,
        note: note.reference.clone(),
    };
    call.chat
        .command(call.interaction, call.person, &change, (command, Some(note)))
        .await
}
