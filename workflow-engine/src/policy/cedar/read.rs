//! Reads the organisation's rules, and says everything that is wrong with them, each with its line and column.

use std::{collections::BTreeSet, fmt, str::FromStr as _};

use cedar_policy::{
    Policy, PolicyId, PolicySet, SchemaFragment, ValidationMode, Validator, ffi::DetailedError,
};

use super::{
    SCHEMA, SCHEMA_TEXT,
    rules::{Rule, permits},
    shipped,
};
use crate::catalog::fault::nearest;

/// One thing that is wrong with the rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleFault {
    /// The line of the text, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// The rule's id, if it has one.
    pub rule: Option<String>,
    /// What is wrong.
    pub what: String,
    /// The known name that looks most like what was written.
    pub nearest: Option<String>,
}

impl fmt::Display for RuleFault {
    /// `3:14: rule "eu-only": attribute … not found; did you mean "retention_days"?`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.sentence())?;
        match &self.nearest {
            Some(name) => write!(f, "; did you mean \"{name}\"?"),
            None => Ok(()),
        }
    }
}

impl RuleFault {
    /// What is wrong, with the rule's name before it.
    #[must_use]
    pub fn sentence(&self) -> String {
        match &self.rule {
            Some(rule) => format!("rule \"{rule}\": {}", self.what),
            None => self.what.clone(),
        }
    }
}

/// The rules of `text`, if nothing is wrong with any of them.
pub(super) fn read(text: &str) -> Result<Vec<Rule>, Vec<RuleFault>> {
    let set = PolicySet::from_str(text).map_err(|errors| {
        let each = errors
            .iter()
            .map(|error| fault(text, None, &DetailedError::from(error)));
        each.collect::<Vec<_>>()
    })?;
    let mut faults = Vec::new();
    for template in set.templates() {
        let what = "is a template; write the workflow or route out instead of a ?slot".to_owned();
        faults.push(at(text, template.annotation("id"), what));
    }
    let mut policies: Vec<&Policy> = set.policies().collect();
    // Cedar numbers them in the order of the text.
    policies.sort_by_key(|policy| number(policy.id()));
    let mut ids = BTreeSet::new();
    let rules: Vec<Rule> = policies
        .iter()
        .filter_map(|policy| named(text, policy, &mut ids, &mut faults))
        .collect();
    faults.extend(strict(text, &set));
    if !faults.is_empty() {
        faults.sort();
        faults.dedup();
        return Err(faults);
    }
    Ok(rules)
}

/// Cedar's own number of a policy: `policy7` is the eighth of the text.
fn number(id: &PolicyId) -> usize {
    id.to_string()
        .trim_start_matches("policy")
        .parse()
        .unwrap_or(usize::MAX)
}

/// The rule with its id and controls looked at.
fn named(
    text: &str,
    policy: &Policy,
    ids: &mut BTreeSet<String>,
    faults: &mut Vec<RuleFault>,
) -> Option<Rule> {
    let Some(id) = policy.annotation("id").filter(|id| !id.trim().is_empty()) else {
        let what = format!(
            "rule {} of the text has no name; put @id(\"…\") above it, so that decisions can name it",
            number(policy.id()).saturating_add(1)
        );
        faults.push(at(text, None, what));
        return None;
    };
    if !ids.insert(id.to_owned()) {
        faults.push(at(
            text,
            Some(id),
            "is there twice; each rule needs a name of its own".to_owned(),
        ));
    }
    let taken = matches!(id, "rules" | "policy-change");
    if taken || shipped::policies().policy(&PolicyId::new(id)).is_some() {
        faults.push(at(
            text,
            Some(id),
            "is a name of the program's own; choose another".to_owned(),
        ));
    }
    let controls: Vec<String> = policy
        .annotation("control")
        .into_iter()
        .flat_map(|ids| ids.split([' ', ',']))
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect();
    let note = |key: &str| policy.annotation(key).map(str::to_owned);
    Some(Rule {
        id: id.to_owned(),
        permits: permits(policy),
        says: note("says"),
        remedy: note("remedy"),
        controls,
        policy: policy.new_id(PolicyId::new(id)),
    })
}

/// Cedar's strict check against the schema; a rule that can never apply is a fault too.
fn strict(text: &str, set: &PolicySet) -> Vec<RuleFault> {
    let checked = Validator::new(SCHEMA.clone()).validate(set, ValidationMode::Strict);
    let name = |id: &PolicyId| set.annotation(id, "id").map(str::to_owned);
    let errors = checked
        .validation_errors()
        .map(|error| fault(text, name(error.policy_id()), &DetailedError::from(error)));
    let warnings = checked
        .validation_warnings()
        .map(|warning| fault(text, name(warning.policy_id()), &DetailedError::from(warning)));
    let mut faults: Vec<RuleFault> = errors.chain(warnings).collect();
    // What follows from another fault of the same rule is noise.
    let causes: BTreeSet<_> = faults
        .iter()
        .filter(|fault| !follows(fault))
        .map(|fault| fault.rule.clone())
        .collect();
    faults.retain(|fault| !follows(fault) || !causes.contains(&fault.rule));
    faults
}

/// Whether it may be the consequence of a wrong name alone.
fn follows(fault: &RuleFault) -> bool {
    fault.what.starts_with("unable to find an applicable action")
        || fault.what.starts_with("policy is impossible")
}

/// What Cedar says, without the numbers that it gives to policies.
fn fault(text: &str, rule: Option<String>, error: &DetailedError) -> RuleFault {
    let label = error.source_locations.first();
    let (line, column) = label.map_or((1, 1), |label| place(text, label.loc.start));
    let mut what = unnumbered(&error.message).to_owned();
    // The same slip counts once, not once for each action.
    if let Some((start, _)) = what.split_once(" in context for ") {
        what = format!("{start} in the context not found");
    }
    let known = known(&what);
    let nearest = known.as_ref().and_then(|(written, known)| near(written, known));
    let help = error.help.as_deref().map(unnumbered);
    match (help.filter(|help| !help.starts_with("did you mean")), &known) {
        (_, Some((_, known))) if nearest.is_none() && known.len() < 10 => {
            what = format!("{what}; known: {}", known.join(", "));
        }
        (Some(help), None) => what = format!("{what} ({help})"),
        _ => {}
    }
    RuleFault {
        line,
        column,
        rule,
        what,
        nearest,
    }
}

/// `for policy `policy0`, what is wrong` without its beginning.
fn unnumbered(message: &str) -> &str {
    let parts = message
        .split_once("`, ")
        .filter(|(start, _)| start.starts_with("for policy `"));
    parts.map_or(message, |(_, rest)| rest)
}

/// The unknown word that `what` is about, and the words that are known in its place.
fn known(what: &str) -> Option<(String, Vec<String>)> {
    let quoted: Vec<&str> = what.split('`').skip(1).step_by(2).collect();
    let last = |text: &str| {
        text.rsplit("::")
            .next()
            .unwrap_or_default()
            .trim_matches('"')
            .to_owned()
    };
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let first = quoted.first()?;
    if what.starts_with("unrecognized entity type") {
        return Some((
            last(first),
            owned(&["Workflow", "Route", "Team", "CostCenter", "Vendor"]),
        ));
    }
    if what.starts_with("unrecognized action") {
        return Some((last(first), owned(&["admission", "full", "traffic"])));
    }
    if !what.ends_with(" not found") {
        return None;
    }
    let written = first.rsplit('.').next().unwrap_or_default().to_owned();
    let kind = quoted.get(1).map(|kind| last(kind)).unwrap_or_default();
    Some((written, attributes(&kind)))
}

/// The known word that `written` was most likely meant to be; one that begins like it goes first.
fn near(written: &str, known: &[String]) -> Option<String> {
    let begins = known
        .iter()
        .find(|name| name.starts_with(written) || written.starts_with(name.as_str()));
    begins
        .cloned()
        .or_else(|| nearest(written, known.iter().map(String::as_str)).map(str::to_owned))
}

/// The attributes of an entity type, or of the context and the records for any other word.
fn attributes(kind: &str) -> Vec<String> {
    let form = SchemaFragment::from_cedarschema_str(SCHEMA_TEXT).ok();
    let form = form
        .and_then(|(fragment, _)| fragment.to_json_value().ok())
        .unwrap_or_default();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        let all = value["attributes"].as_object();
        all.into_iter().flat_map(|all| all.keys().cloned()).collect()
    };
    let entity = &form["Gov"]["entityTypes"][kind]["shape"];
    if entity.is_object() {
        return keys(entity);
    }
    let records = form["Gov"]["commonTypes"].as_object();
    records
        .into_iter()
        .flat_map(|all| all.values())
        .flat_map(keys)
        .collect()
}

/// A fault of a whole rule, at its `@id`.
fn at(text: &str, id: Option<&str>, what: String) -> RuleFault {
    let written = id.map(|id| format!("@id(\"{id}\")"));
    // The last one: where a name is there twice, the second is the one to change.
    let (line, column) = written
        .and_then(|written| text.rfind(&written))
        .map_or((1, 1), |start| place(text, start));
    RuleFault {
        line,
        column,
        rule: id.map(str::to_owned),
        what,
        nearest: None,
    }
}

/// Line and column of a byte of `text`.
fn place(text: &str, start: usize) -> (usize, usize) {
    let before = text.get(..start.min(text.len())).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
