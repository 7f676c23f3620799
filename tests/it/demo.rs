//! The demo's story, as a newcomer sees it: four changes, four endings, on the figures that were published.

use bot::{
    demo::{stage, summary},
    http::console::{change::print, pages::Pages},
    packet::csv::csv,
};
use serde_json::Value;
use workflow_engine::{store, values::ChangeNumber};

#[tokio::test(flavor = "multi_thread")]
async fn the_story_ends_as_it_should_on_the_published_figures() {
    let folder = tempfile::tempdir().unwrap();
    let stage = stage::set(folder.path(), 0).await.unwrap();
    let played = summary::play(&stage, |_| {}).await.unwrap();
    let states: Vec<_> = played
        .changes
        .iter()
        .map(|change| change["state"].as_str().unwrap())
        .collect();
    assert_eq!(
        states,
        ["policy_denied", "completed", "rejected", "policy_denied"]
    );

    let [worse, clean, dearer, elsewhere] = played.changes.as_slice() else {
        panic!("four changes");
    };
    assert_eq!(worse["verdict"]["verdict"], "not_eligible");
    assert_eq!(counts(worse, Value::Null), [1051, 55, 31, 103]);
    assert_eq!(counts(worse, "relevance".into()), [183, 22, 4, 31]);
    let reason = worse["verdict"]["reasons"][0].as_str().unwrap();
    assert!(reason.starts_with("stratum relevance: "), "{reason}");

    assert_eq!(clean["verdict"]["verdict"], "eligible");
    assert_eq!(counts(clean, Value::Null), [1046, 20, 67, 107]);
    let voters: Vec<_> = clean["slots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|slot| slot["have"].clone())
        .collect();
    assert_eq!(voters, [1, 1, 1]);

    assert!(dearer["verdict"]["cost"]["ratio"].as_f64().unwrap() > 2.0);
    let finance = dearer["slots"]
        .as_array()
        .unwrap()
        .iter()
        .find(|slot| slot["role"] == "finance");
    let concern = finance.unwrap()["concerns"][0].as_str().unwrap();
    assert!(concern.contains("list price is 40 % lower"), "{concern}");

    assert!(elsewhere["verdict"].is_null());
    assert_eq!(stage.elsewhere.prompts_received("gpt-4o-mini-2024-07-18"), 0);
    carried_away(&stage).await;
    stage.service.stop().await;
}

/// The packet of the clean change as people take it elsewhere: a page that stands alone, pictures, the pairs as a table.
async fn carried_away(stage: &stage::Stage) {
    let engine = &stage.service.engine;
    let view = engine.change_view(ChangeNumber(2)).await.unwrap().unwrap();
    let (_, catalog) = engine.catalog().await.unwrap();
    let page = print::document(&Pages::built_in().unwrap(), &view, &catalog)
        .unwrap()
        .html;
    for foreign in ["<link", "<script", " src=", "http://", "prefers-color-scheme"] {
        assert!(!page.contains(foreign), "the page holds {foreign}");
    }
    let packet = view.packet.as_ref().unwrap();
    assert!(
        page.contains(&packet.what) && page.contains(&packet.evidence),
        "{page}"
    );
    assert!(page.len() < 150_000, "{} bytes", page.len());
    assert!(
        print::pictures(&view, &catalog)
            .await
            .unwrap()
            .starts_with(b"\x89PNG")
    );
    assert!(stage.slack.file("evidence-2-rev-1.png").is_some());

    let change = store::changes::by_number(engine.db(), ChangeNumber(2))
        .await
        .unwrap()
        .unwrap()
        .change;
    let pairs = engine.pairs(&change).await.unwrap();
    let table = csv(&pairs);
    let right = |column: usize| {
        let rows = table.lines().skip(1);
        rows.filter(|row| row.split(',').nth(column) == Some("1")).count()
    };
    // a + b of today's route, a + c of the candidate.
    assert_eq!((table.lines().count(), right(3), right(4)), (1_241, 1_066, 1_113));
}

/// Both right, only today's, only the candidate's, neither: over all requests, or those of one kind.
fn counts(change: &Value, kind: Value) -> [u64; 4] {
    let endpoints = change["verdict"]["endpoints"].as_array().unwrap();
    let quality = endpoints
        .iter()
        .find(|endpoint| endpoint["endpoint"] == "quality" && endpoint["stratum"] == kind)
        .unwrap();
    ["a", "b", "c", "d"].map(|count| quality[count].as_u64().unwrap())
}
