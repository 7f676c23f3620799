//! `status`: where a change stands, and who is awaited.

use workflow_engine::{engine::jobs::JobError, ports::chat::Text};

use super::{Call, ChatCommand, named};

const USAGE: &str = "status #142";

pub(super) const COMMAND: ChatCommand = ChatCommand {
    name: "status",
    usage: USAGE,
    does: "says where a change stands and who is awaited",
    changes: false,
    wants_words: false,
    run: |call| Box::pin(run(call)),
};

async fn run(call: Call<'_>) -> Result<(), JobError> {
    let Some(change) = named(&call, USAGE).await? else {
        return Ok(());
    };
    let view = call.chat.view(&change).await?;
    let awaited: Vec<String> = view
        .slots
        .iter()
        .filter(|slot| !slot.is_filled())
        .map(|slot| format!("{} (@{})", slot.role.title(), slot.group))
        .collect();
    let waiting = if awaited.is_empty() || change.state.is_final() {
        String::new()
    } else {
        format!(" Waiting for {}.", awaited.join(", "))
    };
    let text = Text::default()
        .link(format!("Route change {}", view.number), view.link.clone())
        .then(format!(
            " · {} · {}. {}{waiting}",
            view.workflow,
            change.state.title(),
            view.what
        ));
    call.chat.say_to(call.interaction, &text).await
}
