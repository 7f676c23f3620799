//! From a user of the platform to a person of the catalog: by confirmed link only, asked anew for every act.

use workflow_engine::{
    engine::jobs::JobError,
    ports::chat::{ChatError, ChatUser},
    values::PersonId,
};

use super::{Chat, say::trouble};

impl Chat {
    /// The person behind a user, or why they may not act and what to do about it.
    pub(super) async fn who(&self, user: &str) -> Result<Result<PersonId, String>, JobError> {
        let found = match self.platform.user(user).await {
            Ok(found) => found,
            Err(ChatError::Permanent { .. }) => {
                return Ok(Err(
                    "The chat platform does not tell me who you are, so nothing was recorded.".to_owned(),
                ));
            }
            Err(error) => return Err(trouble(&error)),
        };
        let (_, catalog) = self.engine.catalog().await?;
        if let Some(why) = turned_away(&found, &catalog.company.name) {
            return Ok(Err(why));
        }
        let linked = catalog
            .people
            .iter()
            .find(|person| person.slack.as_deref() == Some(user));
        Ok(match linked {
            Some(person) if person.inactive => {
                Err("Your entry in the catalog is no longer active, so nothing was recorded. A platform engineer can change that.".to_owned())
            }
            Some(person) => Ok(person.id.clone()),
            None => Err(format!(
                "I don't know yet who you are in the catalog, so nothing was recorded. Ask a platform engineer to put \
                 slack = \"{user}\" into your entry under people and to apply the catalog."
            )),
        })
    }

    /// The platform's user of a person, if one is linked.
    pub(super) async fn user_of(&self, person: &PersonId) -> Result<Option<String>, JobError> {
        let (_, catalog) = self.engine.catalog().await?;
        let entry = catalog.person(person.as_str()).filter(|entry| !entry.inactive);
        Ok(entry.and_then(|entry| entry.slack.clone()))
    }
}

/// Why somebody of that kind may never act here.
fn turned_away(user: &ChatUser, company: &str) -> Option<String> {
    let why = if user.is_bot {
        "Programs can't decide on route changes. A person has to."
    } else if user.deleted {
        "Your account here is switched off, so nothing was recorded."
    } else if user.stranger {
        return Some(format!(
            "You are here from another company, so nothing was recorded. Somebody at {company} can do this."
        ));
    } else if user.is_guest {
        "Guests of this workspace can't act on route changes, so nothing was recorded. Ask a workspace admin for a full account."
    } else {
        return None;
    };
    Some(why.to_owned())
}
