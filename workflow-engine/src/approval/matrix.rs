//! From the catalog and a change to its slots: roles, how many people, and who they may be at this moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    bars::{Bar, Case, bars, deputy},
    matching::seat,
};
use crate::{
    catalog::{Catalog, RiskTier, SlotRule, TierRule, Workflow},
    values::{PersonId, Role},
};

/// One slot of a change before anybody has voted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Whose agreement.
    pub role: Role,
    /// The group behind it; for an owner without a group, `owner`.
    pub group: String,
    /// How many different people.
    pub needed: u32,
    /// Who may fill it now; nobody who is barred.
    pub eligible: BTreeSet<PersonId>,
    /// Who may fill it after escalation; nobody who is barred.
    pub escalation: BTreeSet<PersonId>,
}

/// A matrix that no set of different people can fill. Shown as plain sentences.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Unfillable {
    /// The slots that compete, as shown (`Security (@sec-oncall)`).
    pub slots: Vec<String>,
    /// How many different people they need together.
    pub needed: usize,
    /// Who may fill them, by name.
    pub people: Vec<String>,
    /// Who could, were they not barred: name and reason.
    pub barred: Vec<(String, String)>,
}

impl fmt::Display for Unfillable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slots = and(&self.slots);
        let (need, noun) = match self.needed {
            1 => ("needs", "person"),
            _ => ("need", "different people"),
        };
        let who = match self.people.as_slice() {
            [] => "nobody may decide there".to_owned(),
            people => format!("only {} may decide there", and(people)),
        };
        write!(f, "{slots} {need} {} {noun}, but {who}", self.needed)?;
        for (index, (name, why)) in self.barred.iter().enumerate() {
            write!(f, "{} {name} {why}", if index == 0 { ":" } else { "," })?;
        }
        f.write_str(". Add somebody to a group")?;
        if !self.barred.is_empty() {
            f.write_str(", or let somebody else file it")?;
        }
        f.write_str(".")
    }
}

/// The rule for `tier`: its own, or the next stricter one.
#[must_use]
pub fn tier_rule(catalog: &Catalog, tier: RiskTier) -> Option<&TierRule> {
    let stricter = catalog.approval.tiers.iter().filter(|rule| rule.tier >= tier);
    stricter.min_by_key(|rule| rule.tier)
}

/// The slots of a change of `workflow` in `tier`, with the people who may fill them at the moment of `case`.
///
/// # Errors
/// When no set of different people could fill them, escalation included.
pub fn matrix(
    catalog: &Catalog,
    workflow: &Workflow,
    tier: RiskTier,
    case: &Case<'_>,
) -> Result<Vec<Requirement>, Unfillable> {
    let Some(rule) = tier_rule(catalog, tier) else {
        return Err(Unfillable {
            slots: vec![format!("Changes in tier {}", tier.as_str())],
            needed: 1,
            people: Vec::new(),
            barred: Vec::new(),
        });
    };
    let barred = bars(catalog, Some(workflow), case);
    let (entry, now) = (Some(workflow), Some(case));
    let slots: Vec<_> = rule
        .slots
        .iter()
        .map(|slot| requirement(catalog, entry, slot, &barred, now))
        .collect();
    fill(catalog, entry, rule, &slots, &barred)?;
    Ok(slots)
}

/// The slots of a change of the policy itself, with the people who may fill them at the moment of `case`.
///
/// # Errors
/// As [`matrix`].
pub fn policy_matrix(catalog: &Catalog, case: &Case<'_>) -> Result<Vec<Requirement>, Unfillable> {
    let rule = TierRule {
        tier: RiskTier::Critical,
        slots: policy_slots(catalog),
    };
    let barred = bars(catalog, None, case);
    let slots: Vec<_> = rule
        .slots
        .iter()
        .map(|slot| requirement(catalog, None, slot, &barred, Some(case)))
        .collect();
    fill(catalog, None, &rule, &slots, &barred)?;
    Ok(slots)
}

/// What the catalog asks for a change of the policy, or one of security and one of platform.
fn policy_slots(catalog: &Catalog) -> Vec<SlotRule> {
    if !catalog.approval.policy.is_empty() {
        return catalog.approval.policy.clone();
    }
    let slot = |role: Role| SlotRule {
        role,
        group: catalog
            .groups
            .iter()
            .find(|group| group.role == role)
            .map(|group| group.id.clone()),
        needed: 1,
        all: false,
    };
    vec![slot(Role::Security), slot(Role::Platform)]
}

/// Whether different people could fill the slots of `rule` for `workflow`, were the change filed by somebody outside them.
///
/// # Errors
/// When they could not.
pub fn seats(catalog: &Catalog, workflow: &Workflow, rule: &TierRule) -> Result<(), Unfillable> {
    let inactive = catalog.people.iter().filter(|person| person.inactive);
    let barred = inactive
        .map(|person| (person.id.clone(), Bar::Inactive))
        .collect();
    let slots: Vec<_> = rule
        .slots
        .iter()
        .map(|slot| requirement(catalog, Some(workflow), slot, &barred, None))
        .collect();
    fill(catalog, Some(workflow), rule, &slots, &barred)
}

fn requirement(
    catalog: &Catalog,
    workflow: Option<&Workflow>,
    slot: &SlotRule,
    barred: &BTreeMap<PersonId, Bar>,
    case: Option<&Case<'_>>,
) -> Requirement {
    let (members, escalation) = named(catalog, workflow, slot);
    let mut eligible: BTreeSet<PersonId> = members
        .difference(&barred.keys().cloned().collect())
        .cloned()
        .collect();
    // Everybody is counted before deputies join: a deputy votes in somebody's place, not beside them.
    let everybody = u32::try_from(eligible.len()).unwrap_or(u32::MAX).max(1);
    if let Some(case) = case {
        let away = catalog
            .people
            .iter()
            .filter(|person| eligible.contains(&person.id));
        let deputies: Vec<_> = away.filter_map(|person| deputy(person, case.now)).collect();
        eligible.extend(deputies.into_iter().filter(|person| !barred.contains_key(person)));
    }
    let escalation = escalation
        .into_iter()
        .filter(|person| !barred.contains_key(person));
    Requirement {
        role: slot.role,
        group: slot
            .group
            .clone()
            .unwrap_or_else(|| slot.role.as_str().to_owned()),
        needed: if slot.all { everybody } else { slot.needed },
        escalation: escalation.filter(|person| !eligible.contains(person)).collect(),
        eligible,
    }
}

/// Who a slot names, barred or not: its people, and those asked after escalation.
fn named(
    catalog: &Catalog,
    workflow: Option<&Workflow>,
    slot: &SlotRule,
) -> (BTreeSet<PersonId>, BTreeSet<PersonId>) {
    let group = slot.group.as_ref();
    let group = group.and_then(|id| catalog.groups.iter().find(|group| &group.id == id));
    let members = group
        .map(|group| group.members.iter().cloned().collect())
        .unwrap_or_default();
    let escalation = group
        .map(|group| group.escalation.iter().cloned().collect())
        .unwrap_or_default();
    let Some(workflow) = workflow.filter(|_| slot.role == Role::Owner) else {
        return (members, escalation);
    };
    // The owner decides; whoever answers for the money comes after, then the group if there is one.
    let center = catalog
        .cost_centers
        .iter()
        .find(|center| center.id == workflow.cost_center);
    let mut after: BTreeSet<PersonId> = center
        .and_then(|center| center.owner.clone())
        .into_iter()
        .collect();
    after.extend(members);
    after.extend(escalation);
    (BTreeSet::from([workflow.owner.clone()]), after)
}

fn fill(
    catalog: &Catalog,
    workflow: Option<&Workflow>,
    rule: &TierRule,
    slots: &[Requirement],
    barred: &BTreeMap<PersonId, Bar>,
) -> Result<(), Unfillable> {
    let chairs: Vec<usize> = slots
        .iter()
        .enumerate()
        .flat_map(|(index, slot)| std::iter::repeat_n(index, slot.needed as usize))
        .collect();
    let people = |slot: &Requirement| {
        slot.eligible
            .union(&slot.escalation)
            .cloned()
            .collect::<BTreeSet<_>>()
    };
    let seats: Vec<_> = chairs.iter().map(|index| people(&slots[*index])).collect();
    let Err(short) = seat(&seats) else { return Ok(()) };
    let rivals: BTreeSet<usize> = short.seats.iter().map(|chair| chairs[*chair]).collect();
    let name = |id: &PersonId| {
        catalog
            .person(id.as_str())
            .map_or_else(|| id.to_string(), |person| person.name.clone())
    };
    let could: BTreeSet<PersonId> = rivals
        .iter()
        .flat_map(|index| {
            let (members, after) = named(catalog, workflow, &rule.slots[*index]);
            members.into_iter().chain(after)
        })
        .collect();
    let barred = could
        .iter()
        .filter_map(|id| Some((name(id), barred.get(id)?.to_string())));
    Err(Unfillable {
        slots: rivals.iter().map(|index| shown(&slots[*index])).collect(),
        needed: rivals.iter().map(|index| slots[*index].needed as usize).sum(),
        people: short.people.iter().map(name).collect(),
        barred: barred.collect(),
    })
}

fn shown(slot: &Requirement) -> String {
    match slot.role {
        Role::Owner => "Owner".to_owned(),
        role => format!("{} (@{})", role.title(), slot.group),
    }
}

/// `a, b and c`.
fn and(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::sample::sample;

    fn case<'a>(requester: &'a PersonId, co_authors: &'a BTreeSet<PersonId>) -> Case<'a> {
        Case {
            requester,
            co_authors,
            now: "2026-11-24T09:00:00Z".parse().unwrap(),
        }
    }

    fn asked(catalog: &Catalog, requester: &str) -> Result<Vec<String>, String> {
        let workflow = catalog.workflow("support-answer").unwrap();
        let slots = matrix(
            catalog,
            workflow,
            workflow.risk,
            &case(&requester.into(), &BTreeSet::new()),
        );
        let line = |slot: &Requirement| {
            let people: Vec<_> = slot.eligible.iter().map(PersonId::as_str).collect();
            format!("{} {} of {}", slot.role.as_str(), slot.needed, people.join(" "))
        };
        slots
            .map(|slots| slots.iter().map(line).collect())
            .map_err(|why| why.to_string())
    }

    #[test]
    fn the_usual_change_asks_four_parties() {
        assert_eq!(
            asked(&sample(), "maya").unwrap(),
            [
                "platform 1 of ana jonas",
                "security 1 of nadia priya",
                "finance 1 of tomas",
                "owner 1 of wei"
            ]
        );
    }

    #[test]
    fn an_owner_who_files_leaves_the_slot_to_whoever_answers_for_the_money() {
        let catalog = sample();
        let workflow = catalog.workflow("support-answer").unwrap();
        let slots = matrix(
            &catalog,
            workflow,
            workflow.risk,
            &case(&"wei".into(), &BTreeSet::new()),
        )
        .unwrap();
        let owner = slots.iter().find(|slot| slot.role == Role::Owner).unwrap();
        assert!(owner.eligible.is_empty());
        assert_eq!(owner.escalation, BTreeSet::from(["lena".into()]));
    }

    #[test]
    fn a_change_that_nobody_could_approve_is_refused_in_a_plain_sentence() {
        let mut catalog = sample();
        for group in &mut catalog.groups {
            group.escalation.clear();
        }
        insta::assert_snapshot!(
            asked(&catalog, "tomas").unwrap_err(),
            @"Finance (@finance-approvers) needs 1 person, but nobody may decide there: Tomás L. filed it. Add somebody to a group, or let somebody else file it."
        );
    }

    #[test]
    fn all_of_a_group_means_all_who_are_not_barred() {
        let mut catalog = sample();
        for slot in catalog.approval.tiers.iter_mut().flat_map(|tier| &mut tier.slots) {
            slot.all = slot.role == Role::Platform;
        }
        assert_eq!(asked(&catalog, "maya").unwrap()[0], "platform 2 of ana jonas");
        assert_eq!(asked(&catalog, "jonas").unwrap()[0], "platform 1 of ana");
    }

    proptest! {
        #[test]
        fn nobody_who_is_barred_is_ever_asked(
            who in prop::collection::vec(0_usize..7, 1..4),
            editor in 0_usize..7,
            groups in prop::collection::vec(prop::collection::vec(0_usize..7, 1..4), 3),
            away in prop::collection::vec((0_usize..7, 0_usize..7), 0..3),
        ) {
            let mut catalog = sample();
            let ids: Vec<PersonId> = catalog.people.iter().map(|person| person.id.clone()).collect();
            let id = |index: usize| ids[index % ids.len()].clone();
            for (group, members) in catalog.groups.iter_mut().zip(&groups) {
                group.members = members.iter().map(|index| id(*index)).collect();
            }
            for (person, deputy) in &away {
                let deputy = id(*deputy);
                let count = catalog.people.len();
                catalog.people[*person % count].away =
                    Some(crate::catalog::Away { until: "2026-11-30".parse().unwrap(), deputy });
            }
            catalog.policy.last_editor = Some(id(editor));
            catalog.policy.last_edited_at = Some("2026-11-23T00:00:00Z".parse().unwrap());
            let co_authors: BTreeSet<_> = who[1..].iter().map(|index| id(*index)).collect();
            let requester = id(who[0]);
            let case = case(&requester, &co_authors);
            let workflow = catalog.workflow("support-answer").unwrap();
            let barred = bars(&catalog, Some(workflow), &case);
            prop_assert!(barred.contains_key(&requester) && co_authors.iter().all(|person| barred.contains_key(person)));
            match matrix(&catalog, workflow, workflow.risk, &case) {
                Ok(slots) => {
                    for slot in &slots {
                        prop_assert!(slot.eligible.union(&slot.escalation).all(|person| !barred.contains_key(person)));
                        prop_assert!(slot.eligible.is_disjoint(&slot.escalation));
                    }
                }
                Err(why) => {
                    prop_assert!(why.people.len() < why.needed);
                    prop_assert!(why.to_string().ends_with('.'));
                }
            }
        }
    }
}
