//! Separation of duties: who may not decide on a change, and the rule that says so.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use chrono::{DateTime, Duration, NaiveDate, Utc};

use crate::{
    catalog::{Catalog, Person, Workflow},
    values::PersonId,
};

/// What the bars look at beside the catalog: who wrote the change, and when it is.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Who filed it.
    pub requester: &'a PersonId,
    /// Who wrote it with them.
    pub co_authors: &'a BTreeSet<PersonId>,
    /// The moment of the question.
    pub now: DateTime<Utc>,
}

/// Why somebody may not decide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bar {
    /// They filed it.
    Requester,
    /// They wrote it with the requester.
    CoAuthor,
    /// They edited the policy that it relies on; free again from that day.
    PolicyEditor(NaiveDate),
    /// They edited the workflow's entry that it relies on; free again from that day.
    WorkflowEditor(NaiveDate),
    /// They stand in for somebody who is barred.
    DeputyOf(PersonId),
    /// They are no longer with the company.
    Inactive,
}

impl fmt::Display for Bar {
    /// The end of a sentence that begins with a name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requester => f.write_str("filed it"),
            Self::CoAuthor => f.write_str("wrote it with the requester"),
            Self::PolicyEditor(free) => write!(f, "edited the policy and may not decide before {free}"),
            Self::WorkflowEditor(free) => {
                write!(f, "edited the workflow's entry and may not decide before {free}")
            }
            Self::DeputyOf(person) => write!(f, "stands in for {person}, who may not decide"),
            Self::Inactive => f.write_str("is no longer active"),
        }
    }
}

/// Everybody who may not decide on a change of `workflow` (none: of the policy), each with the first rule that says so.
#[must_use]
pub fn bars(catalog: &Catalog, workflow: Option<&Workflow>, case: &Case<'_>) -> BTreeMap<PersonId, Bar> {
    let mut barred = BTreeMap::new();
    let inactive = catalog.people.iter().filter(|person| person.inactive);
    barred.extend(inactive.map(|person| (person.id.clone(), Bar::Inactive)));
    let editors = [
        (
            workflow.and_then(|entry| entry.last_editor.as_ref()),
            workflow.and_then(|entry| entry.last_edited_at),
            Bar::WorkflowEditor as fn(_) -> _,
        ),
        (
            catalog.policy.last_editor.as_ref(),
            catalog.policy.last_edited_at,
            Bar::PolicyEditor,
        ),
    ];
    for (editor, at, bar) in editors {
        let (Some(editor), Some(at)) = (editor, at) else {
            continue;
        };
        let free = at + Duration::days(catalog.policy.editor_barred_days);
        if case.now < free {
            barred.insert(editor.clone(), bar(free.date_naive()));
        }
    }
    barred.extend(
        case.co_authors
            .iter()
            .map(|person| (person.clone(), Bar::CoAuthor)),
    );
    barred.insert(case.requester.clone(), Bar::Requester);
    let deputies: Vec<_> = catalog
        .people
        .iter()
        .filter(|person| barred.contains_key(&person.id))
        .filter_map(|person| Some((deputy(person, case.now)?, Bar::DeputyOf(person.id.clone()))))
        .collect();
    for (person, bar) in deputies {
        barred.entry(person).or_insert(bar);
    }
    barred
}

/// Who decides for `person` at that moment, if they are away.
pub(super) fn deputy(person: &Person, now: DateTime<Utc>) -> Option<PersonId> {
    let away = person.away.as_ref()?;
    (now.date_naive() <= away.until).then(|| away.deputy.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sample::sample;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn whoever_wrote_it_or_its_rules_is_barred_and_so_is_whoever_stands_in_for_them() {
        let mut catalog = sample();
        catalog.policy.last_editor = Some("priya".into());
        catalog.policy.last_edited_at = Some(at("2026-11-20T12:00:00Z"));
        let maya = catalog
            .people
            .iter_mut()
            .find(|person| person.id.as_str() == "maya")
            .unwrap();
        maya.away = Some(crate::catalog::Away {
            until: "2026-11-30".parse().unwrap(),
            deputy: "ana".into(),
        });
        let co_authors = BTreeSet::from(["wei".into()]);
        let case = Case {
            requester: &"maya".into(),
            co_authors: &co_authors,
            now: at("2026-11-24T09:00:00Z"),
        };
        let workflow = catalog.workflow("support-answer").unwrap();
        let said: Vec<_> = bars(&catalog, Some(workflow), &case)
            .iter()
            .map(|(person, bar)| format!("{person} {bar}"))
            .collect();
        assert_eq!(
            said,
            [
                "ana stands in for maya, who may not decide",
                "maya filed it",
                "priya edited the policy and may not decide before 2026-11-27",
                "wei wrote it with the requester",
            ]
        );
        let later = Case {
            now: at("2026-12-01T09:00:00Z"),
            ..case
        };
        let barred: Vec<_> = bars(&catalog, Some(workflow), &later)
            .into_keys()
            .map(|person| person.0)
            .collect();
        assert_eq!(barred, ["maya", "wei"]);
    }
}
