//! The diagram of the machine, found by running it: it cannot lie.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    command::Command,
    machine::{decide, evolve},
    samples,
    state::State,
};

/// The machine as Mermaid text: every state × every sample command × every sample of facts is decided and evolved.
///
/// Transitions between the same two states share a line; commands that leave the state as it is are left out.
#[must_use]
pub fn diagram() -> String {
    let mut arrows: BTreeMap<(State, State), Vec<&'static str>> = BTreeMap::new();
    let mut leaves: BTreeSet<State> = BTreeSet::new();
    for change in samples::changes() {
        for command in samples::commands(&change) {
            for to in outcomes(&change, &command) {
                if to == change.state {
                    continue;
                }
                leaves.insert(change.state);
                let words = arrows.entry((change.state, to)).or_default();
                if !words.contains(&command.name()) {
                    words.push(command.name());
                }
            }
        }
    }
    let mut lines = vec!["stateDiagram-v2".to_owned(), "    [*] --> draft: file".to_owned()];
    for ((from, to), words) in &arrows {
        lines.push(format!(
            "    {} --> {}: {}",
            from.as_str(),
            to.as_str(),
            words.join(", ")
        ));
    }
    for state in State::ALL.iter().filter(|state| !leaves.contains(state)) {
        lines.push(format!("    {} --> [*]", state.as_str()));
    }
    lines.join("\n")
}

/// States that `command` takes `change` to, whoever of the samples sends it.
fn outcomes(change: &super::state::Change, command: &Command) -> BTreeSet<State> {
    samples::facts()
        .iter()
        .filter_map(|facts| {
            let events = decide(change, command, facts).ok()?;
            let after = events.iter().try_fold(change.clone(), |change, event| {
                evolve(Some(change), event, facts.now)
            })?;
            Some(after.state)
        })
        .collect()
}
