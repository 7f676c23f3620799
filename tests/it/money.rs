//! Money on real databases: digests told once, thresholds told once, a statement that ties to the calls.

use std::sync::Arc;

use bot::jobs::{budget_watch::BudgetWatch, digest::Digests, schedule::Schedules};
use chrono::{DateTime, TimeDelta, Utc};
use integrations::chat::slack::{
    Slack,
    fake::{Delivery as Way, Fake, Message, Setup},
};
use sea_orm_migration::MigratorTrait;
use tests::{
    db::{BOTH, Kind},
    desk::{Desk, desk},
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::jobs::{Handler, Runner},
    finance::period::Period,
    store::{self, calls::CallStore},
    usage::{
        attribute::Rules,
        call::Call,
        price::{PriceBook, SHIPPED, book::Origin},
        report::{Delivery, Report},
    },
    values::{Actor, Usd},
};

/// A desk with calls beside it; the clock stands on Monday, 16 November 2026, 09:00 UTC.
async fn office(kind: Kind) -> Option<(Desk, CallStore)> {
    let desk = desk(kind).await?;
    let url = match kind {
        Kind::Sqlite => format!("sqlite://{}", desk.fresh.folder.path().join("calls.db").display()),
        Kind::Postgres => desk.fresh.url.clone(),
    };
    let calls = CallStore::open(&url, 4, Arc::new(desk.clock.clone()))
        .await
        .unwrap();
    migrations::calls::Migrator::up(&calls.for_migrations(), None)
        .await
        .unwrap();
    calls.prepare().await.unwrap();
    Some((desk, calls))
}

/// `count` calls of a workflow, an hour apart from `from` on, each of a million tokens in: $5 on gpt-4o-2024-05-13.
async fn traffic(desk: &Desk, calls: &CallStore, tag: Option<&str>, from: &str, count: i64) {
    let from: DateTime<Utc> = from.parse().unwrap();
    let reports = (0..count).map(|number| {
        let name = format!("{}-{from}-{number}", tag.unwrap_or("untagged"));
        let mut call = Call::new("tests", &name, from + TimeDelta::hours(number));
        call.provider = Some("openai".to_owned());
        call.route_model = Some("gpt-4o-2024-05-13".to_owned());
        call.input_tokens = Some(1_000_000);
        call.output_tokens = Some(0);
        call.tags = tag.iter().map(|tag| format!("workflow:{tag}")).collect();
        if tag.is_none() {
            call.beside.key_alias = Some("batch-7".to_owned());
        }
        Report { call, content: None }
    });
    let delivery = Delivery {
        reports: reports.collect(),
        ..Delivery::default()
    };
    let mut prices = PriceBook::default();
    prices.add_map(Origin::List, SHIPPED).unwrap();
    let (_, catalog) = desk.engine.catalog().await.unwrap();
    let rules = Arc::new(Rules::of(&catalog, prices));
    calls.record("tests", delivery, rules, 1000).await.unwrap();
}

/// The two weeks before: last week support-answer spent $50, and untagged calls $10.
async fn two_weeks(desk: &Desk, calls: &CallStore) {
    traffic(desk, calls, Some("support-answer"), "2026-11-03T08:00:00Z", 12).await;
    traffic(desk, calls, Some("support-answer"), "2026-11-10T08:00:00Z", 10).await;
    traffic(desk, calls, None, "2026-11-11T08:00:00Z", 2).await;
}

fn schedules(desk: &Desk) -> Schedules {
    let lines = bot::config::Schedule {
        weekly_digest: "0 0 9 * * Mon".to_owned(),
        budgets: "0 10 * * * *".to_owned(),
        housekeeping: "0 30 3 * * *".to_owned(),
        checkpoint: "0 0 0 1 1 *".to_owned(),
        seal_rows: "0 0 0 1 1 *".to_owned(),
    };
    Schedules::new(desk.engine.clone(), &lines).unwrap()
}

async fn run_jobs(desk: &Desk, handlers: Vec<Arc<dyn Handler>>) {
    let runner = Runner::new(desk.engine.clone(), handlers);
    let stop = CancellationToken::new();
    while runner.step(&stop).await.unwrap() > 0 {
        runner.settle().await;
    }
    runner.settle().await;
}

/// The stand-in Slack and the adapter that speaks to it.
async fn slack(desk: &Desk) -> (Fake, Arc<Slack>) {
    let fake = Fake::start(Setup::new(Way::Sockets), Arc::new(desk.clock.clone()))
        .await
        .unwrap();
    let adapter = Slack::new(&fake.config()).unwrap();
    (fake, Arc::new(adapter))
}

/// What stands in the finance channel, threads left out.
fn posted(fake: &Fake) -> Vec<String> {
    fake.roots("ai-spend").iter().map(Message::words).collect()
}

#[tokio::test]
async fn a_week_is_told_once_whoever_asks_and_however_often() {
    for kind in BOTH {
        let Some((desk, calls)) = office(kind).await else {
            continue;
        };
        two_weeks(&desk, &calls).await;
        let (fake, platform) = slack(&desk).await;
        let folder = desk.fresh.folder.path().join("digests");
        let digests = || -> Arc<dyn Handler> {
            Arc::new(Digests::new(
                desk.engine.clone(),
                calls.clone(),
                Some(platform.clone()),
                folder.clone(),
            ))
        };
        // Two replicas see the same moment, and one of them again after a restart.
        let (mut one, mut other) = (schedules(&desk), schedules(&desk));
        let asked =
            one.tick().await.unwrap() + other.tick().await.unwrap() + schedules(&desk).tick().await.unwrap();
        assert_eq!(
            asked, 3,
            "the digest, one look at budgets, one night of housekeeping"
        );
        run_jobs(&desk, vec![digests()]).await;
        desk.clock.advance(TimeDelta::hours(5));
        one.tick().await.unwrap();
        run_jobs(&desk, vec![digests()]).await;

        let told = posted(&fake);
        assert_eq!(told.len(), 1, "{told:?}");
        let text = &told[0];
        assert!(text.contains("AI spend, week of 9 November: $60"), "{text}");
        let week = folder.join("2026-11-09-finance");
        let markdown = std::fs::read_to_string(week.join("digest.md")).unwrap();
        assert!(
            markdown.contains("$10 key \"batch-7\" (no workflow)"),
            "{markdown}"
        );
        let csv = std::fs::read_to_string(week.join("digest.csv")).unwrap();
        assert!(csv.contains("2026-11-09,total,All,60,120"), "{csv}");
        let told = store::digests::find(desk.engine.db(), "2026-11-09", "finance")
            .await
            .unwrap()
            .unwrap();
        assert!(told.sent_at.is_some());
    }
}

#[tokio::test]
async fn weeks_that_were_missed_are_made_up_for_once() {
    let Some((desk, calls)) = office(BOTH[0]).await else {
        return;
    };
    two_weeks(&desk, &calls).await;
    let mut schedules = schedules(&desk);
    desk.clock.advance(TimeDelta::days(16));
    schedules.tick().await.unwrap();
    let told = store::digests::newest(desk.engine.db(), 9).await.unwrap();
    let periods: Vec<&str> = told.iter().map(|told| told.period.as_str()).collect();
    assert_eq!(periods, ["2026-11-23"], "the last full week, not each of them");
}

#[tokio::test]
async fn before_the_first_call_nobody_is_told_anything() {
    let Some((desk, calls)) = office(BOTH[0]).await else {
        return;
    };
    let (fake, platform) = slack(&desk).await;
    schedules(&desk).tick().await.unwrap();
    let folder = desk.fresh.folder.path().join("digests");
    let digests = Digests::new(desk.engine.clone(), calls.clone(), Some(platform), folder.clone());
    run_jobs(&desk, vec![Arc::new(digests)]).await;
    assert!(posted(&fake).is_empty());
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_threshold_is_told_once_and_at_exactly_its_share() {
    for kind in BOTH {
        let Some((desk, calls)) = office(kind).await else {
            continue;
        };
        let (_, catalog) = desk.engine.catalog().await.unwrap();
        let mut catalog = catalog.as_ref().clone();
        catalog.budgets = vec![
            serde_json::from_value(serde_json::json!({"workflow": "support-answer", "monthly_usd": "100"}))
                .unwrap(),
        ];
        let admin = Actor::Service("tests".to_owned());
        desk.engine.apply_catalog(&catalog, &admin).await.unwrap();
        let (fake, platform) = slack(&desk).await;
        let watch = || -> Arc<dyn Handler> {
            Arc::new(BudgetWatch::new(
                desk.engine.clone(),
                calls.clone(),
                Some(platform.clone()),
            ))
        };
        let look = async || {
            let told = desk.engine.watch_budgets(&calls).await.unwrap();
            run_jobs(&desk, vec![watch()]).await;
            told
        };
        traffic(&desk, &calls, Some("support-answer"), "2026-11-16T00:00:00Z", 9).await;
        assert_eq!(look().await, 0, "$45 of $100");
        traffic(&desk, &calls, Some("support-answer"), "2026-11-15T00:00:00Z", 1).await;
        assert_eq!(
            (look().await, look().await),
            (1, 0),
            "$50, and the same $50 again"
        );
        traffic(&desk, &calls, Some("support-answer"), "2026-11-14T00:00:00Z", 10).await;
        assert!(look().await >= 2, "80 and 100 at once");
        assert_eq!(look().await, 0);
        let told = posted(&fake);
        let shares: Vec<&String> = told.iter().filter(|text| !text.contains("heading for")).collect();
        assert_eq!(shares.len(), 2, "{told:?}");
        assert!(
            shares[0].contains("has used 50 % of its November budget: $50 of $100"),
            "{told:?}"
        );
        assert!(
            shares[1].contains("has used its whole November budget: $100 of $100"),
            "{told:?}"
        );
        let now = desk.engine.budgets(&calls).await.unwrap();
        assert_eq!(now.standings[0].spent, Usd("100".parse().unwrap()));
    }
}

#[tokio::test]
async fn a_statement_ties_to_the_calls() {
    for kind in BOTH {
        let Some((desk, calls)) = office(kind).await else {
            continue;
        };
        two_weeks(&desk, &calls).await;
        traffic(&desk, &calls, Some("gone"), "2026-11-12T08:00:00Z", 3).await;
        let rows = desk
            .engine
            .statement(&calls, Period::month("2026-11").unwrap())
            .await
            .unwrap();
        let sum: Usd = rows.iter().map(|row| row.cost_usd).sum();
        let page = calls
            .list(&store::calls::read::Filter::default(), None, 100)
            .await
            .unwrap();
        let of_calls: Usd = page.items.iter().filter_map(|call| call.cost_usd).sum();
        assert_eq!((sum, sum.plain()), (of_calls, "135".to_owned()));
        let unallocated: Vec<(&str, &str)> = rows
            .iter()
            .filter(|row| row.allocation == "unallocated")
            .map(|row| (row.reason, row.workflow.as_str()))
            .collect();
        assert_eq!(
            unallocated,
            [("no_workflow", "")],
            "a tag of nothing the catalog has is none"
        );
    }
}
