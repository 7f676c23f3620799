//! What operators are told: every alert has its page and stands on a metric that exists; the gauges are true.

use std::collections::BTreeSet;

use tests::{db::BOTH, desk::desk};
use workflow_engine::{ports::clock::Clock, store};

fn file(path: &str) -> String {
    std::fs::read_to_string(tests::root().join(path)).unwrap()
}

/// Words of `text` that begin with `governor_`, without Prometheus' suffixes of histograms.
fn metrics_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("governor_"))
        .map(|word| word.trim_end_matches("_bucket").to_owned())
        .collect()
}

#[test]
fn every_alert_has_a_page_and_stands_on_metrics_that_exist() {
    let (alerts, pages, code) = (
        file("deploy/alerts.yaml"),
        file("docs/operating.md"),
        file("bot/src/telemetry/metrics.rs"),
    );
    let known = metrics_in(&code);
    for metric in metrics_in(&alerts).union(&metrics_in(&pages)) {
        assert!(known.contains(metric), "{metric} is no metric of the program");
    }
    for metric in &known {
        assert!(
            pages.contains(metric.as_str()),
            "docs/operating.md does not say what {metric} is"
        );
    }
    let names: Vec<&str> = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(names.len() > 10);
    for name in &names {
        assert!(
            pages.contains(&format!("### {name}\n")),
            "docs/operating.md lacks {name}"
        );
        let link = format!("docs/operating.md#{}", name.to_lowercase());
        assert!(alerts.contains(&link), "{name} lacks its runbook_url");
    }
    let pages = pages.lines().filter_map(|line| line.strip_prefix("### "));
    for page in pages {
        assert!(names.contains(&page), "there is no alert {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gauges_show_what_is_due_and_what_waits_for_its_seal() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        desk.file("first").await.unwrap();
        let later = desk.clock.now().timestamp_millis() + 5_000;
        let seen = store::gauges::gauges(desk.engine.db(), later).await.unwrap();
        let admission = seen
            .jobs
            .iter()
            .find(|jobs| jobs.kind == "check_admission")
            .unwrap();
        assert_eq!(
            (admission.open, admission.due, admission.oldest_due_ms),
            (1, 1, 5_000)
        );
        assert_eq!((seen.dead, seen.unsealed, seen.seal_lag_ms), (0, 2, 5_000));
        assert!(seen.connections > seen.used_connections);
        assert_eq!(desk.engine.counts().applied.so_far(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_and_a_refused_command_are_counted_as_such() {
    let desk = desk(tests::db::Kind::Sqlite).await.unwrap();
    let number = desk.file("first").await.unwrap().number;
    let change = desk.to_review(number).await;
    let before = desk.engine.counts().applied.so_far();
    let vote = || tests::desk::approval(&change);
    let ana = || workflow_engine::values::Actor::Person("ana".into());
    desk.send(ana(), "vote", number, vote()).await.unwrap();
    desk.send(ana(), "vote", number, vote()).await.unwrap();
    desk.send(ana(), "another", number, vote()).await.unwrap_err();
    let counts = desk.engine.counts();
    let seen = (
        counts.applied.so_far() - before,
        counts.repeated.so_far(),
        counts.refused.so_far(),
    );
    assert_eq!(seen, (1, 1, 1));
}
