//! `file`: opens the form that files a change; the slash command alone does the same.

use super::ChatCommand;

pub(super) const COMMAND: ChatCommand = ChatCommand {
    name: "file",
    usage: "file",
    does: "opens the form that files a route change; the command alone does the same",
    changes: false,
    wants_words: false,
    run: |call| Box::pin(async move { call.chat.file_form(call.interaction).await }),
};
