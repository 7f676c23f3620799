//! Hourly sums of calls: what digests and screens read instead of the rows.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::call::{Call, Status};

/// What one hourly sum is about. Unknown is an empty text, so that the key has no holes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Start of the hour, UTC.
    pub hour: DateTime<Utc>,
    /// The workflow, or empty.
    pub workflow: String,
    /// [`Call::model`], or empty.
    pub model: String,
    /// The provider, or empty.
    pub provider: String,
    /// `live`, `shadow` or `internal`: only live calls are production traffic.
    pub kind: String,
}

/// The sums. A row that is completed later takes its old figures out and puts its new ones in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Calls of any outcome.
    pub calls: i64,
    /// Of these, failed.
    pub failures: i64,
    /// Of these, refused by a guardrail.
    pub blocked: i64,
    /// Of these, answered from a gateway's cache.
    pub cache_hits: i64,
    /// Successful calls without a cost of ours.
    pub unpriced: i64,
    /// Tokens and cost by meter: input (all of it), cache read, cache write, output (all of it), reasoning.
    pub input: Meter,
    /// Of the input, read from the vendor's cache.
    pub cache_read: Meter,
    /// Of the input, written to the vendor's cache.
    pub cache_write: Meter,
    /// Tokens answered.
    pub output: Meter,
    /// Of these, reasoning.
    pub reasoning: Meter,
    /// Our cost of all meters.
    pub cost: Decimal,
    /// What reporters said.
    pub cost_reported: Decimal,
}

/// A quantity and what it cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// Tokens.
    pub quantity: i64,
    /// US dollars of the lines of that meter alone.
    pub cost: Decimal,
}

/// What `call` adds to the sums.
#[must_use]
pub fn delta(call: &Call) -> (Key, Sums) {
    let costs = &call.beside.meter_costs;
    let cost = |meter: &str| {
        costs
            .get(meter)
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    };
    let meter = |tokens: Option<u64>, name: &str| Meter {
        // No call has a thousand billion tokens: a sum must not break on a wrong figure.
        quantity: tokens.map_or(0, |tokens| i64::try_from(tokens.min(1 << 40)).unwrap_or(0)),
        cost: cost(name),
    };
    let sums = Sums {
        calls: 1,
        failures: i64::from(call.status == Status::Failure),
        blocked: i64::from(call.status == Status::Blocked),
        cache_hits: i64::from(call.cache_hit == Some(true)),
        unpriced: i64::from(call.status == Status::Success && call.cost_usd.is_none()),
        input: meter(call.input_tokens, "input"),
        cache_read: meter(call.cached_input_tokens, "cache_read"),
        cache_write: meter(call.cache_write_tokens, "cache_write"),
        output: meter(call.output_tokens, "output"),
        reasoning: meter(call.reasoning_tokens, "reasoning"),
        cost: call.cost_usd.map_or(Decimal::ZERO, |usd| usd.0),
        cost_reported: call.cost_reported_usd.map_or(Decimal::ZERO, |usd| usd.0),
    };
    (key(call), sums)
}

fn key(call: &Call) -> Key {
    let kind = match call {
        _ if call.is_shadow => "shadow",
        _ if call.is_internal => "internal",
        _ => "live",
    };
    Key {
        hour: hour(call.started_at),
        workflow: call.workflow.as_ref().map(|id| id.0.clone()).unwrap_or_default(),
        model: call.model().unwrap_or_default().to_owned(),
        provider: call.provider.clone().unwrap_or_default(),
        kind: kind.to_owned(),
    }
}

/// The start of the hour that `at` lies in.
#[must_use]
pub fn hour(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at)
}

/// Sums by key, with what cancels out left away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fold(pub BTreeMap<Key, Sums>);

impl Fold {
    /// Puts the figures of `call` in.
    pub fn put(&mut self, call: &Call) {
        let (key, sums) = delta(call);
        self.add(key, &sums);
    }

    /// Takes the figures of `call` out.
    pub fn take(&mut self, call: &Call) {
        let (key, sums) = delta(call);
        self.add(key, &sums.negated());
    }

    /// Adds `sums` under `key`.
    pub fn add(&mut self, key: Key, sums: &Sums) {
        let entry = self.0.entry(key).or_default();
        entry.add(sums);
    }

    /// Leaves away keys whose figures are all nought.
    pub fn tidy(&mut self) {
        self.0.retain(|_, sums| *sums != Sums::default());
    }
}

impl Sums {
    /// Adds `other` figure by figure.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.failures += other.failures;
        self.blocked += other.blocked;
        self.cache_hits += other.cache_hits;
        self.unpriced += other.unpriced;
        for (mine, theirs) in self.meters_mut().into_iter().zip(other.meters()) {
            mine.quantity += theirs.quantity;
            mine.cost += theirs.cost;
        }
        self.cost += other.cost;
        self.cost_reported += other.cost_reported;
    }

    /// The same figures with the other sign.
    #[must_use]
    pub fn negated(&self) -> Self {
        let mut out = Self {
            calls: -self.calls,
            failures: -self.failures,
            blocked: -self.blocked,
            cache_hits: -self.cache_hits,
            unpriced: -self.unpriced,
            cost: -self.cost,
            cost_reported: -self.cost_reported,
            ..self.clone()
        };
        for meter in out.meters_mut() {
            meter.quantity = -meter.quantity;
            meter.cost = -meter.cost;
        }
        out
    }

    /// The five meters in the order of the columns.
    #[must_use]
    pub fn meters(&self) -> [Meter; 5] {
        [
            self.input,
            self.cache_read,
            self.cache_write,
            self.output,
            self.reasoning,
        ]
    }

    fn meters_mut(&mut self) -> [&mut Meter; 5] {
        [
            &mut self.input,
            &mut self.cache_read,
            &mut self.cache_write,
            &mut self.output,
            &mut self.reasoning,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Usd, WorkflowId};

    #[test]
    fn completing_a_row_moves_its_figures_and_leaves_nothing_behind() {
        let mut call = Call::new("s", "r", "2026-11-23T05:57:34.309074Z".parse().unwrap());
        call.input_tokens = Some(22);
        call.cost_usd = Some(Usd("0.0000105".parse().unwrap()));
        call.beside
            .meter_costs
            .insert("input".to_owned(), "0.0000033".to_owned());
        let mut fold = Fold::default();
        fold.put(&call);
        let before = call.clone();
        call.workflow = Some(WorkflowId::from("answer"));
        fold.take(&before);
        fold.put(&call);
        fold.tidy();
        assert_eq!(fold.0.len(), 1);
        let (key, sums) = fold.0.first_key_value().unwrap();
        assert_eq!(key.workflow, "answer");
        assert_eq!(key.hour.to_rfc3339(), "2026-11-23T05:00:00+00:00");
        assert_eq!((sums.calls, sums.input.quantity), (1, 22));
        assert_eq!(sums.input.cost.to_string(), "0.0000033");
        assert_eq!(sums.cost.to_string(), "0.0000105");
    }
}
