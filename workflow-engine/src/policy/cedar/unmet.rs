//! Which conditions of a rule that would permit a hop do not hold for it.

use cedar_policy::{Policy, PolicySet};
use serde_json::{Value, json};

use super::{CedarFault, ask, question::Question};

/// The conditions of `policy` that do not hold, as Cedar text; its scope (who, what, where) counts as one.
///
/// # Errors
/// [`CedarFault`] when the policy has no JSON form, which every policy that was read has.
pub(super) fn unmet(policy: &Policy, question: &Question) -> Result<Vec<String>, CedarFault> {
    let form = policy.to_json().map_err(CedarFault::of)?;
    let mut parts = Vec::new();
    for condition in form["conditions"].as_array().into_iter().flatten() {
        let kind = condition["kind"].as_str().unwrap_or("when");
        match kind {
            // Each part of `a && b && c` is looked at by itself.
            "when" => split(&condition["body"], &mut parts),
            _ => parts.push(json!({"!": {"arg": condition["body"]}})),
        }
    }
    let mut failed = Vec::new();
    if !holds(&scope(&form), question)? {
        failed.push("the route that it names".to_owned());
    }
    let all = json!({"op": "All"});
    for part in parts {
        let alone = json!({
            "effect": "permit", "principal": all, "action": all, "resource": all,
            "conditions": [{"kind": "when", "body": part}],
        });
        if !holds(&alone, question)? {
            failed.push(text(&alone)?);
        }
    }
    Ok(failed)
}

fn split(body: &Value, parts: &mut Vec<Value>) {
    match body.get("&&") {
        Some(both) => {
            split(&both["left"], parts);
            split(&both["right"], parts);
        }
        None => parts.push(body.clone()),
    }
}

/// The policy without its conditions.
fn scope(form: &Value) -> Value {
    let mut scope = form.clone();
    scope["conditions"] = json!([]);
    scope
}

/// A condition that cannot be evaluated does not hold.
fn holds(form: &Value, question: &Question) -> Result<bool, CedarFault> {
    let policy = Policy::from_json(None, form.clone()).map_err(CedarFault::of)?;
    let alone = PolicySet::from_policies([policy]).map_err(CedarFault::of)?;
    Ok(ask(&alone, question).permitted)
}

/// The one condition of `form` on one line: `resource.region == "eu"`.
fn text(form: &Value) -> Result<String, CedarFault> {
    let policy = Policy::from_json(None, form.clone()).map_err(CedarFault::of)?;
    let cedar = policy.to_cedar().unwrap_or_default();
    let inside = cedar
        .split_once("when {")
        .and_then(|(_, rest)| rest.rsplit_once('}'));
    let words = inside.map_or(cedar.as_str(), |(inside, _)| inside);
    let words: Vec<_> = words.split_whitespace().collect();
    Ok(words.join(" "))
}
