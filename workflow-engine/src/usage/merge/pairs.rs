//! Which reports tell of the same call.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::TimeDelta;

use super::tree::{Span, Tree};
use super::{ANSWER_WINDOW, TRACE_WINDOW};
use crate::usage::call::Call;

/// How sure it is that two reports tell of one call; surer pairs are joined first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bond {
    /// Two reporters of one gateway name the same attempt of the same request.
    Attempt,
    /// The vendor's answer id is the same.
    Answer,
    /// A call span inside a call span.
    Nested,
    /// Same trace, model and outcome, and one's time lies within the other's.
    Within,
}

struct Pair {
    bond: Bond,
    distance: TimeDelta,
    a: usize,
    b: usize,
}

/// The reports by call: places in `reports`, which is ordered by start.
pub(super) fn clusters(reports: &[Call], tree: &Tree<'_>) -> Vec<Vec<usize>> {
    let mut pairs = candidates(reports, tree);
    pairs.sort_by_key(|pair| (pair.bond, pair.distance, pair.a, pair.b));
    let mut cluster_of: Vec<usize> = (0..reports.len()).collect();
    let mut members: BTreeMap<usize, Vec<usize>> =
        (0..reports.len()).map(|index| (index, vec![index])).collect();
    for pair in &pairs {
        let (one, other) = (cluster_of[pair.a], cluster_of[pair.b]);
        if one == other || !may_join(reports, pair.bond, &members[&one], &members[&other]) {
            continue;
        }
        let moved = members.remove(&other).unwrap_or_default();
        for &index in &moved {
            cluster_of[index] = one;
        }
        members.entry(one).or_default().extend(moved);
    }
    members.into_values().collect()
}

fn candidates(reports: &[Call], tree: &Tree<'_>) -> Vec<Pair> {
    let mut out = Vec::new();
    let by = |key: fn(&Call) -> Option<&str>| {
        let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, report) in reports.iter().enumerate() {
            if let Some(key) = key(report) {
                groups.entry(key).or_default().push(index);
            }
        }
        groups
    };
    let mut among = |groups: &HashMap<&str, Vec<usize>>, bond: Bond, holds: &dyn Fn(&Call, &Call) -> bool| {
        for places in groups.values() {
            for (nth, &a) in places.iter().enumerate() {
                for &b in &places[nth + 1..] {
                    if holds(&reports[a], &reports[b]) {
                        let distance = (reports[b].started_at - reports[a].started_at).abs();
                        out.push(Pair { bond, distance, a, b });
                    }
                }
            }
        }
    };
    among(
        &by(|r| r.call_group_id.as_deref().filter(|_| r.beside.gateway)),
        Bond::Attempt,
        &same_attempt,
    );
    among(&by(|r| r.response_id.as_deref()), Bond::Answer, &|a, b| {
        differ(a, b) && near(a, b, ANSWER_WINDOW)
    });
    out.extend(in_time(reports, &by(|r| r.trace_id.as_deref())));
    out.extend(nested(reports, tree));
    out
}

/// Reports without an answer id, each with every other of its trace that it may be one call with. Those that both have
/// an id are told apart by it, so that a trace of thousands of calls stays cheap.
fn in_time(reports: &[Call], traces: &HashMap<&str, Vec<usize>>) -> Vec<Pair> {
    let mut out = Vec::new();
    for places in traces.values() {
        for &bare in places
            .iter()
            .filter(|&&place| reports[place].response_id.is_none())
        {
            for &other in places {
                let (a, b) = (bare.min(other), bare.max(other));
                let counted = other < bare && reports[other].response_id.is_none();
                if a != b && !counted && within(&reports[a], &reports[b]) {
                    let distance = (reports[b].started_at - reports[a].started_at).abs();
                    out.push(Pair {
                        bond: Bond::Within,
                        distance,
                        a,
                        b,
                    });
                }
            }
        }
    }
    out
}

/// Each call span with the nearest call span above it, if both ended alike.
fn nested(reports: &[Call], tree: &Tree<'_>) -> Vec<Pair> {
    let mut out = Vec::new();
    for (b, inner) in reports.iter().enumerate() {
        let outer = tree.above(inner).into_iter().find_map(|span| match span {
            Span::Call(a, outer) => Some((a, outer)),
            Span::Note(_) => None,
        });
        let Some((a, outer)) = outer else { continue };
        if outer.status == inner.status && a != b {
            // The last attempt inside is the one whose outcome the outer span tells.
            let distance = match (outer.ended_at, inner.ended_at) {
                (Some(outer), Some(inner)) => (outer - inner).abs(),
                _ => (outer.started_at - inner.started_at).abs(),
            };
            let (a, b) = (a.min(b), a.max(b));
            out.push(Pair {
                bond: Bond::Nested,
                distance,
                a,
                b,
            });
        }
    }
    out
}

fn may_join(reports: &[Call], bond: Bond, one: &[usize], other: &[usize]) -> bool {
    let all = || one.iter().chain(other).map(|&index| &reports[index]);
    let reporters: BTreeSet<_> = all().map(reporter).collect();
    // One instrumentation may wrap itself, but it never tells the same call twice side by side.
    if bond != Bond::Nested && reporters.len() < one.len() + other.len() {
        return false;
    }
    let answers: BTreeSet<_> = all().filter_map(|report| report.response_id.as_deref()).collect();
    bond == Bond::Nested || bond == Bond::Answer || answers.len() <= 1
}

fn reporter(report: &Call) -> (&str, &str) {
    (&report.source, &report.beside.reporter)
}

fn differ(a: &Call, b: &Call) -> bool {
    reporter(a) != reporter(b)
}

fn near(a: &Call, b: &Call, window: TimeDelta) -> bool {
    (a.started_at - b.started_at).abs() <= window
}

fn agree<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    a.is_none() || b.is_none() || a == b
}

/// Two reporters of the same gateway on the same attempt: their clocks differ by little.
fn same_attempt(a: &Call, b: &Call) -> bool {
    differ(a, b)
        && near(a, b, TRACE_WINDOW)
        && a.status == b.status
        && agree(a.response_id.as_deref(), b.response_id.as_deref())
        && agree(a.route_model.as_deref(), b.route_model.as_deref())
}

fn within(a: &Call, b: &Call) -> bool {
    differ(a, b)
        && a.status == b.status
        && near(a, b, TRACE_WINDOW)
        && same_model(a, b)
        && (contains(a, b) || contains(b, a))
}

fn same_model(a: &Call, b: &Call) -> bool {
    let names = |call: &Call| {
        [&call.requested_alias, &call.route_model, &call.response_model]
            .into_iter()
            .flatten()
            .cloned()
            .collect::<BTreeSet<String>>()
    };
    !names(a).is_disjoint(&names(b))
}

fn contains(outer: &Call, inner: &Call) -> bool {
    let slack = TimeDelta::milliseconds(2);
    let end = |call: &Call| call.ended_at.unwrap_or(call.started_at);
    outer.started_at <= inner.started_at + slack && end(inner) <= end(outer) + slack
}
