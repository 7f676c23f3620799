//! What a soak prints: what was broken, what was asked, what came of it.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::{
    checker::{self, Violation},
    facts::{Answer, Facts},
    nemesis::Broken,
};

/// The result of one run.
#[derive(Clone, Debug)]
pub struct Report {
    /// How it was set up, in words.
    pub setting: String,
    /// How long things were broken.
    pub time: Duration,
    /// What was broken.
    pub broken: Broken,
    /// What is known afterwards.
    pub facts: Facts,
    /// Jobs claimed, and claims taken over from replicas that were gone or frozen.
    pub claims: (usize, usize),
    /// Results that came with a claim that others had by then.
    pub stale: usize,
    /// What must not be.
    pub violations: Vec<Violation>,
}

impl Report {
    /// Whether every rule holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, {} s of faults", self.setting, self.time.as_secs())?;
        for (fault, count) in &self.broken.faults {
            writeln!(f, "{count:>8}  {}", fault.words())?;
        }
        let sent = &self.facts.sent;
        let count =
            |kind: fn(&Answer) -> bool| sent.iter().filter(|sent| sent.answers.iter().any(kind)).count();
        let recorded = |answer: &Answer| matches!(answer, Answer::Recorded { .. });
        let again: usize = sent.iter().map(|sent| sent.answers.len() - 1).sum();
        let lost: usize = sent
            .iter()
            .flat_map(|sent| &sent.answers)
            .filter(|answer| **answer == Answer::Lost)
            .count();
        writeln!(f, "{:>8}  commands, of which", sent.len())?;
        writeln!(f, "{:>8}    acknowledged", count(recorded))?;
        writeln!(
            f,
            "{:>8}    refused by the rules",
            count(|answer| matches!(answer, Answer::Refused(_)))
        )?;
        writeln!(f, "{again:>8}  repeats under the same key")?;
        writeln!(f, "{lost:>8}  answers lost")?;
        writeln!(
            f,
            "{:>8}  changes: {}",
            self.facts.changes.len(),
            states(&self.facts)
        )?;
        writeln!(f, "{:>8}  events, all sealed", self.facts.events.len())?;
        writeln!(
            f,
            "{:>8}  jobs, claimed {} times",
            self.facts.jobs.len(),
            self.claims.0
        )?;
        writeln!(
            f,
            "{:>8}  claims taken over from replicas that were gone or frozen",
            self.claims.1
        )?;
        writeln!(f, "{:>8}  results of lost claims refused", self.stale)?;
        if let Some(effects) = &self.facts.effects {
            writeln!(f, "{:>8}  messages in the channel", effects.posts.len())?;
            writeln!(f, "{:>8}  writes at the gateway", effects.writes.len())?;
        }
        if self.holds() {
            return writeln!(f, "All {} rules hold.", checker::rules());
        }
        writeln!(f, "{} violations:", self.violations.len())?;
        self.violations
            .iter()
            .take(40)
            .try_for_each(|violation| writeln!(f, "  {violation}"))
    }
}

/// `41 completed, 3 expired`
fn states(facts: &Facts) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for change in &facts.changes {
        *counts.entry(&change.state).or_default() += 1;
    }
    let words: Vec<String> = counts
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    words.join(", ")
}
