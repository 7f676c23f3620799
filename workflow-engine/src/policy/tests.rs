//! The policy asked about the shipped example: what it permits, what it denies, and in which words.

use chrono::NaiveDate;

use crate::{
    catalog::{Catalog, sample::sample},
    evidence::sample::{gpt_to_claude, may_to_august, turbo_to_mini},
    policy::{Answer, Asked, BudgetFacts, Control, Decision, Ground, Measured, Phase, Request, Rulebook},
    shadow::analysis::report::{Report, Verdict},
    values::Usd,
};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn ask(catalog: &Catalog, (workflow, route): (&str, &str), phase: Phase, asked: Asked) -> Decision {
    let workflow = catalog.workflow(workflow).unwrap();
    let route = catalog.route(route).unwrap().route();
    let request = Request::new(catalog, workflow, &route, (phase, day("2026-11-24"))).with(asked);
    Rulebook::new(catalog).decide(&request)
}

fn measured(report: Report) -> Asked {
    Asked {
        claims_savings: true,
        measured: Some(Measured {
            report,
            on: day("2026-11-20"),
        }),
        list_input: Some(0.6),
        ..Asked::default()
    }
}

/// What stands against it, one line each.
fn against(decision: &Decision) -> String {
    let lines: Vec<_> = decision
        .against()
        .map(|finding| {
            let hop = finding
                .hop
                .as_ref()
                .map_or(String::new(), |hop| format!(" hop {}", hop.index));
            format!(
                "{}{hop} {:?}: {} {}",
                finding.control.id(),
                finding.outcome,
                finding.why,
                finding.remedy
            )
        })
        .collect();
    lines.join("\n")
}

#[test]
fn admission_asks_what_needs_no_measurement_and_lets_allowed_data_out() {
    let decision = ask(
        &sample(),
        ("support-answer", "gpt-4o-0806"),
        Phase::Admission,
        Asked::default(),
    );
    assert_eq!(decision.decision, Answer::Permit);
    assert_eq!(
        decision.determining,
        [
            "retention",
            "training-use",
            "residency",
            "provider",
            "certifications",
            "model-version",
            "capability"
        ]
    );
    assert!(decision.governance().any(|id| id == "GOV-SHD-07"));
    assert_eq!(decision.findings.len(), 14, "seven controls for each of two hops");
}

#[test]
fn a_region_that_the_data_class_forbids_is_refused_at_admission() {
    let decision = ask(
        &sample(),
        ("claims-triage", "gpt-4o-mini-0718-ap"),
        Phase::Admission,
        Asked::default(),
    );
    assert_eq!(decision.determining, ["residency"]);
    insta::assert_snapshot!(decision.sentence(), @"It would be processed in ap; Confidential data may be processed in us or eu only. Choose a route in us or eu.");
}

#[test]
fn the_clean_change_is_permitted_with_every_control_asked() {
    let decision = ask(
        &sample(),
        ("support-answer", "gpt-4o-0806"),
        Phase::Full,
        measured(may_to_august()),
    );
    assert_eq!(decision.decision, Answer::Permit, "{}", against(&decision));
    assert_eq!(decision.determining.len(), 10);
}

#[test]
fn not_eligible_denies_with_both_sentences() {
    let decision = ask(
        &sample(),
        ("claims-triage", "gpt-4o-mini-0718"),
        Phase::Full,
        measured(turbo_to_mini()),
    );
    assert_eq!(decision.determining, ["evidence"]);
    insta::assert_snapshot!(decision.sentence(), @"On average it is no worse than today within 5 points (−1.9 points, between −3.5 and −0.5), yet measurably worse. It gets one kind of request clearly wrong more often: when no tool applies, in 7.5 of 100 more cases (between 3.6 and 12.1). Keep today's route when no tool applies, choose another candidate, or have the workflow's entry say that this kind does not decide.");
    assert!(decision.governance().any(|id| id == "GOV-TST-03"));
}

#[test]
fn a_saving_by_the_list_that_costs_twice_as_much_is_denied_by_name() {
    let decision = ask(
        &sample(),
        ("support-answer", "claude-3-5-sonnet-0620"),
        Phase::Full,
        measured(gpt_to_claude()),
    );
    insta::assert_snapshot!(against(&decision), @r"
    evidence Fail: On average it is measurably worse (−6.8 points, between −9.3 and −4.3). It costs 2.1 times what it costs today (between 2.1 and 2.2). Choose another candidate.
    cost-claim Fail: It is filed to save money. The list price is 40 % lower on input, but it used 3.1 times the tokens: measured cost is 2.1 times today's. Choose another route, or file it for another reason.
    ");
}

#[test]
fn what_cannot_be_told_is_denied_unless_the_policy_accepts_it() {
    let mut report = may_to_august();
    report.verdict = Verdict::Inconclusive;
    let mut catalog = sample();
    let case = ("support-answer", "gpt-4o-0806");
    assert_eq!(
        ask(&catalog, case, Phase::Full, measured(report.clone())).determining,
        ["evidence"]
    );
    catalog.policy.accept_inconclusive = vec![catalog.workflows[0].risk];
    assert_eq!(
        ask(&catalog, case, Phase::Full, measured(report)).decision,
        Answer::Permit
    );
}

#[test]
fn in_a_tier_that_leaves_it_to_people_a_clear_no_is_said_and_passes() {
    let mut catalog = sample();
    catalog.policy.accept_not_eligible = vec![catalog.workflows[0].risk];
    let case = ("support-answer", "gpt-4o-mini-0718");
    let decision = ask(&catalog, case, Phase::Full, measured(turbo_to_mini()));
    assert_eq!(decision.decision, Answer::Permit, "{}", against(&decision));
    let said = decision
        .findings
        .iter()
        .find(|finding| finding.control == Ground::Control(Control::Evidence))
        .unwrap();
    assert!(
        said.why.contains("yet measurably worse") && said.why.contains("leaves the decision to people"),
        "{}",
        said.why
    );
    catalog.workflows[0].latency_p95_ms = Some(1_000);
    let slow = ask(&catalog, case, Phase::Full, measured(turbo_to_mini()));
    assert_eq!(
        slow.determining,
        ["evidence"],
        "the latency target holds all the same"
    );
}

#[test]
fn no_test_an_old_test_and_a_slow_candidate_are_denied() {
    let case = ("support-answer", "gpt-4o-0806");
    let mut old = measured(may_to_august());
    old.measured.as_mut().unwrap().on = day("2026-10-01");
    let mut catalog = sample();
    let mut said = vec![
        against(&ask(&catalog, case, Phase::Full, Asked::default())),
        against(&ask(&catalog, case, Phase::Full, old)),
    ];
    catalog.workflows[0].latency_p95_ms = Some(4_500);
    said.push(against(&ask(
        &catalog,
        case,
        Phase::Full,
        measured(may_to_august()),
    )));
    insta::assert_snapshot!(said.join("\n"), @r"
    evidence Unknown: Whether it answers well enough is not known: no shadow test was made. Run the shadow test.
    evidence Unknown: The shadow test is of 2026-10-01, 54 days old; evidence holds for 30 days. Run it again.
    evidence Fail: 95 of 100 calls may take up to 4.7 s; the workflow's target is 4.5 s. Choose a faster route, or have the target changed.
    ");
}

#[test]
fn unknown_and_expired_facts_deny_and_every_fallback_is_asked() {
    let mut catalog = sample();
    catalog.vendors[0]
        .facts
        .retain(|fact| fact.name != "training_use");
    catalog.vendors[1].facts[0].expires = day("2026-11-23");
    catalog.models[4].retires = Some(day("2027-01-01"));
    catalog.routes[0].fallbacks = catalog.routes[5].route().hops().cloned().collect();
    let decision = ask(
        &catalog,
        ("support-answer", "gpt-4-turbo-0409"),
        Phase::Admission,
        Asked::default(),
    );
    insta::assert_snapshot!(against(&decision), @r#"
    training-use hop 0 Unknown: Whether OpenAI trains on what it is sent is not known: nothing is on record. Add the fact `training_use` of OpenAI with its document to the catalog.
    residency hop 1 Fail: It would be processed in ap; Confidential data may be processed in us or eu only. Choose a route in us or eu.
    provider hop 1 Unknown: Whether the contract with Azure OpenAI holds is no longer known: "Example: enterprise agreement" could be relied on until 2026-11-23. Check the document again and date the fact `contract` of Azure OpenAI anew.
    model-version hop 1 Fail: gpt-4o-mini-2024-07-18 retires on 2027-01-01, in less than 90 days. Choose a model that stays longer.
    "#);
    let fallback = decision
        .against()
        .find(|finding| finding.hop.as_ref().is_some_and(|hop| hop.index == 1))
        .unwrap();
    assert!(fallback.references.contains(&"GOV-FBK-08".to_owned()));
}

#[test]
fn a_used_up_budget_stops_what_costs_more_but_never_a_saving() {
    let usd = |dollars: i64| Usd(dollars.into());
    let budget = |spent, monthly| {
        let facts = BudgetFacts {
            limit: usd(1_000),
            spent: usd(spent),
        };
        (facts, usd(monthly))
    };
    let case = ("support-answer", "gpt-4o-0806");
    let with = |report: Report, (budget, monthly)| Asked {
        budget: Some(budget),
        monthly_now: Some(monthly),
        claims_savings: false,
        ..measured(report)
    };
    let saving = ask(
        &sample(),
        case,
        Phase::Full,
        with(may_to_august(), budget(1_000, 1_700)),
    );
    assert_eq!(saving.decision, Answer::Permit, "{}", against(&saving));
    let mut dear = may_to_august();
    dear.cost.clone_from(&gpt_to_claude().cost);
    let over = ask(&sample(), case, Phase::Full, with(dear.clone(), budget(100, 700)));
    let spent = ask(&sample(), case, Phase::Full, with(dear, budget(1_000, 100)));
    insta::assert_snapshot!(format!("{}\n{}", against(&over), against(&spent)), @r"
    budget Fail: It would cost about $1,500 a month; the limit is $1,000.00. Raise the budget, or choose a cheaper route.
    budget Fail: The month's $1,000.00 are spent ($1,000.00 so far). Raise the budget, or wait for the next month.
    ");
}

#[test]
fn the_same_question_has_the_same_answer_in_json_and_back() {
    let decision = ask(
        &sample(),
        ("support-answer", "gpt-4o-0806"),
        Phase::Traffic,
        Asked::default(),
    );
    let text = serde_json::to_string(&decision).unwrap();
    assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision);
}

#[test]
fn no_alias_of_an_approved_model_may_be_named_not_even_as_a_fallback() {
    let catalog = sample();
    let aliases = catalog.models.iter().flat_map(|model| {
        let latest = format!("{}-latest", model.id);
        let names = model.aliases.iter().cloned().chain([latest]);
        names.map(|name| (model.provider.clone(), name))
    });
    let workflow = catalog.workflow("support-answer").unwrap();
    let approved = catalog.route("gpt-4o-0806").unwrap().route();
    let book = Rulebook::new(&catalog);
    for (provider, name) in aliases.collect::<Vec<_>>() {
        let mut moving = approved.primary.clone();
        (moving.provider, moving.model) = (provider, name.clone());
        for index in 0..=approved.fallbacks.len() {
            let mut route = approved.clone();
            match index {
                0 => route.primary = moving.clone(),
                index => route.fallbacks[index - 1] = moving.clone(),
            }
            for phase in [Phase::Admission, Phase::Full, Phase::Traffic] {
                let request = Request::new(&catalog, workflow, &route, (phase, day("2026-11-24")));
                let decision = book.decide(&request);
                let named = decision.against().any(|finding| {
                    finding.control == Ground::Control(Control::ModelVersion)
                        && finding.hop.as_ref().is_some_and(|hop| hop.index == index)
                });
                assert!(named, "{name} at hop {index} in {phase:?}");
            }
        }
    }
}

#[test]
fn a_used_up_cost_centre_stops_changes_and_calls_where_the_policy_asks_for_it() {
    let usd = |cents: i64| Usd(rust_decimal::Decimal::new(cents, 2));
    let asked = |spent| Asked {
        cost_center_budget: Some(BudgetFacts {
            limit: usd(100_000),
            spent: usd(spent),
        }),
        ..Asked::default()
    };
    let case = ("support-answer", "gpt-4o-0806");
    let mut catalog = sample();
    let off = ask(&catalog, case, Phase::Traffic, asked(100_000));
    assert_eq!(off.decision, Answer::Permit, "people are only told");
    catalog.policy.cost_center_budgets = true;
    let below = ask(&catalog, case, Phase::Traffic, asked(99_999));
    assert_eq!(below.decision, Answer::Permit);
    let exactly = ask(&catalog, case, Phase::Traffic, asked(100_000));
    insta::assert_snapshot!(against(&exactly), @"budget Fail: The month's $1,000.00 of cost centre CC-4100 are spent ($1,000.00 so far). Raise the cost centre's budget, or wait for the next month.");
    let saving = Asked {
        claims_savings: false,
        ..asked(100_000)
    };
    let saving = Asked {
        measured: measured(may_to_august()).measured,
        ..saving
    };
    assert_eq!(
        ask(&catalog, case, Phase::Full, saving).decision,
        Answer::Permit,
        "a measured saving is never held up"
    );
}
