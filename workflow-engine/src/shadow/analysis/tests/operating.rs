//! How often whole reports are right and wrong, simulated: false approvals at the boundary, power, false alarms, the harm stop.
//!
//! The short form runs with every test. The long one writes the table of docs/benchmarks.md:
//! `cargo test -p workflow-engine --lib operating -- --ignored --nocapture`.

use crate::shadow::{
    analysis::{
        analyze,
        pairs::{Arm, Arms, Pair},
        plan::Plan,
        report::{Outcome, Report, Verdict},
    },
    statistics::{
        sample_size::{Power, paired_non_inferiority_by_score},
        sequential::EProcess,
        splitmix::SplitMix64,
    },
};

const SEED: u64 = 20_261_124;
const ALPHA: f64 = 0.025;
const MARGIN: f64 = 0.05;

/// Shares of pairs in which only the incumbent, or only the candidate, is right.
#[derive(Clone, Copy)]
struct Truth {
    only_incumbent: f64,
    only_candidate: f64,
}

const SAME: Truth = Truth {
    only_incumbent: 0.05,
    only_candidate: 0.05,
};
const BOUNDARY: Truth = Truth {
    only_incumbent: 0.10,
    only_candidate: 0.05,
};
const HARMFUL: Truth = Truth {
    only_incumbent: 0.30,
    only_candidate: 0.02,
};

impl Truth {
    /// Whether incumbent and candidate are right in one pair.
    fn draw(self, stream: &mut SplitMix64) -> (bool, bool) {
        // The upper 53 bits are a number in [0, 1).
        let x = (stream.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        match x {
            x if x < self.only_incumbent => (true, false),
            x if x < self.only_incumbent + self.only_candidate => (false, true),
            _ => (true, true),
        }
    }
}

/// The report of `kinds` kinds of request with `each` pairs a kind.
fn report(truth: Truth, (kinds, each): (usize, usize), stream: &mut SplitMix64) -> Report {
    let arm = |ok: bool| Arm { ok, ..Arm::default() };
    let pairs: Vec<Pair> = (0..kinds * each)
        .map(|index| {
            let (incumbent, candidate) = truth.draw(stream);
            Pair {
                trace_id: index.to_string(),
                stratum: (kinds > 1).then(|| format!("kind {}", index % kinds)),
                cluster: None,
                arms: Arms {
                    incumbent: arm(incumbent),
                    candidate: arm(candidate),
                    recorded: None,
                    incumbent_repeat: None,
                },
            }
        })
        .collect();
    analyze(&Plan::default(), &pairs)
}

/// The share of `runs` reports for which `counts` holds.
fn share(runs: u32, truth: Truth, size: (usize, usize), counts: impl Fn(&Report) -> bool) -> f64 {
    let mut stream = SplitMix64::new(SEED);
    let hits = (0..runs)
        .filter(|_| counts(&report(truth, size, &mut stream)))
        .count();
    hits as f64 / f64::from(runs)
}

/// Mean number of traces until the harm stop, looked at every 20 traces; and the share of runs that it ends within 1,200.
fn harm_stop(runs: u32, truth: Truth) -> (f64, f64) {
    let mut stream = SplitMix64::new(SEED);
    let stops: Vec<usize> = (0..runs)
        .filter_map(|_| {
            let mut harm = EProcess::inferior(MARGIN, ALPHA);
            (1..=1_200).find(|trace| {
                let (incumbent, candidate) = truth.draw(&mut stream);
                harm.push(f64::from(u8::from(candidate)) - f64::from(u8::from(incumbent)));
                trace % 20 == 0 && harm.wealth() >= 1.0 / ALPHA
            })
        })
        .collect();
    let mean = stops.iter().sum::<usize>() as f64 / stops.len().max(1) as f64;
    (mean, stops.len() as f64 / f64::from(runs))
}

/// Pairs planned for power 0.9 when both models are alike.
fn planned() -> usize {
    let aim = Power {
        alpha: ALPHA,
        power: 0.9,
    };
    let n = paired_non_inferiority_by_score(SAME.only_incumbent, SAME.only_candidate, MARGIN, aim);
    usize::try_from(n.expect("alike models can be told")).expect("a few hundred")
}

/// Three standard errors of a simulated share.
fn error(share: f64, runs: u32) -> f64 {
    3.0 * (share * (1.0 - share) / f64::from(runs)).sqrt()
}

fn is_eligible(report: &Report) -> bool {
    report.verdict == Verdict::Eligible
}

fn raises_alarm(report: &Report) -> bool {
    report.verdict == Verdict::NotEligible
}

/// Holds the bars of the issue, to simulation error; gives the table's lines.
fn characteristics(runs: u32) -> String {
    let false_approval = share(runs, BOUNDARY, (1, 1_200), is_eligible);
    assert!(
        false_approval <= ALPHA + error(ALPHA, runs),
        "approved {false_approval} at the boundary"
    );
    let power = share(runs, SAME, (1, planned()), |report| {
        report.endpoints[0].outcome == Some(Outcome::NonInferior)
    });
    assert!(power >= 0.88 - error(0.88, runs), "power {power}");
    let alarms = share(runs, SAME, (20, 60), raises_alarm);
    assert!(alarms <= 0.05 + error(0.05, runs), "false alarms {alarms}");
    let (until_harm, stopped) = harm_stop(runs, HARMFUL);
    assert!(
        (40.0..=100.0).contains(&until_harm) && stopped > 0.99,
        "stopped {stopped} after {until_harm}"
    );
    let (_, harmless) = harm_stop(runs, SAME);
    assert!(
        harmless <= ALPHA + error(ALPHA, runs),
        "stopped {harmless} harmless candidates"
    );
    format!(
        "| candidate worse by exactly the margin (10 + 5 % discordant, n = 1,200): approved | ≤ 2.5 % | {:.2} % |\n\
         | alike models (5 + 5 % discordant) at the planned n = {}: non-inferior | ≥ 88 % | {:.1} % |\n\
         | alike models in 20 kinds of 60 calls: a false \"not eligible\" | ≤ 5 % | {:.2} % |\n\
         | candidate 28 points worse: harm stop after, mean | – | {until_harm:.0} calls, in {:.1} % of runs |\n\
         | alike models: harm stop by mistake within 1,200 calls | ≤ 2.5 % | {:.2} % |",
        false_approval * 100.0,
        planned(),
        power * 100.0,
        alarms * 100.0,
        stopped * 100.0,
        harmless * 100.0,
    )
}

#[test]
fn the_operating_characteristics_hold_in_a_short_simulation() {
    characteristics(150);
}

#[test]
#[ignore = "4,000 runs of each case; prints the table of docs/benchmarks.md"]
fn the_operating_characteristics_hold_in_4000_runs() {
    println!("{}", characteristics(4_000));
}
