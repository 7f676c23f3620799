//! `help`: what there is, made from the table.

use workflow_engine::ports::chat::Text;

use super::{ChatCommand, TABLE};

pub(super) const COMMAND: ChatCommand = ChatCommand {
    name: "help",
    usage: "help",
    does: "shows this",
    changes: false,
    wants_words: false,
    run: |call| {
        Box::pin(async move {
            let text = text(&call.chat.settings().command);
            call.chat.say_to(call.interaction, &text).await
        })
    },
};

/// The help, one command a line.
pub(crate) fn text(slash: &str) -> Text {
    let mut text = Text::default().bold("What you can do").then("\n");
    for command in TABLE {
        text = text
            .bold(format!("{slash} {}", command.usage))
            .then(format!(": {}\n", command.does));
    }
    text.then("In a change's thread the same works without the slash and without the number; anything else you write there is a comment on the change.")
}

#[cfg(test)]
mod tests {
    #[test]
    fn help_lists_every_command() {
        insta::assert_snapshot!(super::text("/route").to_string(), @r#"
        What you can do
        /route file: opens the form that files a route change; the command alone does the same
        /route list: shows the newest changes that are open
        /route status #142: says where a change stands and who is awaited
        /route approve #142: approves what the card shows now, for the role you are asked for
        /route deny #142 because …: denies it; the reason is needed
        /route concern #142 …: raises a concern that blocks until it is settled
        /route resolve #142 1: settles concern 1
        /route ask #142 …: asks a question; the clock stands still until somebody answers
        /route answer #142 1 …: answers question 1, so that the clock goes on
        /route recuse #142: stands down, so that somebody else of your role decides
        /route delegate #142 @priya: lets somebody else decide in your place, for three days; both names are recorded
        /route withdraw #142: takes your own request back
        /route help: shows this
        In a change's thread the same works without the slash and without the number; anything else you write there is a comment on the change.
        "#);
    }
}
