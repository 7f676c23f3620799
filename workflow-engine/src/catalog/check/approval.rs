//! People, groups and slots: everybody named can act, and different people can fill every slot.

use std::collections::BTreeSet;

use super::Notes;
use crate::{
    approval::{seats, tier_rule},
    catalog::{Catalog, SlotRule},
    values::{PersonId, Role},
};

pub(super) fn check(catalog: &Catalog, notes: &mut Notes<'_>) {
    people(catalog, notes);
    groups(catalog, notes);
    for (index, tier) in catalog.approval.tiers.iter().enumerate() {
        let path = format!("approval.tiers[{index}]");
        if tier.slots.is_empty() {
            notes.add(&path, "has no slots, so nobody would be asked".to_owned());
        }
        for (number, slot) in tier.slots.iter().enumerate() {
            self::slot(&format!("{path}.slots[{number}]"), slot, catalog, notes);
        }
        let roles: Vec<_> = tier.slots.iter().map(|slot| slot.role.as_str()).collect();
        notes.doubles(
            roles
                .iter()
                .enumerate()
                .map(|(number, role)| (format!("{path}.slots[{number}].role"), *role)),
            "one slot a role; ask for more people with needed",
        );
    }
    for (number, slot) in catalog.approval.policy.iter().enumerate() {
        let path = format!("approval.policy[{number}]");
        if slot.role == Role::Owner {
            notes.add(
                &format!("{path}.role"),
                "a policy has no owner; name a role with a group".to_owned(),
            );
        }
        self::slot(&path, slot, catalog, notes);
    }
    fillable(catalog, notes);
}

fn people(catalog: &Catalog, notes: &mut Notes<'_>) {
    let people = || catalog.people.iter().enumerate();
    let slack = people()
        .filter_map(|(index, person)| Some((format!("people[{index}].slack"), person.slack.as_deref()?)));
    notes.doubles(slack, "one chat account is one person");
    let email = people()
        .filter_map(|(index, person)| Some((format!("people[{index}].email"), person.email.as_deref()?)));
    notes.doubles(email, "one address is one person");
    for (index, person) in people() {
        let id = person.id.as_str();
        if id.contains('@') || person.slack.as_deref() == Some(id) {
            notes.add(
                &format!("people[{index}].id"),
                format!("{id} would stand in the ledger for ever; choose an id that is no address and no chat account"),
            );
        }
        if person.away.as_ref().is_some_and(|away| away.deputy == person.id) {
            notes.add(
                &format!("people[{index}].away.deputy"),
                format!("{} cannot stand in for themselves", person.id),
            );
        }
    }
}

fn groups(catalog: &Catalog, notes: &mut Notes<'_>) {
    for (index, group) in catalog.groups.iter().enumerate() {
        let path = format!("groups[{index}].members");
        if group.members.is_empty() {
            notes.add(
                &path,
                format!("nobody is in @{}, so its slot could never be filled", group.id),
            );
        } else if group.members.iter().all(|member| is_inactive(catalog, member)) {
            notes.add(&path, format!("everybody in @{} is inactive", group.id));
        }
        let members: BTreeSet<_> = group.members.iter().collect();
        if members.len() != group.members.len() {
            notes.add(&path, "names somebody twice; one person votes once".to_owned());
        }
    }
}

fn is_inactive(catalog: &Catalog, id: &PersonId) -> bool {
    catalog.person(id.as_str()).is_some_and(|person| person.inactive)
}

fn slot(path: &str, slot: &SlotRule, catalog: &Catalog, notes: &mut Notes<'_>) {
    let Some(id) = &slot.group else {
        if slot.role != Role::Owner {
            let what = format!("must be given: whose group answers for {}", slot.role.as_str());
            notes.add(&format!("{path}.group"), what);
        }
        return;
    };
    let Some(group) = catalog.groups.iter().find(|group| &group.id == id) else {
        return;
    };
    if group.role != slot.role {
        let what = format!(
            "@{id} answers for {}, not for {}",
            group.role.as_str(),
            slot.role.as_str()
        );
        notes.add(&format!("{path}.group"), what);
    }
    let members = u32::try_from(group.members.len()).unwrap_or(u32::MAX);
    if slot.needed > members && members > 0 {
        let what = format!(
            "asks for {} different people, but @{id} has {members}",
            slot.needed
        );
        notes.add(&format!("{path}.needed"), what);
    }
}

/// Every workflow's slots can be filled by different people when somebody outside them files the change.
fn fillable(catalog: &Catalog, notes: &mut Notes<'_>) {
    for (index, workflow) in catalog.workflows.iter().enumerate() {
        let path = format!("workflows[{index}]");
        if catalog
            .people
            .iter()
            .any(|person| person.id == workflow.owner && person.inactive)
        {
            notes.add(
                &format!("{path}.owner"),
                format!("{} is inactive; name who answers for it now", workflow.owner),
            );
        }
        let Some(rule) = tier_rule(catalog, workflow.risk) else {
            let what = format!("no rule says who must agree in tier {}", workflow.risk.as_str());
            notes.add(
                &format!("{path}.risk"),
                format!("{what}; add one under [[approval.tiers]]"),
            );
            continue;
        };
        if let Err(why) = seats(catalog, workflow, rule) {
            notes.add(&path, format!("no change of it could ever be approved: {why}"));
        }
    }
}
