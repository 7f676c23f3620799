//! The console in a browser without script: signing in, reading, deciding, and everything that may go wrong on the way.

use reqwest::{StatusCode, header};
use tests::{
    evidence::report,
    web::{Browser, Web, web, web_with},
};
use workflow_engine::{
    change::{command::Command, state::State},
    values::{ChangeNumber, PersonId, RunId},
};

/// A change that waits for approval, with its evidence.
async fn waiting(web: &Web) -> u64 {
    let number = web.desk.file("a").await.unwrap().number;
    let change = web.desk.to_review(number).await;
    web.desk
        .keep_evidence(&change, &RunId::from("run-1"), Some(report("eligible")))
        .await;
    web.seal().await;
    number.0
}

async fn body(answer: reqwest::Response) -> String {
    answer.text().await.unwrap()
}

#[tokio::test]
async fn nobody_reads_without_signing_in_and_whoever_does_comes_back_to_the_page() {
    let web = web().await;
    let mut browser = web.browser();
    let answer = browser.get("/changes?workflow=support-answer").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let to = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
    assert_eq!(to, "/auth/login?next=%2Fchanges%3Fworkflow%3Dsupport-answer");
    let page = browser.page(&to).await;
    let answer = browser.submit("/auth/login", &page, &[("person", "ana")]).await;
    assert_eq!(
        answer.headers()[header::LOCATION],
        "/changes?workflow=support-answer"
    );
}

#[tokio::test]
async fn an_approver_finds_the_change_in_the_inbox_and_decides_without_script() {
    let web = web().await;
    let number = waiting(&web).await;
    let mut priya = web.signed_in("priya").await;
    let inbox = priya.page("/").await;
    assert!(inbox.contains("One change waits for you"), "{inbox}");
    assert!(inbox.contains("Decide, for Security"));

    let path = format!("/changes/{number}");
    let page = priya.page(&path).await;
    assert!(
        page.contains("No worse than today, and it costs 43 % less"),
        "{page}"
    );
    assert!(page.contains("Why you: you are in @sec-oncall"));
    let answer = priya
        .submit(
            &format!("{path}/votes"),
            &page,
            &[("grade", "approve"), ("reason", "")],
        )
        .await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let page = priya
        .page(answer.headers()[header::LOCATION].to_str().unwrap())
        .await;
    assert!(page.contains("Your decision is recorded"), "{page}");
    assert!(page.contains("approved by Priya S."));
    assert!(priya.page("/").await.contains("Nothing waits for you"));
}

#[tokio::test]
async fn the_same_form_sent_twice_records_once() {
    let web = web().await;
    let number = waiting(&web).await;
    let mut priya = web.signed_in("priya").await;
    let page = priya.page(&format!("/changes/{number}")).await;
    let action = format!("/changes/{number}/comments");
    for _ in 0..2 {
        let answer = priya
            .submit(&action, &page, &[("text", "Is the retention agreement signed?")])
            .await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    }
    let view = web
        .desk
        .engine
        .change_view(ChangeNumber(number))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        view.events
            .iter()
            .filter(|event| event.kind == "commented")
            .count(),
        1
    );
    assert_eq!(
        view.events.last().unwrap().note.as_deref(),
        Some("Is the retention agreement signed?")
    );
}

#[tokio::test]
async fn whoever_filed_it_can_pause_and_stop_the_test_and_nobody_else_can_stop_it() {
    let web = web().await;
    let number = web.desk.file("a").await.unwrap().number;
    web.desk.to_testing(number).await;
    let path = format!("/changes/{}", number.0);
    let mut ana = web.signed_in("ana").await;
    let page = ana.page(&path).await;
    assert!(
        page.contains("Pause the test") && !page.contains("Stop the test"),
        "{page}"
    );
    let mut maya = web.signed_in("maya").await;
    let page = maya.page(&path).await;
    assert!(
        page.contains("Pause the test") && page.contains("Stop the test"),
        "{page}"
    );
    let answer = maya.submit(&format!("{path}/stop-test"), &page, &[]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(web.desk.change(number).await.state, State::ShadowFailed);
}

#[tokio::test]
async fn a_refusal_stands_above_the_page_in_plain_words_and_nothing_is_recorded() {
    let web = web().await;
    let number = waiting(&web).await;
    let action = format!("/changes/{number}/votes");
    let mut priya = web.signed_in("priya").await;
    let page = priya.page(&format!("/changes/{number}")).await;

    let no_reason = priya
        .submit(&action, &page, &[("grade", "deny"), ("reason", " ")])
        .await;
    assert_eq!(no_reason.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let fresh = body(no_reason).await;
    let back = priya.submit(&action, &page, &[("grade", "approve")]).await;
    assert_eq!(back.status(), StatusCode::CONFLICT);
    let back = body(back).await;
    assert!(
        back.contains("This form was answered before, with other words in it. Here is a fresh one."),
        "{back}"
    );
    let stale = priya
        .submit(&action, &fresh, &[("grade", "approve"), ("revision", "7")])
        .await;
    assert_eq!(stale.status(), StatusCode::CONFLICT);
    let stale = body(stale).await;
    assert!(
        stale.contains("Nothing was recorded. What you saw has changed since"),
        "{stale}"
    );

    // Maya filed it: her page has no form, so she sends what Priya's page held.
    let mut maya = web.signed_in("maya").await;
    let own = maya.page(&format!("/changes/{number}")).await;
    assert!(own.contains("You filed this request, so you can’t approve it."));
    let forged = page.replace(&csrf(&page), &csrf(&own));
    let refused = maya
        .submit(&action, &forged, &[("grade", "approve"), ("key", "maya-1")])
        .await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        web.desk.change(ChangeNumber(number)).await.state,
        State::AwaitingApproval
    );
}

fn csrf(page: &str) -> String {
    page.split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_form_without_its_secret_or_from_another_session_is_refused() {
    let web = web().await;
    let number = waiting(&web).await;
    let mut priya = web.signed_in("priya").await;
    let page = priya.page(&format!("/changes/{number}")).await;
    let action = format!("/changes/{number}/comments");
    for secret in ["", "0000", &csrf(&web.signed_in("ana").await.page("/").await)] {
        let answer = priya
            .submit(&action, &page, &[("csrf", secret), ("text", "x")])
            .await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(body(answer).await.contains("The form is not ours, or too old"));
    }
    let bare = priya.post(&action, &[]).await;
    assert_eq!(bare.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_session_ends_after_its_hours_at_sign_out_and_when_its_person_leaves() {
    let web = web().await;
    let mut ana = web.signed_in("ana").await;
    web.desk
        .clock
        .advance(chrono::Duration::hours(8) + chrono::Duration::seconds(1));
    assert_eq!(ana.get("/").await.status(), StatusCode::SEE_OTHER);

    let mut ana = web.signed_in("ana").await;
    let page = ana.page("/").await;
    assert_eq!(
        ana.submit("/auth/logout", &page, &[]).await.status(),
        StatusCode::SEE_OTHER
    );
    assert_eq!(ana.get("/").await.status(), StatusCode::SEE_OTHER);

    let mut ana = web.signed_in("ana").await;
    let mut catalog = tests::catalog::small();
    catalog
        .people
        .iter_mut()
        .find(|person| person.id == PersonId::from("ana"))
        .unwrap()
        .inactive = true;
    let admin = workflow_engine::values::Actor::Service("tests".to_owned());
    web.desk.engine.apply_catalog(&catalog, &admin).await.unwrap();
    assert_eq!(ana.get("/").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn picking_a_person_works_in_the_demo_only_and_a_link_works_once() {
    let web = web_with(|_| {}).await;
    let mut browser = web.browser();
    let page = browser.page("/auth/login").await;
    assert!(page.contains("governor token sign-in"), "{page}");
    let fields = [
        ("csrf".to_owned(), "x".to_owned()),
        ("person".to_owned(), "ana".to_owned()),
    ];
    assert_eq!(
        browser.post("/auth/login", &fields).await.status(),
        StatusCode::FORBIDDEN
    );

    let link = workflow_engine::values::Digest::of(b"secret");
    let now = workflow_engine::ports::clock::Clock::now(&web.desk.clock);
    let until = now + chrono::Duration::minutes(10);
    let db = web.desk.engine.db();
    workflow_engine::store::sessions::offer_link(db, link, PersonId::from("ana"), (now, until))
        .await
        .unwrap();
    let page = browser.page("/auth/callback?link=secret").await;
    assert!(page.contains("Sign in as Ana R."));
    assert_eq!(
        browser.submit("/auth/callback", &page, &[]).await.status(),
        StatusCode::SEE_OTHER
    );
    browser.page("/").await;
    assert_eq!(
        browser.submit("/auth/callback", &page, &[]).await.status(),
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_change_is_filed_from_the_console() {
    let web = web().await;
    let mut maya = web.signed_in("maya").await;
    let page = maya.page("/changes/new?workflow=support-answer").await;
    let fields = [
        ("workflow", "support-answer"),
        ("candidate", "gpt-4o-0806"),
        ("reason", "The newer one is cheaper."),
    ];
    let answer = maya.submit("/changes", &page, &fields).await;
    assert_eq!(answer.headers()[header::LOCATION], "/changes/1?done=filed");
    let page = maya.page("/changes/1?done=filed").await;
    assert!(
        page.contains("Policy is asked whether this data may be shown to the candidate"),
        "{page}"
    );
    assert!(page.contains("The newer one is cheaper."));

    let page = maya.page("/changes/new").await;
    let fields = [
        ("workflow", "support-answer"),
        ("candidate", "gpt-4o-0513"),
        ("reason", "x"),
    ];
    let same = maya.submit("/changes", &page, &fields).await;
    assert_eq!(same.status(), StatusCode::BAD_REQUEST);
    assert!(body(same).await.contains("Nothing was recorded."));
}

#[tokio::test]
async fn every_page_is_small_labelled_and_allows_no_foreign_script() {
    let web = web().await;
    let number = waiting(&web).await;
    let mut priya = web.signed_in("priya").await;
    let change = format!("/changes/{number}");
    let pages = [
        "/",
        "/changes",
        "/changes/new",
        &change,
        "/workflows",
        "/workflows/support-answer",
        "/ledger",
        "/ledger?entry=0",
        "/operations",
    ];
    for path in pages {
        let answer = priya.get(path).await;
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let page = body(answer).await;
        assert!(page.len() < 100_000, "{path} has {} bytes", page.len());
        assert_eq!(page.matches("<h1").count(), 1, "{path} has one heading");
        for part in [
            "<html lang=",
            "<main id=",
            "<header",
            "<nav aria-label=",
            "<title>",
            "viewport",
        ] {
            assert!(page.contains(part), "{path} lacks {part}");
        }
        assert!(
            !page.contains(" style=") && !page.contains("<style"),
            "{path} has inline styles"
        );
        assert_eq!(
            page.matches("<script").count(),
            page.matches("<script src=\"/assets/").count(),
            "{path}"
        );
        assert_eq!(unlabelled(&page), Vec::<String>::new(), "{path}");
    }
}

/// Fields without a label that names them.
fn unlabelled(page: &str) -> Vec<String> {
    let tags = ["<input", "<select", "<textarea"];
    let starts = tags
        .iter()
        .flat_map(|tag| page.match_indices(tag).map(|(at, _)| at));
    starts
        .map(|at| page[at..].split('>').next().unwrap().to_owned())
        .filter(|tag| {
            !tag.contains("type=\"hidden\"")
                && !tag.contains("type=\"radio\"")
                && !tag.contains("type=\"checkbox\"")
        })
        .filter(|tag| {
            let id = tag.split(" id=\"").nth(1).and_then(|rest| rest.split('"').next());
            !id.is_some_and(|id| page.contains(&format!("<label for=\"{id}\"")))
        })
        .collect()
}

#[tokio::test]
async fn what_is_not_there_is_a_page_for_people_with_a_way_on() {
    let web = web().await;
    let mut ana = web.signed_in("ana").await;
    for (path, says) in [
        ("/changes/77", "There is no change #77."),
        ("/workflows/support-anser", "Did you mean `support-answer`?"),
        ("/nowhere", "There is no such page or path."),
        ("/ledger?entry=99", "There is no ledger entry 99."),
        ("/changes?state=sleeping", "is no state of a change"),
    ] {
        let answer = ana.get(path).await;
        assert!(answer.status().is_client_error(), "{path}");
        let page = body(answer).await;
        assert!(page.contains("Go to your inbox"), "{path}");
        assert!(page.contains(says), "{path}: {page}");
    }
}

#[tokio::test]
async fn words_of_people_cannot_become_markup() {
    let web = web().await;
    let number = waiting(&web).await;
    let mut priya = web.signed_in("priya").await;
    let page = priya.page(&format!("/changes/{number}")).await;
    let text = "<script>alert(1)</script>";
    priya
        .submit(&format!("/changes/{number}/comments"), &page, &[("text", text)])
        .await;
    let page = priya.page(&format!("/changes/{number}")).await;
    assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
    assert!(!page.contains(text));
}

#[tokio::test]
async fn lists_are_paged_and_the_link_keeps_the_filter() {
    let web = web().await;
    for index in 0..27 {
        let number = web.desk.file(&format!("k{index}")).await.unwrap().number;
        web.desk.person("maya", number, Command::Withdraw).await.unwrap();
    }
    let mut ana = web.signed_in("ana").await;
    let first = ana.page("/changes?workflow=support-answer&state=withdrawn").await;
    assert_eq!(first.matches("data-row").count(), 25);
    let next = "/changes?workflow=support-answer&amp;state=withdrawn&amp;cursor=3";
    assert!(first.contains(next), "{first}");
    let second = ana
        .page("/changes?workflow=support-answer&state=withdrawn&cursor=3")
        .await;
    assert_eq!(second.matches("data-row").count(), 2);
}

#[tokio::test]
async fn an_open_page_hears_of_a_change_that_moves_and_misses_nothing_after_a_break() {
    let web = web().await;
    let mut ana = web.signed_in("ana").await;
    let mut stream = ana.get("/events").await;
    assert_eq!(stream.headers()[header::CONTENT_TYPE], "text/event-stream");
    let number = web.desk.file("a").await.unwrap().number;
    let heard = hear(&mut stream, "submitted").await;
    assert!(heard.contains(&format!("\"number\":{}", number.0)), "{heard}");
    drop(stream);
    web.desk.person("maya", number, Command::Withdraw).await.unwrap();
    let mut again = ana.get("/events?after=0").await;
    let heard = hear(&mut again, "withdrawn").await;
    assert!(heard.contains("\"kind\":\"filed\""), "{heard}");
}

async fn hear(stream: &mut reqwest::Response, until: &str) -> String {
    let mut heard = String::new();
    while let Some(chunk) = stream.chunk().await.unwrap() {
        heard.push_str(&String::from_utf8_lossy(&chunk));
        if heard.contains(until) {
            break;
        }
    }
    heard
}

/// Not a test: `cargo test -p tests looking -- --ignored` serves sample pages on a port that it prints, until it is stopped.
#[tokio::test]
#[ignore = "serves until it is stopped, for looking at the pages"]
async fn looking_at_the_pages() {
    let web = web().await;
    let eligible = waiting(&web).await;
    let mut priya: Browser = web.signed_in("priya").await;
    let page = priya.page(&format!("/changes/{eligible}")).await;
    let fields = [
        ("grade", "approve_with_conditions"),
        ("monthly_cap_usd", "25000"),
        ("reason", "Fine while it stays small."),
    ];
    priya
        .submit(&format!("/changes/{eligible}/votes"), &page, &fields)
        .await;
    priya
        .submit(
            &format!("/changes/{eligible}/comments"),
            &page,
            &[("text", "Does the fallback stay as it is?")],
        )
        .await;
    let mini = |key: &str| workflow_engine::engine::file::Filing {
        candidate: "gpt-4o-mini".to_owned(),
        ..tests::desk::filing(key)
    };
    let bad = web.desk.engine.file(mini("b")).await.unwrap().number;
    web.desk.to_denied(bad).await;
    let change = web.desk.change(bad).await;
    web.desk
        .keep_evidence(&change, &RunId::from("run-2"), Some(report("not_eligible")))
        .await;
    let running = web.desk.engine.file(mini("c")).await.unwrap().number;
    web.desk.to_testing(running).await;
    let change = web.desk.change(running).await;
    web.desk.keep_evidence(&change, &RunId::from("run-3"), None).await;
    web.seal().await;
    println!("{}", web.base);
    std::fs::write("/tmp/looking", &web.base).unwrap();
    std::future::pending::<()>().await;
}
