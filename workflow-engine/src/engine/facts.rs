//! What the rules know besides the change: roles at this moment, who is barred, how long things may take.

use std::collections::BTreeMap;

use chrono::Duration;

use super::Engine;
use crate::{
    catalog::Catalog,
    change::{
        refusal::{Bar, Facts, Terms},
        state::{Change, State},
    },
    policy::change::{PolicyParts, edition, is_of_policy},
    store::{error::StoreError, grounds::Grounds},
    values::{Actor, Digest, PersonId, Role, Route},
};

impl Engine {
    /// The facts for one command. Roles come from the catalog as it is now; terms from the one the change keeps.
    pub(super) async fn facts(&self, grounds: &Grounds, actor: &Actor) -> Result<Facts, StoreError> {
        let change = &grounds.loaded.change;
        let (digest, now_catalog) = self.catalog_now(grounds.catalog).await?;
        let kept = match change.catalog {
            Some(kept) => self.catalog_of(kept).await?,
            None => now_catalog.clone(),
        };
        let now = self.clock.now();
        Ok(Facts {
            actor: actor.clone(),
            now,
            roles: actor
                .person()
                .map(|person| roles(&now_catalog, change, person))
                .unwrap_or_default(),
            barred: barred(&now_catalog, change, now),
            catalog: digest,
            live_route: live_route(grounds, &now_catalog),
            next_generation: newest_generation(grounds) + 1,
            terms: terms(&kept),
        })
    }
}

/// Whether the rules look at what serves now: with the gateway in play.
pub(super) fn in_play(change: &Change) -> bool {
    matches!(
        change.state,
        State::Approved | State::Applying | State::ApplyFailed | State::Verifying
    )
}

/// The digest of the route that serves the workflow, where the rules look at it.
fn live_route(grounds: &Grounds, catalog: &Catalog) -> Option<Digest> {
    let change = &grounds.loaded.change;
    if !in_play(change) {
        return None;
    }
    // The policy is what the catalog says, however it came to say so.
    if is_of_policy(change) {
        return Some(edition(PolicyParts::of(catalog).digest()).digest());
    }
    let from_catalog = || {
        let workflow = catalog.workflow(change.workflow.as_str())?;
        catalog.route(&workflow.route).map(|entry| entry.route().digest())
    };
    grounds.live.as_ref().map(Route::digest).or_else(from_catalog)
}

/// The highest generation that a gateway was given, where the rules look at it.
fn newest_generation(grounds: &Grounds) -> u64 {
    let change = &grounds.loaded.change;
    if !in_play(change) {
        return 0;
    }
    let own = change
        .application
        .as_ref()
        .map_or(0, |application| application.generation);
    grounds.newest_generation.max(own)
}

/// How long things may take under `catalog`.
pub(super) fn terms(catalog: &Catalog) -> Terms {
    let rules = &catalog.approval;
    Terms {
        approval_days: rules.approval_days,
        break_glass_hours: rules.break_glass_hours,
        remind_hours: rules.remind_hours,
        escalate_hours: rules.escalate_hours,
        apply_when_approved: rules.apply_when_approved,
    }
}

fn roles(catalog: &Catalog, change: &Change, person: &PersonId) -> Vec<Role> {
    let active = catalog
        .person(person.as_str())
        .is_some_and(|entry| !entry.inactive);
    if !active {
        return Vec::new();
    }
    let owns = catalog
        .workflow(change.workflow.as_str())
        .is_some_and(|workflow| workflow.owner == *person);
    let mut roles: Vec<_> = catalog
        .groups
        .iter()
        .filter(|group| group.members.contains(person))
        .map(|group| group.role)
        .chain(owns.then_some(Role::Owner))
        .collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

fn barred(catalog: &Catalog, change: &Change, now: chrono::DateTime<chrono::Utc>) -> BTreeMap<PersonId, Bar> {
    let mut barred = BTreeMap::new();
    let days = Duration::days(catalog.policy.editor_barred_days);
    let recent = |at: Option<chrono::DateTime<chrono::Utc>>| at.is_some_and(|at| now - at < days);
    let policy = &catalog.policy;
    if let Some(editor) = policy
        .last_editor
        .as_ref()
        .filter(|_| recent(policy.last_edited_at))
    {
        barred.insert(editor.clone(), Bar::EditedPolicy);
    }
    let entry = catalog.workflow(change.workflow.as_str());
    let entry = entry.filter(|entry| recent(entry.last_edited_at));
    if let Some(editor) = entry.and_then(|entry| entry.last_editor.as_ref()) {
        barred.insert(editor.clone(), Bar::EditedWorkflow);
    }
    for person in catalog.people.iter().filter(|person| person.inactive) {
        barred.insert(person.id.clone(), Bar::Inactive);
    }
    barred
}
