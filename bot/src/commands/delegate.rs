//! `delegate`: lets somebody else decide in your place for three days.

use workflow_engine::{
    catalog::Catalog,
    change::{command::Command, state::Change},
    engine::{jobs::JobError, queries::inbox::may_decide},
    values::PersonId,
};

use super::{Call, ChatCommand, named};

const USAGE: &str = "delegate #142 @priya";
/// How long somebody may decide in another's place.
const DAYS: i64 = 3;

pub(super) const COMMAND: ChatCommand = ChatCommand {
    name: "delegate",
    usage: USAGE,
    does: "lets somebody else decide in your place, for three days; both names are recorded",
    changes: true,
    wants_words: true,
    run: |call| Box::pin(run(call)),
};

async fn run(call: Call<'_>) -> Result<(), JobError> {
    let Some(change) = named(&call, USAGE).await? else {
        return Ok(());
    };
    let (_, catalog) = call.chat.engine().catalog().await?;
    let Some(to) = meant(&catalog, call.rest) else {
        let words = format!(
            "I don't know who \"{}\" is. Write `{USAGE}`, with their mention or their name.",
            call.rest
        );
        return call.chat.whisper_to(call.interaction, &words).await;
    };
    let Some(command) = command(&call, &change, to) else {
        let words = "You are not asked to decide here, so there is nothing to delegate.";
        return call.chat.whisper_to(call.interaction, words).await;
    };
    call.chat
        .command(call.interaction, call.person, &change, (command, None))
        .await
}

fn command(call: &Call<'_>, change: &Change, to: PersonId) -> Option<Command> {
    Some(Command::Delegate {
        role: may_decide(change, call.person)?,
        to,
        until: call.chat.engine().clock().now() + chrono::Duration::days(DAYS),
    })
}

/// The person behind a mention (`<@U0PRIYA>`, `@priya`), an id or a name.
fn meant(catalog: &Catalog, text: &str) -> Option<PersonId> {
    let text = text.trim();
    let mention = text.strip_prefix("<@").and_then(|rest| rest.strip_suffix('>'));
    if let Some(user) = mention.and_then(|user| user.split('|').next()) {
        let person = catalog
            .people
            .iter()
            .find(|person| person.slack.as_deref() == Some(user));
        return person.map(|person| person.id.clone());
    }
    let name = text.trim_start_matches('@');
    let same = |other: &str| other.eq_ignore_ascii_case(name);
    let person = catalog
        .people
        .iter()
        .find(|person| same(person.id.as_str()) || same(&person.name));
    person.map(|person| person.id.clone())
}

#[cfg(test)]
mod tests {
    use workflow_engine::catalog::load;

    use super::*;

    #[test]
    fn people_are_found_by_mention_id_and_name() {
        let text = include_str!("../../../deploy/catalog.example.toml");
        let mut catalog = load("catalog.example.toml", text).unwrap();
        let id = catalog.people[0].id.clone();
        catalog.people[0].slack = Some("U0FIRST".to_owned());
        let name = catalog.people[0].name.clone();
        for text in ["<@U0FIRST>", "<@U0FIRST|someone>", &format!("@{id}"), &name] {
            assert_eq!(meant(&catalog, text), Some(id.clone()), "{text}");
        }
        assert_eq!(meant(&catalog, "<@U0NOBODY>"), None);
        assert_eq!(meant(&catalog, "somebody"), None);
    }
}
