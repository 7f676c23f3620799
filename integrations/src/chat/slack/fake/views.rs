//! The stand-in's dialogs and home tabs: a trigger opens one dialog, once, within three seconds.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use super::{
    api::{Call, Outcome, Refused, within_limits},
    world::{View, World},
};
use crate::chat::slack::limits;

fn take_trigger(world: &mut World, call: &Call) -> Result<(), Refused> {
    const LIVES: Duration = Duration::from_secs(3);
    let expired = world.faults.expire_triggers;
    let given = world
        .triggers
        .get_mut(call.text("trigger_id"))
        .ok_or("invalid_trigger_id")?;
    match given.take() {
        None => Err("exchanged_trigger_id".into()),
        Some(at) if expired || at.elapsed() > LIVES => Err("expired_trigger_id".into()),
        Some(_) => Ok(()),
    }
}

pub(super) fn open_view(world: &mut World, call: &Call) -> Outcome {
    let view = call.fields["view"].clone();
    within_limits(limits::view(&view))?;
    let trigger = call.text("trigger_id").to_owned();
    take_trigger(world, call)?;
    let user = trigger.split('@').nth(1).unwrap_or_default().to_owned();
    let id = format!("V{}", world.next_serial());
    let open = View {
        id: id.clone(),
        user: user.clone(),
        view: view.clone(),
        errors: BTreeMap::new(),
        typed: BTreeMap::new(),
        hash: format!("{id}.1"),
    };
    world.views.retain(|_, other| other.user != user);
    world.views.insert(id.clone(), open);
    Ok(json!({"view": {"id": id, "hash": format!("{id}.1")}}))
}

pub(super) fn update_view(world: &mut World, call: &Call) -> Outcome {
    let view = call.fields["view"].clone();
    within_limits(limits::view(&view))?;
    let serial = world.next_serial();
    let open = world.views.get_mut(call.text("view_id")).ok_or("not_found")?;
    let given = call.text("hash");
    if !given.is_empty() && given != open.hash {
        return Err("hash_conflict".into());
    }
    open.view = view;
    open.hash = format!("{}.{serial}", open.id);
    Ok(json!({"view": {"id": open.id, "hash": open.hash}}))
}

pub(super) fn publish(world: &mut World, call: &Call) -> Outcome {
    let view = call.fields["view"].clone();
    within_limits(limits::view(&view))?;
    let user = call.text("user_id");
    if !world.users.contains_key(user) {
        return Err("user_not_found".into());
    }
    world.homes.insert(user.to_owned(), view);
    Ok(json!({"view": {}}))
}
