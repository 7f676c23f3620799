//! Which workflow a call belongs to: the catalog's ordered rules over what the call and the spans above it say.

use std::collections::HashSet;

use super::call::Call;
use crate::catalog::{Catalog, MappingRule};
use crate::values::WorkflowId;

/// The catalog's rules and the workflows that exist.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    rules: Vec<MappingRule>,
    workflows: HashSet<String>,
}

/// What one record says of itself: the call first, then every span above it, the nearest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Tags.
    pub tags: Vec<String>,
    /// Workflow names, the most telling first.
    pub names: Vec<String>,
}

/// The workflow of a call and the rule that said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The workflow.
    pub workflow: WorkflowId,
    /// The name of the rule.
    pub rule: String,
}

impl Marks {
    /// What stands on the call itself.
    #[must_use]
    pub fn of(call: &Call) -> Self {
        Self {
            tags: call.tags.clone(),
            names: call.beside.names.clone(),
        }
    }
}

impl Mapping {
    /// The rules of that catalog.
    #[must_use]
    pub fn of(catalog: &Catalog) -> Self {
        Self {
            rules: catalog.mapping.clone(),
            workflows: catalog
                .workflows
                .iter()
                .map(|w| w.id.as_str().to_owned())
                .collect(),
        }
    }

    /// The catalog's rules over workflows that are given by name: for tests.
    #[cfg(test)]
    pub(crate) fn with_workflows<'a>(
        catalog: &Catalog,
        workflows: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            rules: catalog.mapping.clone(),
            workflows: workflows.into_iter().map(str::to_owned).collect(),
        }
    }

    /// The first rule that matches and names a workflow of the catalog; none if there is no such rule. What a record
    /// states in our own format goes before every rule.
    ///
    /// Rules keep their order, with one exception: neighbouring rules over tags and span names are tried together
    /// on the call, then together on the nearest span above it, and so on, because what stands on the call itself
    /// goes before what stands above it.
    #[must_use]
    pub fn workflow(&self, call: &Call, levels: &[Marks]) -> Option<Mapped> {
        if let Some(stated) = call
            .beside
            .stated
            .as_ref()
            .filter(|id| self.workflows.contains(*id))
        {
            return Some(Mapped {
                workflow: WorkflowId(stated.clone()),
                rule: "stated".to_owned(),
            });
        }
        let mut rest = self.rules.as_slice();
        while let Some(first) = rest.first() {
            let run = rest.iter().take_while(|rule| marks(rule) == marks(first)).count();
            let (rules, tail) = rest.split_at(run);
            let found = if marks(first) {
                levels
                    .iter()
                    .find_map(|level| rules.iter().find_map(|rule| self.by_marks(rule, call, level)))
            } else {
                rules.iter().find_map(|rule| self.named(rule, call, None))
            };
            if found.is_some() {
                return found;
            }
            rest = tail;
        }
        None
    }

    fn by_marks(&self, rule: &MappingRule, call: &Call, level: &Marks) -> Option<Mapped> {
        let tags = candidates(rule.tag.as_deref(), &level.tags);
        let names = candidates(rule.span_workflow.as_deref(), &level.names);
        match (tags, names) {
            (Some(tags), None) => tags.iter().find_map(|star| self.named(rule, call, *star)),
            (None, Some(names)) => names.iter().find_map(|star| self.named(rule, call, *star)),
            (Some(tags), Some(names)) if !names.is_empty() => {
                tags.iter().find_map(|star| self.named(rule, call, *star))
            }
            _ => None,
        }
    }

    /// The rule's workflow, if its other conditions hold and the workflow exists.
    fn named(&self, rule: &MappingRule, call: &Call, star: Option<&str>) -> Option<Mapped> {
        let conditions = [
            (&rule.alias, call.requested_alias.as_deref()),
            (&rule.team, call.team.as_deref()),
            (&rule.key_alias, call.beside.key_alias.as_deref()),
            (&rule.source, Some(call.source.as_str())),
        ];
        let mut captured = star;
        for (pattern, value) in conditions {
            let Some(pattern) = pattern else { continue };
            let matched = wildcard(pattern, value?)?;
            captured = captured.or(matched);
        }
        let workflow = rule.workflow.replace("$1", captured.unwrap_or_default());
        self.workflows.contains(&workflow).then(|| Mapped {
            workflow: WorkflowId(workflow),
            rule: rule.name.clone(),
        })
    }
}

/// Whether the rule looks at tags or span names, which may stand on spans above the call too.
fn marks(rule: &MappingRule) -> bool {
    rule.tag.is_some() || rule.span_workflow.is_some()
}

/// What `*` stood for in each value that matches; none where the rule has no such pattern.
fn candidates<'a>(pattern: Option<&str>, values: &'a [String]) -> Option<Vec<Option<&'a str>>> {
    let pattern = pattern?;
    Some(
        values
            .iter()
            .filter_map(|value| wildcard(pattern, value))
            .collect(),
    )
}

/// `Some(what the star stood for)` if `value` matches `pattern`, which may hold one `*`.
fn wildcard<'a>(pattern: &str, value: &'a str) -> Option<Option<&'a str>> {
    let Some((head, tail)) = pattern.split_once('*') else {
        return (pattern == value).then_some(None);
    };
    let middle = value.strip_prefix(head)?.strip_suffix(tail)?;
    Some(Some(middle))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, change: impl FnOnce(&mut MappingRule)) -> MappingRule {
        let mut rule = MappingRule {
            name: name.to_owned(),
            workflow: "$1".to_owned(),
            ..MappingRule::default()
        };
        change(&mut rule);
        rule
    }

    fn mapping(rules: Vec<MappingRule>) -> Mapping {
        Mapping {
            rules,
            workflows: ["answer", "triage"].map(str::to_owned).into(),
        }
    }

    fn usual() -> Mapping {
        mapping(vec![
            rule("tag", |r| r.tag = Some("workflow:*".to_owned())),
            rule("span", |r| r.span_workflow = Some("*".to_owned())),
        ])
    }

    fn call() -> Call {
        Call::new("litellm", "r", chrono::DateTime::UNIX_EPOCH)
    }

    fn level(tags: &[&str], names: &[&str]) -> Marks {
        Marks {
            tags: tags.iter().map(ToString::to_string).collect(),
            names: names.iter().map(ToString::to_string).collect(),
        }
    }

    fn found(mapping: &Mapping, call: &Call, levels: &[Marks]) -> Option<(String, String)> {
        mapping.workflow(call, levels).map(|m| (m.workflow.0, m.rule))
    }

    #[test]
    fn the_first_rule_that_matches_is_kept_with_the_call() {
        let levels = [level(&["env:prod", "workflow:answer"], &["triage"])];
        assert_eq!(
            found(&usual(), &call(), &levels),
            Some(("answer".into(), "tag".into()))
        );
    }

    #[test]
    fn a_name_that_is_no_workflow_does_not_count() {
        let levels = [level(&["workflow:nobody"], &["my-agent", "triage"])];
        assert_eq!(
            found(&usual(), &call(), &levels),
            Some(("triage".into(), "span".into()))
        );
    }

    #[test]
    fn a_name_on_the_call_goes_before_a_tag_on_a_span_above() {
        let levels = [level(&[], &["triage"]), level(&["workflow:answer"], &[])];
        assert_eq!(
            found(&usual(), &call(), &levels),
            Some(("triage".into(), "span".into()))
        );
        assert_eq!(
            found(&usual(), &call(), &levels[1..]),
            Some(("answer".into(), "tag".into()))
        );
    }

    #[test]
    fn no_rule_means_no_workflow() {
        assert_eq!(
            found(&mapping(vec![]), &call(), &[level(&["workflow:answer"], &[])]),
            None
        );
        assert_eq!(found(&usual(), &call(), &[level(&["env:prod"], &[])]), None);
    }

    #[test]
    fn a_rule_may_ask_for_alias_team_key_and_source_together() {
        let mapping = mapping(vec![rule("alias", |r| {
            r.alias = Some("answer-*".to_owned());
            r.source = Some("litellm".to_owned());
            r.workflow = "answer".to_owned();
        })]);
        let mut asked = call();
        asked.requested_alias = Some("answer-eu".to_owned());
        assert_eq!(
            found(&mapping, &asked, &[]),
            Some(("answer".into(), "alias".into()))
        );
        asked.source = "other".to_owned();
        assert_eq!(found(&mapping, &asked, &[]), None);
    }
}
