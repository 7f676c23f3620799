//! `list`: the newest changes that have not ended.

use workflow_engine::{engine::jobs::JobError, ports::chat::Text, store};

use super::{Call, ChatCommand};

/// How many are shown.
const SHOWN: usize = 10;

pub(super) const COMMAND: ChatCommand = ChatCommand {
    name: "list",
    usage: "list",
    does: "shows the newest changes that are open",
    changes: false,
    wants_words: false,
    run: |call| Box::pin(run(call)),
};

async fn run(call: Call<'_>) -> Result<(), JobError> {
    let newest = store::changes::newest(call.chat.engine().db(), None, 200).await?;
    let open: Vec<_> = newest
        .iter()
        .map(|loaded| &loaded.change)
        .filter(|change| !change.state.is_final())
        .collect();
    if open.is_empty() {
        let slash = &call.chat.settings().command;
        return call
            .chat
            .whisper_to(
                call.interaction,
                &format!("No change is open. `{slash}` files one."),
            )
            .await;
    }
    let mut text = Text::default();
    for change in open.iter().take(SHOWN) {
        let link = call.chat.link(change.number);
        let line = format!(
            " · {} · to {} · {}\n",
            change.workflow,
            change.candidate.id,
            change.state.title()
        );
        text = text.link(change.number.to_string(), link).then(line);
    }
    if open.len() > SHOWN {
        text = text.then(format!("and {} more in the console", open.len() - SHOWN));
    }
    call.chat.say_to(call.interaction, &text).await
}
