//! People by name: the ledger knows opaque ids only, readers want names.

use serde::Serialize;

use crate::{
    catalog::Catalog,
    values::{Actor, PersonId},
};

/// Somebody, or a part of the service, with a name to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Who {
    /// A person's opaque id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Which part of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The name to show.
    pub name: String,
}

impl Who {
    /// The person of that id, by the catalog's name or, when they are gone from it, by their id.
    #[must_use]
    pub fn person(catalog: &Catalog, id: &PersonId) -> Self {
        Self {
            person: Some(id.clone()),
            service: None,
            name: name(catalog, id),
        }
    }

    /// Whoever a stored actor text stands for (`ana`, `service:shadow`).
    #[must_use]
    pub fn stored(catalog: &Catalog, actor: &str) -> Self {
        match actor.strip_prefix("service:") {
            Some(service) => Self::actor(catalog, &Actor::Service(service.to_owned())),
            None => Self::person(catalog, &PersonId::from(actor)),
        }
    }

    /// Whoever acts.
    #[must_use]
    pub fn actor(catalog: &Catalog, actor: &Actor) -> Self {
        match actor {
            Actor::Person(id) => Self::person(catalog, id),
            Actor::Service(service) => Self {
                person: None,
                service: Some(service.clone()),
                name: match service.strip_prefix("token:") {
                    Some(token) => format!("the token \"{token}\""),
                    None => "the governor".to_owned(),
                },
            },
        }
    }
}

/// The name of a person, or their id when the catalog does not know them.
#[must_use]
pub fn name(catalog: &Catalog, id: &PersonId) -> String {
    catalog
        .person(id.as_str())
        .map_or_else(|| id.to_string(), |person| person.name.clone())
}
