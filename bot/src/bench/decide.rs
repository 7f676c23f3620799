//! How fast the policy answers, on one core: for a call with and without the organisation's rules, in Cedar worked out
//! anew, with reasons, and for every workflow on every route.

use std::time::{Duration, Instant};

use chrono::NaiveDate;
use serde_json::{Value, json};
use workflow_engine::{
    catalog::{Catalog, load},
    policy::{CompiledPolicy, Control, Flags, Phase, Request, Rulebook, what_if::what_if},
};

use super::figures::percentile_ms;

const WORKFLOWS: usize = 200;
const ROUTES: usize = 60;
/// Calls timed together: a clock reading takes about as long as an answer.
const BLOCK: usize = 64;

/// Rules of the organisation: five for each workflow.
const RULES: usize = 5 * WORKFLOWS;

/// Measures for `seconds`.
///
/// # Errors
/// When the built-in catalog cannot be read, which a test forbids.
pub fn run(seconds: u64) -> anyhow::Result<Value> {
    let plain = crowd()?;
    let mut ruled = plain.clone();
    ruled.policy.rules = own_rules(&plain);
    let day = NaiveDate::default() + chrono::TimeDelta::days(20_600);
    let half = Duration::from_secs(seconds.max(2)) / 2;
    let mut native = timed(&CompiledPolicy::compile(&plain, day), &calls(&plain), half);
    let compiled = CompiledPolicy::compile(&ruled, day);
    let mut cold = first_answers(&compiled, &calls(&ruled));
    let mut memoised = timed(&compiled, &calls(&ruled), half);
    let mut explained = explained(&plain, day);
    let (read, matrix, pairs) = whole_matrix(&plain, &ruled, day);
    Ok(json!({
        "bench": "decide",
        "decisions_per_s": native.per_s().round(),
        "p50_us": micros(&mut native.blocks, 0.5),
        "p99_us": micros(&mut native.blocks, 0.99),
        "policies": Control::ALL.len() + RULES,
        "workflows": WORKFLOWS,
        "routes": ROUTES,
        "denied_share": native.denied as f64 / native.answered as f64,
        "memoised_p50_us": micros(&mut memoised.blocks, 0.5),
        "memoised_p99_us": micros(&mut memoised.blocks, 0.99),
        "cedar_p50_us": micros(&mut cold, 0.5),
        "cedar_p99_us": micros(&mut cold, 0.99),
        "explained_p50_us": micros(&mut explained, 0.5),
        "explained_p99_us": micros(&mut explained, 0.99),
        "rules_read_ms": (read.as_secs_f64() * 1e3).round(),
        "what_if_pairs": pairs,
        "what_if_ms": (matrix.as_secs_f64() * 1e3).round(),
    }))
}

/// What a stretch of answers took.
struct Stretch {
    blocks: Vec<Duration>,
    answered: u64,
    denied: u64,
    elapsed: Duration,
}

impl Stretch {
    fn per_s(&self) -> f64 {
        self.answered as f64 / self.elapsed.as_secs_f64()
    }
}

/// Answers `calls` again and again for so long.
fn timed(compiled: &CompiledPolicy, calls: &[Call<'_>], long: Duration) -> Stretch {
    // Once without a watch: a running service has its table filled.
    for call in calls {
        std::hint::black_box(answer(compiled, call));
    }
    let mut stretch = Stretch {
        blocks: Vec::new(),
        answered: 0,
        denied: 0,
        elapsed: long,
    };
    let started = Instant::now();
    while started.elapsed() < long {
        for block in calls.chunks_exact(BLOCK) {
            let begun = Instant::now();
            let refused = block
                .iter()
                .filter(|call| std::hint::black_box(answer(compiled, call)) != 0)
                .count();
            stretch.blocks.push(begun.elapsed() / BLOCK as u32);
            stretch.answered += BLOCK as u64;
            stretch.denied += refused as u64;
        }
    }
    stretch.elapsed = started.elapsed();
    stretch
}

/// The first answer for each of 2,000 pairs: Cedar is asked.
fn first_answers(compiled: &CompiledPolicy, calls: &[Call<'_>]) -> Vec<Duration> {
    let first = calls.iter().take(2_000).map(|call| {
        let begun = Instant::now();
        std::hint::black_box(answer(compiled, call));
        begun.elapsed()
    });
    first.collect()
}

/// Every workflow on every route without and with the organisation's rules: the time to read the rules, the time for
/// the comparison, and the number of pairs.
fn whole_matrix(plain: &Catalog, ruled: &Catalog, day: NaiveDate) -> (Duration, Duration, usize) {
    let begun = Instant::now();
    std::hint::black_box(Rulebook::new(ruled));
    let read = begun.elapsed();
    let begun = Instant::now();
    let said = what_if(Some(plain), ruled, (Phase::Admission, day));
    (read, begun.elapsed(), said.cells.len())
}

/// Five rules for each workflow, as teams write them: some forbid, one of twenty looks at the budget.
fn own_rules(catalog: &Catalog) -> String {
    let mut text = String::new();
    for (index, workflow) in catalog.workflows.iter().enumerate() {
        let scope = format!("principal == Gov::Workflow::\"{}\", action", workflow.id);
        let bodies = [
            "when { resource.model like \"*preview*\" }".to_owned(),
            "when { resource has region && resource.region == \"ap\" }".to_owned(),
            format!("when {{ resource.hop > {} }}", 1 + index % 3),
            "when { context.budget == \"exhausted\" && resource.provider == \"anthropic\" }".to_owned(),
            "unless { resource.model_listed && resource.model_pinned }".to_owned(),
        ];
        for (number, body) in bodies.iter().enumerate() {
            text.push_str(&format!(
                "@id(\"w{index}-{number}\") forbid ({scope}, resource) {body};\n"
            ));
        }
    }
    text
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

    #[test]
    fn the_rules_of_the_bench_can_be_read() {
        let rules = own_rules(&crowd().unwrap());
        let read = workflow_engine::policy::cedar::rules::OwnRules::parse(&rules).unwrap();
        assert_eq!(read.all().len(), RULES);
    }
}
