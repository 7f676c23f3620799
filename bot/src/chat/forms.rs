//! A form that was sent: checked field by field, errors shown inside the form, then a command.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};
use workflow_engine::{
    change::{
        command::{Command, Grade},
        slots::Conditions,
    },
    engine::{HandleError, Note, Outcome, file::Filing, jobs::JobError},
    ports::chat::{Answer, Interaction, Place},
    store,
    values::{ChangeNumber, PersonId, WorkflowId},
};

use super::{
    Chat,
    say::{capital, refused},
};

/// A form as it came in.
pub(super) struct Sent<'a> {
    pub form: &'a str,
    pub context: &'a str,
    pub values: &'a BTreeMap<String, String>,
}

/// What our forms carry with them, unseen: a form itself has no place and no card.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Context {
    /// The value of the button that opened it.
    #[serde(rename = "v", default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Where that was.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The ended change that is taken up again.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub cites: Option<u64>,
}

impl Context {
    pub(super) fn of(value: &str, interaction: &Interaction) -> Self {
        Self {
            value: value.to_owned(),
            place: interaction.place.clone(),
            cites: None,
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

type FormErrors = BTreeMap<String, String>;

fn one_error(field: &str, words: impl Into<String>) -> Answer {
    Answer::FormErrors(BTreeMap::from([(field.to_owned(), words.into())]))
}

impl Chat {
    pub(super) async fn form(
        &self,
        interaction: &Interaction,
        person: &PersonId,
        sent: &Sent<'_>,
    ) -> Result<Answer, JobError> {
        let context: Context = serde_json::from_str(sent.context).unwrap_or_default();
        // From here on, what is told is told where the form was opened.
        let interaction = &Interaction {
            place: context.place.clone(),
            ..interaction.clone()
        };
        if sent.form == "file" {
            return self.file(interaction, person, sent, &context).await;
        }
        let Some((shown, change)) = self.shown(interaction, &context.value).await? else {
            return Ok(Answer::Taken);
        };
        if let Some(words) = self.what_changed(&shown, &change).await? {
            self.tell(interaction, &words).await?;
            return Ok(Answer::Taken);
        }
        let note = sent
            .values
            .get("reason")
            .map(|words| self.engine.note(words.trim()));
        let delivery = &interaction.delivery;
        let outcome = match sent.form {
            "approve_if" => match conditions(sent.values) {
                Ok(conditions) => {
                    let grade = Grade::ApproveWithConditions(conditions);
                    self.vote(delivery, person, &change, (grade, note)).await
                }
                Err(errors) => return Ok(Answer::FormErrors(errors)),
            },
            "concern" => {
                self.vote(delivery, person, &change, (Grade::RaiseConcern, note))
                    .await
            }
            "deny" => self.vote(delivery, person, &change, (Grade::Deny, note)).await,
            "withdraw" => {
                self.send(delivery, person, &change, (Command::Withdraw, None))
                    .await
            }
            "revoke" => match note {
                Some(note) => {
                    let command = Command::Revoke {
                        note: note.reference.clone(),
                    };
                    self.send(delivery, person, &change, (command, Some(note))).await
                }
                None => return Ok(one_error("reason", "Say why.")),
            },
            _ => return Ok(Answer::Taken),
        };
        self.answer(interaction, outcome).await?;
        Ok(Answer::Taken)
    }

    async fn file(
        &self,
        interaction: &Interaction,
        person: &PersonId,
        sent: &Sent<'_>,
        context: &Context,
    ) -> Result<Answer, JobError> {
        let value = |field: &str| sent.values.get(field).cloned().unwrap_or_default();
        let (workflow, candidate) = (value("workflow"), value("candidate"));
        if let Some(errors) = self.cannot_file(&workflow, &candidate).await? {
            return Ok(Answer::FormErrors(errors));
        }
        let filed = self
            .engine
            .file(Filing {
                requester: person.clone(),
                key: format!("{}:{}", self.platform.name(), interaction.delivery),
                workflow: WorkflowId(workflow),
                candidate,
                claims_savings: value("savings") == "yes",
                co_authors: BTreeSet::new(),
                reason: Some(value("reason"))
                    .filter(|words| !words.is_empty())
                    .map(|words| self.engine.note(&words)),
                cites: context.cites.map(ChangeNumber),
                submit: true,
            })
            .await;
        match filed {
            Ok(outcome) => self.say_filed(interaction, &outcome).await,
            Err(HandleError::Invalid(why)) => Ok(one_error("candidate", format!("{}.", capital(&why)))),
            Err(error) => {
                let words = refused(error)?;
                Ok(one_error("workflow", words))
            }
        }
    }

    async fn say_filed(&self, interaction: &Interaction, outcome: &Outcome) -> Result<Answer, JobError> {
        let (_, catalog) = self.engine.catalog().await?;
        let channel = catalog.company.approvals_channel.trim_start_matches('#');
        let words = format!(
            "Filed as {} and recorded. Its thread is in #{channel}; the test begins when the policy allows it.",
            outcome.number
        );
        self.tell(interaction, &words).await?;
        Ok(Answer::Taken)
    }

    /// What is wrong with a filing, by field, before it reaches the door.
    async fn cannot_file(&self, workflow: &str, candidate: &str) -> Result<Option<FormErrors>, JobError> {
        let (_, catalog) = self.engine.catalog().await?;
        let mut errors = FormErrors::new();
        let Some(entry) = catalog.workflow(workflow) else {
            errors.insert(
                "workflow".to_owned(),
                "Pick a workflow of the catalog.".to_owned(),
            );
            return Ok(Some(errors));
        };
        let known = catalog.route(candidate).is_some();
        let allowed =
            entry.candidates.is_empty() || entry.candidates.iter().any(|allowed| allowed == candidate);
        if !known {
            errors.insert("candidate".to_owned(), "Pick a route of the catalog.".to_owned());
        } else if !allowed {
            let words = format!("{workflow} may be moved to: {}.", entry.candidates.join(", "));
            errors.insert("candidate".to_owned(), words);
        } else if self.serves(workflow, &entry.route).await? == candidate {
            let words = format!("{candidate} serves {workflow} already. Pick another candidate.");
            errors.insert("candidate".to_owned(), words);
        }
        Ok((!errors.is_empty()).then_some(errors))
    }

    async fn serves(&self, workflow: &str, first: &str) -> Result<String, JobError> {
        let live = store::routes::live(self.engine.db(), workflow).await?;
        Ok(live.map_or_else(|| first.to_owned(), |live| live.route.id))
    }
}

/// The conditions of a conditional yes, or what is wrong with which field.
fn conditions(values: &BTreeMap<String, String>) -> Result<Conditions, FormErrors> {
    let mut errors = FormErrors::new();
    let mut number = |field: &str, most: u64, words: &str| -> Option<u64> {
        let typed = values.get(field)?;
        let digits = typed
            .trim()
            .trim_start_matches('$')
            .trim_end_matches('%')
            .replace([',', ' '], "");
        match digits.parse::<u64>() {
            Ok(number) if (1..=most).contains(&number) => Some(number),
            _ => {
                errors.insert(field.to_owned(), words.to_owned());
                None
            }
        }
    };
    let canary = number("canary", 100, "A whole number from 1 to 100.");
    let cap = number("cap", 100_000_000, "Whole dollars, for example 25000.");
    let days = number("days", 3_650, "A whole number of days.");
    if errors.is_empty() && canary.is_none() && cap.is_none() && days.is_none() {
        errors.insert(
            "canary".to_owned(),
            "Give at least one condition, or approve without.".to_owned(),
        );
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Conditions {
        canary_percent: canary.and_then(|share| u8::try_from(share).ok()),
        monthly_cap_usd: cap,
        expires_days: days.and_then(|days| u32::try_from(days).ok()),
    })
}

/// A note of optional words.
pub(super) fn note_of(chat: &Chat, words: &str) -> Option<Note> {
    let words = words.trim();
    (!words.is_empty()).then(|| chat.engine().note(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(field, value)| ((*field).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn conditions_are_numbers_people_type() {
        let read = conditions(&values(&[("canary", "10 %"), ("cap", "$25,000")])).unwrap();
        assert_eq!(
            (read.canary_percent, read.monthly_cap_usd, read.expires_days),
            (Some(10), Some(25_000), None)
        );
        let errors = conditions(&values(&[("canary", "150"), ("days", "soon")])).unwrap_err();
        assert_eq!(errors.keys().collect::<Vec<_>>(), ["canary", "days"]);
        assert!(conditions(&values(&[])).unwrap_err()["canary"].contains("at least one"));
    }
}
