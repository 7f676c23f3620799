//! Plans: the same from the same, whatever the order; what is left out is counted; any edit is another plan.

use super::*;
use crate::shadow::{
    plan::Limits,
    samples::{head, terms},
};

fn calls() -> Vec<CallHead> {
    (0..300)
        .map(|index| CallHead {
            kind: Some(if index % 10 == 0 { "rare" } else { "usual" }.to_owned()),
            input_tokens: Some(100 + index),
            unfit: (index % 3 == 1).then_some(Unfit::CacheHit),
            ..head(&format!("t{index:03}"))
        })
        .collect()
}

fn a_hundred() -> Terms {
    Terms {
        limits: Limits {
            traces: 100,
            ..terms().limits
        },
        ..terms()
    }
}

fn readable(tools: &'static str) -> Look {
    Look {
        unfit: None,
        tools,
        language: "eng",
    }
}

/// Every call of the pool can be read.
fn frozen(terms: Terms, calls: &[CallHead]) -> (ShadowPlan, Vec<Sampled>) {
    let pool = Pool::draw(&terms, calls);
    let looks = pool
        .ids()
        .into_iter()
        .map(|id| (id, readable("one_call")))
        .collect();
    ShadowPlan::freeze(terms, pool, &looks)
}

#[test]
fn plan_and_sample_do_not_depend_on_the_order_of_the_calls() {
    let forward = frozen(a_hundred(), &calls());
    let mut reversed = calls();
    reversed.reverse();
    let backward = frozen(a_hundred(), &reversed);
    assert_eq!(forward, backward);
    assert_eq!(forward.0.digest().unwrap(), backward.0.digest().unwrap());
    assert_eq!(forward.1.len() as u64, forward.0.traces());
}

#[test]
fn what_cannot_be_replayed_is_counted_and_warned_about() {
    let (plan, sample) = frozen(a_hundred(), &calls());
    assert_eq!(plan.excluded, BTreeMap::from([("cache_hit".to_owned(), 100)]));
    assert!(
        sample
            .iter()
            .all(|sampled| sampled.trace_id[1..].parse::<u32>().unwrap() % 3 != 1)
    );
    insta::assert_snapshot!(plan.warnings().join("\n"), @r"
    Only 67 % of the recorded calls could be replayed; the calls left out may differ from the rest.
    Only 100 calls are replayed: about 449 are needed to clear an equally good model 9 times in 10.
    Only 20 calls of kind rare were recorded: too few to say much about it.
    ");
}

#[test]
fn any_edit_is_another_plan() {
    let (plan, _) = frozen(a_hundred(), &calls());
    let edited = ShadowPlan {
        alpha: 0.05,
        ..plan.clone()
    };
    assert_ne!(plan.digest().unwrap(), edited.digest().unwrap());
}

#[test]
fn calls_that_turn_out_unreadable_are_replaced_from_the_spare_ones_and_counted() {
    let terms = a_hundred();
    let pool = Pool::draw(&terms, &calls());
    let ids = pool.ids();
    let looks: BTreeMap<String, Look> = ids
        .iter()
        .enumerate()
        .map(|(index, id)| {
            let unfit = (index % 10 == 0).then_some(Unfit::Secret);
            (
                id.clone(),
                Look {
                    unfit,
                    ..readable("one_call")
                },
            )
        })
        .collect();
    let (plan, sample) = ShadowPlan::freeze(terms, pool, &looks);
    assert_eq!(plan.read, ids.len() as u64);
    assert_eq!(
        plan.unreadable["secret"],
        looks.values().filter(|look| look.unfit.is_some()).count() as u64
    );
    assert!(
        sample
            .iter()
            .all(|sampled| looks[&sampled.trace_id].unfit.is_none())
    );
    assert_eq!(sample.len() as u64, 100);
    assert!(plan.replayable_share() < 0.61, "{}", plan.replayable_share());
}

#[test]
fn kinds_told_by_contents_stand_for_their_share_of_the_window() {
    let terms = Terms {
        kinds_by: vec![KindBy::Length, KindBy::Tools],
        ..a_hundred()
    };
    let calls: Vec<CallHead> = calls().into_iter().filter(|call| call.unfit.is_none()).collect();
    let pool = Pool::draw(&terms, &calls);
    let looks = pool
        .ids()
        .into_iter()
        .enumerate()
        .map(|(index, id)| {
            (
                id,
                readable(if index % 4 == 0 {
                    "several_calls"
                } else {
                    "one_call"
                }),
            )
        })
        .collect();
    let (plan, _) = ShadowPlan::freeze(terms, pool, &looks);
    let names: Vec<&String> = plan.strata.keys().collect();
    assert_eq!(
        names,
        [
            "long/one_call",
            "long/several_calls",
            "medium/one_call",
            "medium/several_calls",
            "short/one_call",
            "short/several_calls"
        ]
    );
    let population: u64 = plan.strata.values().map(|stratum| stratum.population).sum();
    assert!(population.abs_diff(200) <= 3, "{population}");
}

#[test]
fn a_kind_with_three_calls_is_replayed_whole_and_warned_about() {
    let mut calls = calls();
    calls.extend((0..3).map(|index| CallHead {
        kind: Some("tiny".to_owned()),
        ..head(&format!("x{index}"))
    }));
    let (plan, _) = frozen(a_hundred(), &calls);
    assert_eq!((plan.strata["tiny"].n, plan.strata["tiny"].population), (3, 3));
    assert!(
        plan.warnings()
            .iter()
            .any(|warning| warning.starts_with("Only 3 calls of kind tiny"))
    );
}
