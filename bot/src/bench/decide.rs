//! How fast the policy answers for a call: names looked up, controls tested, on one core.

use std::time::{Duration, Instant};

use chrono::NaiveDate;
use serde_json::{Value, json};
use workflow_engine::{
    catalog::{Catalog, load},
    policy::{CompiledPolicy, Control, Flags, Phase, Request, Rulebook},
};

use super::figures::percentile_ms;

const WORKFLOWS: usize = 200;
const ROUTES: usize = 60;
/// Calls timed together: a clock reading takes about as long as an answer.
const BLOCK: usize = 64;

/// Measures for `seconds`.
///
/// # Errors
/// When the built-in catalog cannot be read, which a test forbids.
pub fn run(seconds: u64) -> anyhow::Result<Value> {
    let catalog = crowd()?;
    let day = NaiveDate::default() + chrono::TimeDelta::days(20_600);
    let compiled = CompiledPolicy::compile(&catalog, day);
    let calls = calls(&catalog);
    let end = Instant::now() + Duration::from_secs(seconds.max(1));
    let (mut blocks, mut answered, mut denied) = (Vec::new(), 0_u64, 0_u64);
    let started = Instant::now();
    'all: loop {
        for block in calls.chunks_exact(BLOCK) {
            let begun = Instant::now();
            let refused = block
                .iter()
                .filter(|call| std::hint::black_box(answer(&compiled, call)) != 0)
                .count();
            blocks.push(begun.elapsed() / BLOCK as u32);
            answered += BLOCK as u64;
            denied += refused as u64;
            if begun >= end {
                break 'all;
            }
        }
    }
    let elapsed = started.elapsed().as_secs_f64();
    let mut explained = explained(&catalog, day);
    Ok(json!({
        "bench": "decide",
        "decisions_per_s": (answered as f64 / elapsed).round(),
        "p50_us": micros(&mut blocks, 0.5),
        "p99_us": micros(&mut blocks, 0.99),
        "policies": Control::ALL.len(),
        "workflows": WORKFLOWS,
        "routes": ROUTES,
        "denied_share": denied as f64 / answered as f64,
        "explained_p50_us": micros(&mut explained, 0.5),
        "explained_p99_us": micros(&mut explained, 0.99),
    }))
}

/// A call as a gateway names it.
struct Call<'a> {
    workflow: &'a str,
    provider: &'a str,
    model: &'a str,
    region: Option<&'a str>,
    flags: Flags,
}

fn answer(compiled: &CompiledPolicy, call: &Call<'_>) -> u16 {
    let workflow = compiled.workflow_ix(call.workflow);
    let hop = compiled.hop_ix(call.provider, call.model, call.region);
    match workflow.zip(hop) {
        Some((workflow, hop)) => compiled.failed_controls(workflow, hop, call.flags),
        None => u16::MAX,
    }
}

/// Every workflow on every route, in an order that no cache likes.
fn calls(catalog: &Catalog) -> Vec<Call<'_>> {
    let count = WORKFLOWS * ROUTES;
    let mix = (0..count).map(|index| index * 7_919 % count);
    let call = |index: usize| {
        let route = &catalog.routes[index % ROUTES];
        Call {
            workflow: catalog.workflows[index / ROUTES].id.as_str(),
            provider: &route.provider,
            model: &route.model,
            region: route.region.as_deref(),
            flags: if index.is_multiple_of(50) {
                Flags::BUDGET_EXHAUSTED
            } else {
                Flags::default()
            },
        }
    };
    mix.map(call).collect()
}

/// The reading with reasons, for comparison.
fn explained(catalog: &Catalog, day: NaiveDate) -> Vec<Duration> {
    let book = Rulebook::new(catalog);
    let pairs = catalog
        .workflows
        .iter()
        .flat_map(|workflow| catalog.routes.iter().map(move |route| (workflow, route)));
    let timed = pairs.take(2_000).map(|(workflow, route)| {
        let route = route.route();
        let begun = Instant::now();
        std::hint::black_box(book.decide(&Request::new(catalog, workflow, &route, (Phase::Traffic, day))));
        begun.elapsed()
    });
    timed.collect()
}

fn micros(measured: &mut [Duration], share: f64) -> f64 {
    (percentile_ms(measured, share) * 1e6).round() / 1e3
}

/// The shipped example, grown: its workflows in all data classes, its routes in three regions and many versions.
fn crowd() -> anyhow::Result<Catalog> {
    let mut catalog = load(
        "catalog.example.toml",
        include_str!("../../../deploy/catalog.example.toml"),
    )?;
    let (workflows, routes, models) = (
        catalog.workflows.clone(),
        catalog.routes.clone(),
        catalog.models.clone(),
    );
    catalog.workflows = (0..WORKFLOWS)
        .map(|index| {
            let mut workflow = workflows[index % workflows.len()].clone();
            workflow.id = format!("workflow-{index:03}").as_str().into();
            workflow
                .data_class
                .clone_from(&catalog.data_classes[index % catalog.data_classes.len()].id);
            workflow
        })
        .collect();
    catalog.routes = (0..ROUTES)
        .map(|index| {
            let mut route = routes[index % routes.len()].clone();
            route.id = format!("route-{index:02}");
            if index >= routes.len() {
                route.model = format!("{}-{}", route.model, index / routes.len());
            }
            route.region = Some(["us", "eu", "ap"][index % 3].to_owned());
            route.fallbacks.clear();
            route
        })
        .collect();
    catalog.models = (0..=ROUTES / routes.len())
        .flat_map(|version| {
            models.iter().map(move |model| {
                let mut model = model.clone();
                if version > 0 {
                    model.id = format!("{}-{version}", model.id);
                }
                model
            })
        })
        .collect();
    Ok(catalog)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_the_bench_names_a_known_workflow_and_hop_and_some_are_denied() {
        let catalog = crowd().unwrap();
        let compiled = CompiledPolicy::compile(&catalog, "2026-11-24".parse().unwrap());
        let answers: Vec<u16> = calls(&catalog)
            .iter()
            .map(|call| answer(&compiled, call))
            .collect();
        assert_eq!(answers.len(), WORKFLOWS * ROUTES);
        assert!(answers.iter().all(|answer| *answer != u16::MAX));
        assert!(answers.contains(&0) && answers.iter().any(|answer| *answer != 0));
    }
}
