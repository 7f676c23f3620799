//! Commands in chat, after the slash command or in a thread: one file each, decisions together; this table also makes `help`.

mod answer;
mod decide;
mod delegate;
mod file;
mod help;
mod list;
mod resolve;
mod status;
mod withdraw;

use futures_util::future::BoxFuture;
use workflow_engine::{
    change::state::Change,
    engine::jobs::JobError,
    ports::chat::Interaction,
    values::{ChangeNumber, PersonId},
};

use crate::chat::Chat;

/// A command in chat.
pub struct ChatCommand {
    /// Its word.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it does, in one line.
    pub does: &'static str,
    /// Whether it changes something; such a command belongs into its own change's thread.
    pub changes: bool,
    /// Whether words must follow it: without them it is only talk that begins with the same word.
    pub wants_words: bool,
    /// Does it.
    pub run: for<'call> fn(Call<'call>) -> BoxFuture<'call, Result<(), JobError>>,
}

/// A command on its way.
pub struct Call<'call> {
    /// The conversation.
    pub chat: &'call Chat,
    /// What the person did.
    pub interaction: &'call Interaction,
    /// Who.
    pub person: &'call PersonId,
    /// The change that was named, or whose thread it is.
    pub change: Option<Change>,
    /// What follows, without `because`.
    pub rest: &'call str,
}

/// A text that is a command.
pub struct Parsed<'text> {
    /// Which.
    pub command: &'static ChatCommand,
    /// The change it names.
    pub number: Option<ChangeNumber>,
    /// What follows, without `because`.
    pub rest: &'text str,
}

/// Every command, as `help` lists them.
pub const TABLE: [&ChatCommand; 13] = [
    &file::COMMAND,
    &list::COMMAND,
    &status::COMMAND,
    &decide::APPROVE,
    &decide::DENY,
    &decide::CONCERN,
    &resolve::COMMAND,
    &decide::ASK,
    &answer::COMMAND,
    &decide::RECUSE,
    &delegate::COMMAND,
    &withdraw::COMMAND,
    &help::COMMAND,
];

/// Reads a command: its word, the change if one is named, and the rest. Anything else is talk.
#[must_use]
pub fn parse(text: &str) -> Option<Parsed<'_>> {
    let (word, rest) = first_word(text);
    let command = TABLE
        .into_iter()
        .find(|command| command.name.eq_ignore_ascii_case(word))?;
    let (number, rest) = numbered(rest);
    let (because, reason) = first_word(rest);
    let rest = if because.eq_ignore_ascii_case("because") {
        reason
    } else {
        rest
    };
    // "approve this later?" is talk; "approve #142" and "approve" are not.
    let talk = number.is_none() && !command.wants_words && !rest.is_empty();
    let empty = command.wants_words && rest.is_empty();
    (!talk && !empty || empty && number.is_some()).then_some(Parsed {
        command,
        number,
        rest,
    })
}

/// What is said to words that are no command.
#[must_use]
pub fn unknown(text: &str, slash: &str) -> String {
    let (word, _) = first_word(text);
    let nearest = TABLE
        .iter()
        .min_by_key(|command| strsim::damerau_levenshtein(command.name, word));
    let near = nearest.filter(|command| strsim::damerau_levenshtein(command.name, word) <= 2);
    match near {
        Some(near) => format!("I don't know \"{word}\". Did you mean `{slash} {}`?", near.usage),
        None => format!(
            "I don't know \"{word}\". `{slash} help` lists what there is; `{slash}` alone files a change."
        ),
    }
}

/// The change that a command needs, or what the person is told.
pub(crate) async fn named(call: &Call<'_>, usage: &str) -> Result<Option<Change>, JobError> {
    if call.change.is_none() {
        let words = format!("Which change? Write `{usage}`, or write it in the change's thread.");
        call.chat.whisper_to(call.interaction, &words).await?;
    }
    Ok(call.change.clone())
}

/// The text of `help`.
#[must_use]
pub fn help_text(slash: &str) -> workflow_engine::ports::chat::Text {
    help::text(slash)
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word.trim_end_matches([':', ',']), rest.trim())
}

fn numbered(text: &str) -> (Option<ChangeNumber>, &str) {
    let (word, rest) = first_word(text);
    match word.strip_prefix('#').and_then(|digits| digits.parse().ok()) {
        Some(number) => (Some(ChangeNumber(number)), rest),
        None => (None, text.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(&'static str, Option<u64>, String)> {
        parse(text).map(|parsed| {
            (
                parsed.command.name,
                parsed.number.map(|number| number.0),
                parsed.rest.to_owned(),
            )
        })
    }

    #[test]
    fn commands_are_read_as_people_write_them() {
        assert_eq!(read("approve #142"), Some(("approve", Some(142), String::new())));
        assert_eq!(read("Approve"), Some(("approve", None, String::new())));
        assert_eq!(
            read("deny #142 because it costs twice as much"),
            Some(("deny", Some(142), "it costs twice as much".into()))
        );
        assert_eq!(read("deny: too risky"), Some(("deny", None, "too risky".into())));
        assert_eq!(
            read("answer 1 yes, weekly"),
            Some(("answer", None, "1 yes, weekly".into()))
        );
    }

    #[test]
    fn talk_that_begins_with_a_command_word_stays_talk() {
        assert_eq!(read("approve this later?"), None);
        assert_eq!(read("status quo is fine"), None);
        assert_eq!(read("looks good"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_mistyped_command_hears_the_nearest_one() {
        assert_eq!(
            unknown("stauts #1", "/route"),
            "I don't know \"stauts\". Did you mean `/route status #142`?"
        );
        assert!(unknown("hello there", "/route").contains("/route help"));
    }

    #[test]
    fn names_in_the_table_are_unique_and_usages_begin_with_them() {
        for (index, command) in TABLE.iter().enumerate() {
            assert!(command.usage.starts_with(command.name), "{}", command.name);
            assert!(
                TABLE
                    .iter()
                    .skip(index + 1)
                    .all(|other| other.name != command.name)
            );
        }
    }
}
