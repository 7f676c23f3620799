//! Separation of duties: who may decide on a change, for which slot, and whom to turn to instead.

use super::{
    refusal::{Bar, Facts, Refusal, RefusalCode},
    slots::Slot,
    state::Change,
};
use crate::values::{Digest, PersonId, Role};

/// Separation of duties over the whole history of the change.
pub(super) fn may_decide(change: &Change, by: &PersonId, facts: &Facts) -> Result<(), Refusal> {
    if *by == change.requester {
        return Err(Refusal::new(
            RefusalCode::OwnRequest,
            format!(
                "You filed this request, so you can't decide on it. {} can.",
                who_can(change, by)
            ),
        ));
    }
    if change.co_authors.contains(by) {
        return Err(Refusal::new(
            RefusalCode::OwnRequest,
            format!(
                "You helped to write this request, so you can't decide on it. {} can.",
                who_can(change, by)
            ),
        ));
    }
    match facts.barred.get(by) {
        None => Ok(()),
        Some(Bar::Inactive) => Err(Refusal::new(
            RefusalCode::NotEligible,
            "Your account is no longer active here.",
        )),
        Some(Bar::EditedPolicy) => Err(Refusal::new(
            RefusalCode::RecentEditor,
            format!(
                "You last edited the policy that this change relies on, so somebody else must decide. {} can.",
                who_can(change, by)
            ),
        )),
        Some(Bar::EditedWorkflow) => Err(Refusal::new(
            RefusalCode::RecentEditor,
            format!(
                "You last edited this workflow's entry, so somebody else must decide. {} can.",
                who_can(change, by)
            ),
        )),
    }
}

/// The slot that `by` may fill, and for whom, open slots first.
pub(super) fn slot_of<'change>(
    change: &'change Change,
    role: Option<Role>,
    by: &PersonId,
    facts: &Facts,
) -> Result<(&'change Slot, Option<PersonId>), Refusal> {
    let mut barred_delegator = None;
    let mut found: Vec<(&Slot, Option<PersonId>)> = Vec::new();
    for slot in change
        .slots
        .iter()
        .filter(|slot| role.is_none_or(|role| slot.role == role))
    {
        let asked = slot.open_to().any(|person| person == by);
        if asked && (facts.roles.contains(&slot.role) || slot.escalation.contains(by)) {
            found.push((slot, None));
            continue;
        }
        for delegation in change
            .delegations
            .iter()
            .filter(|it| it.role == slot.role && it.to == *by && it.until > facts.now)
        {
            if may_decide(change, &delegation.from, facts).is_err() {
                barred_delegator = Some(delegation.from.clone());
            } else if slot.open_to().any(|person| *person == delegation.from) {
                found.push((slot, Some(delegation.from.clone())));
            }
        }
    }
    let packet = change.packet.unwrap_or(Digest([0; 32]));
    found.sort_by_key(|(slot, _)| slot.is_filled(change.revision, packet));
    if let Some(slot) = found.into_iter().next() {
        return Ok(slot);
    }
    if let Some(from) = barred_delegator {
        return Err(Refusal::new(
            RefusalCode::BarredDelegator,
            format!(
                "{from}, for whom you would decide, may not decide on this change, so you can't in their place."
            ),
        ));
    }
    Err(Refusal::new(
        RefusalCode::NotEligible,
        format!(
            "You are not among the people asked here. {} can decide.",
            who_can(change, by)
        ),
    ))
}

/// Who to turn to, by group: `anyone in @platform-approvers or @sec-oncall`.
fn who_can(change: &Change, by: &PersonId) -> String {
    let packet = change.packet.unwrap_or(Digest([0; 32]));
    let open: Vec<_> = change
        .slots
        .iter()
        .filter(|slot| !slot.is_filled(change.revision, packet))
        .filter(|slot| slot.open_to().any(|person| person != by))
        .map(|slot| format!("@{}", slot.group))
        .collect();
    match open.as_slice() {
        [] => "Nobody else".to_owned(),
        groups => format!("Anyone in {}", groups.join(" or ")),
    }
}
