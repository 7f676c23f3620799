//! The catalog's digest, and who edited which part last.

use chrono::{DateTime, Utc};

use super::Catalog;
use crate::values::{Digest, PersonId};

impl Catalog {
    /// The digest under which this edition is stored, and which a change names: everything counts, editors included.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // A catalog is made of text, finite numbers and lists, which always have a canonical form.
        Digest::of_json(self).unwrap_or_else(|_| Digest::of(&[]))
    }

    /// The catalog as a file says it: without the marks that applying leaves.
    #[must_use]
    pub fn unstamped(&self) -> Self {
        let mut plain = self.clone();
        plain.policy.last_editor = None;
        plain.policy.last_edited_at = None;
        for workflow in &mut plain.workflows {
            workflow.last_editor = None;
            workflow.last_edited_at = None;
        }
        plain
    }

    /// The same catalog, applied by `editor` on top of `before`: parts that differ carry their name, the others keep theirs.
    ///
    /// Whoever changes a workflow's entry, or a rule (policy, approval rules, approver groups, data classes, vendors' facts,
    /// models, prices), is barred for some days from approving what relies on it.
    #[must_use]
    pub fn stamped(&self, before: Option<&Self>, editor: Option<&PersonId>, at: DateTime<Utc>) -> Self {
        let mut stamped = self.unstamped();
        let old = before.map(Self::unstamped);
        let same_rules = old.as_ref().is_some_and(|old| rules(old) == rules(&stamped));
        let policy = before.map(|before| &before.policy).filter(|_| same_rules);
        let now = editor.map(|editor| (editor.clone(), at));
        let kept = |editor: Option<PersonId>, at: Option<DateTime<Utc>>| editor.zip(at);
        let mark = policy.map_or_else(
            || now.clone(),
            |policy| kept(policy.last_editor.clone(), policy.last_edited_at),
        );
        (stamped.policy.last_editor, stamped.policy.last_edited_at) = mark.unzip();
        for workflow in &mut stamped.workflows {
            let entry = old.as_ref().and_then(|old| old.workflow(workflow.id.as_str()));
            let same = entry == Some(&*workflow);
            let entry = before
                .and_then(|before| before.workflow(workflow.id.as_str()))
                .filter(|_| same);
            let mark = entry.map_or_else(
                || now.clone(),
                |entry| kept(entry.last_editor.clone(), entry.last_edited_at),
            );
            (workflow.last_editor, workflow.last_edited_at) = mark.unzip();
        }
        stamped
    }
}

/// The parts of a catalog that decisions rest on, beside the workflows.
fn rules(catalog: &Catalog) -> impl PartialEq + '_ {
    (
        &catalog.policy,
        &catalog.approval,
        &catalog.groups,
        &catalog.data_classes,
        &catalog.vendors,
        &catalog.models,
        &catalog.prices,
        &catalog.controls,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sample::sample;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn only_what_was_changed_carries_the_name_of_whoever_changed_it() {
        let first = sample().stamped(None, Some(&"ana".into()), at("2026-11-01T00:00:00Z"));
        let mut file = sample();
        file.workflows[1].needs_context_tokens = Some(64_000);
        let second = file.stamped(Some(&first), Some(&"jonas".into()), at("2026-11-20T00:00:00Z"));
        let editors: Vec<_> = second
            .workflows
            .iter()
            .map(|workflow| workflow.last_editor.clone().unwrap().0)
            .collect();
        assert_eq!(editors, ["ana", "jonas"]);
        assert_eq!(second.policy.last_editor, Some("ana".into()));
        file.groups[0].members.pop();
        let third = file.stamped(Some(&second), Some(&"jonas".into()), at("2026-11-21T00:00:00Z"));
        assert_eq!(third.policy.last_editor, Some("jonas".into()));
    }

    #[test]
    fn applying_the_same_file_again_gives_the_same_digest() {
        let first = sample().stamped(None, Some(&"ana".into()), at("2026-11-01T00:00:00Z"));
        let again = sample().stamped(Some(&first), Some(&"jonas".into()), at("2026-11-20T00:00:00Z"));
        assert_eq!(again.digest(), first.digest());
    }
}
