//! The organisation's own rules: what is wrong with them is said with its place, and what they decide with its reason.

use chrono::NaiveDate;

use super::rules::OwnRules;
use crate::{
    catalog::{
        Catalog, load,
        sample::{EXAMPLE, sample},
    },
    policy::{Answer, Asked, Decision, Phase, Request, Rulebook},
};

const RULES: &str = r#"
@id("claims-stay-in-the-us")
@says("Claims are looked at in the United States only.")
@remedy("Choose a route in us.")
@control("GOV-DAT-06")
forbid (principal == Gov::Workflow::"claims-triage", action, resource)
unless { resource has region && resource.region == "us" };

@id("no-fallback-to-anthropic")
forbid (principal, action, resource in Gov::Vendor::"anthropic")
when { resource.hop > 0 };

@id("support-on-cheap-models")
permit (principal in Gov::Team::"support-platform", action == Gov::Action::"full", resource)
when { context.cost == "lower" && resource.model_pinned };
"#;

fn today() -> NaiveDate {
    "2026-11-24".parse().unwrap()
}

fn with(rules: &str) -> Catalog {
    let mut catalog = sample();
    catalog.policy.rules = rules.to_owned();
    catalog
}

fn ask(catalog: &Catalog, workflow: &str, route: &str, phase: Phase) -> Decision {
    let entry = catalog.workflow(workflow).unwrap();
    let route = catalog.route(route).unwrap().route();
    let request = Request::new(catalog, entry, &route, (phase, today())).with(Asked::default());
    Rulebook::new(catalog).decide(&request)
}

fn faults(rules: &str) -> String {
    let faults = OwnRules::parse(rules).map(|_| ()).unwrap_err();
    let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn an_unknown_attribute_is_an_error_with_its_place_and_the_nearest_known_one() {
    insta::assert_snapshot!(faults("@id(\"short\")\nforbid (principal, action, resource)\nwhen { resource.retention > 30 };"), @r#"3:8: rule "short": attribute `retention` on entity type `Gov::Route` not found; did you mean "retention_days"?"#);
    insta::assert_snapshot!(faults("@id(\"a\") forbid (principal, action, resource) when { context.budgt == \"ok\" };"), @r#"1:54: rule "a": attribute `budgt` in the context not found; did you mean "budget"?"#);
}

#[test]
fn a_fact_that_may_not_be_known_must_be_asked_for_with_has() {
    insta::assert_snapshot!(faults("@id(\"short\")\nforbid (principal, action, resource)\nwhen { resource.retention_days > 30 };"), @r#"3:8: rule "short": unable to guarantee safety of access to optional attribute `retention_days` on entity type `Gov::Route` (try testing for the attribute's presence with `e has retention_days && ..`)"#);
}

#[test]
fn every_other_slip_is_said_with_its_line_too() {
    insta::assert_snapshot!(faults("@id(\"a\")\nforbid (principal, action, resource)\nwhen { resource.region = \"us\" };"), @"3:8: '=' is not a valid operator in Cedar (try using '==' instead)");
    insta::assert_snapshot!(faults("forbid (principal, action, resource);"), @r#"1:1: rule 1 of the text has no name; put @id("…") above it, so that decisions can name it"#);
    insta::assert_snapshot!(faults("@id(\"residency\") forbid (principal, action, resource);"), @r#"1:1: rule "residency": is a name of the program's own; choose another"#);
    insta::assert_snapshot!(faults("@id(\"x\") forbid (principal, action, resource);\n@id(\"x\") forbid (principal, action, resource);"), @r#"2:1: rule "x": is there twice; each rule needs a name of its own"#);
    insta::assert_snapshot!(faults("@id(\"x\") forbid (principal == ?principal, action, resource);"), @r#"1:1: rule "x": is a template; write the workflow or route out instead of a ?slot"#);
    insta::assert_snapshot!(faults("@id(\"x\") forbid (principal == Gov::Workflo::\"a\", action, resource);"), @r#"1:31: rule "x": unrecognized entity type `Gov::Workflo`; did you mean "Workflow"?"#);
    insta::assert_snapshot!(faults("@id(\"x\") forbid (principal, action == Gov::Action::\"apply\", resource);"), @r#"1:39: rule "x": unrecognized action `Gov::Action::"apply"`; known: admission, full, traffic"#);
    insta::assert_snapshot!(faults("@id(\"x\") forbid (principal, action, resource) when { resource.hop == \"1\" };"), @r#"1:54: rule "x": the types Long and String are not compatible (both operands to a `==` expression must have compatible types. Types must be exactly equal to be compatible)"#);
}

#[test]
fn a_catalog_with_a_wrong_rule_is_refused_at_the_line_of_the_file() {
    let text = EXAMPLE.replace(
        "[policy]",
        "[policy]\nrules = '''\n@id(\"short\") @control(\"GOV-DAT-66\")\nforbid (principal, action, resource)\nwhen { resource.retention > 30 };\n'''",
    );
    insta::assert_snapshot!(load("catalog.toml", &text).unwrap_err(), @r#"catalog.toml:503:8: policy.rules: rule "short": attribute `retention` on entity type `Gov::Route` not found; did you mean "retention_days"?"#);
    let cites = text.replace("resource.retention > 30", "resource.hop > 3");
    insta::assert_snapshot!(load("catalog.toml", &cites).unwrap_err(), @r#"catalog.toml:500: policy.rules: rule "short": no control "GOV-DAT-66"; did you mean "GOV-DAT-06"?"#);
}

#[test]
fn a_catalog_with_rules_and_controls_of_its_own_comes_back_from_its_export() {
    let mut catalog = with(RULES);
    catalog.controls = crate::policy::controls::shipped().to_vec();
    catalog.controls[0].refs = vec!["Our own standard 4.2".to_owned()];
    let text = crate::catalog::export(&catalog);
    assert_eq!(load("export.toml", &text).unwrap(), catalog);
}

#[test]
fn a_rule_that_forbids_adds_to_the_controls_and_is_named_with_its_words() {
    let mut catalog = with(RULES);
    catalog.workflows[1].regions.clear();
    catalog.routes[3].region = Some("eu".to_owned());
    let decision = ask(&catalog, "claims-triage", "gpt-4o-mini-0718", Phase::Admission);
    assert_eq!(decision.determining, ["claims-stay-in-the-us"]);
    insta::assert_snapshot!(decision.sentence(), @"Claims are looked at in the United States only. Choose a route in us.");
    assert!(decision.governance().any(|id| id == "GOV-DAT-06"));
    let other = ask(&catalog, "support-answer", "gpt-4o-mini-0718", Phase::Admission);
    assert_eq!(other.decision, Answer::Permit);
    assert!(
        other
            .findings
            .iter()
            .all(|finding| finding.control.id() != "claims-stay-in-the-us"),
        "sliced away"
    );
}

#[test]
fn every_fallback_hop_is_held_to_the_rules() {
    let mut catalog = with(RULES);
    let anthropic = catalog.route("claude-3-5-sonnet-0620").unwrap().route().primary;
    catalog.routes[1].fallbacks.insert(0, anthropic);
    let decision = ask(&catalog, "claims-triage", "gpt-4o-0513", Phase::Admission);
    assert_eq!(decision.determining, ["no-fallback-to-anthropic"]);
    let hop = decision.against().next().unwrap().hop.as_ref().unwrap();
    assert_eq!((hop.index, hop.provider.as_str()), (1, "anthropic"));
    let first = ask(
        &catalog,
        "claims-triage",
        "claude-3-5-sonnet-0620",
        Phase::Admission,
    );
    assert_eq!(first.decision, Answer::Permit, "{}", first.sentence());
}

#[test]
fn where_a_rule_permits_what_none_permits_is_denied_with_the_conditions_that_do_not_hold() {
    let catalog = with(RULES);
    let decision = ask(&catalog, "support-answer", "gpt-4o-0806", Phase::Full);
    assert_eq!(decision.determining, ["evidence", "support-on-cheap-models"]);
    let said = decision
        .against()
        .find(|finding| finding.control.id() == "support-on-cheap-models")
        .unwrap();
    insta::assert_snapshot!(said.why, @r#"The rule support-on-cheap-models would permit it, but this does not hold: context.cost == "lower"."#);
    let admission = ask(&catalog, "support-answer", "gpt-4o-0806", Phase::Admission);
    assert_eq!(
        admission.decision,
        Answer::Permit,
        "it says nothing about admission"
    );
}

#[test]
fn a_rule_that_cannot_be_evaluated_denies() {
    let rules = "@id(\"sum\") forbid (principal, action, resource) when { resource.hop + 9223372036854775807 > 0 && resource.hop + 9223372036854775807 < 0 };";
    let mut catalog = with(rules);
    let fallback = catalog.routes[1].route().primary;
    catalog.routes[0].fallbacks = vec![fallback];
    let decision = ask(&catalog, "support-answer", "gpt-4-turbo-0409", Phase::Admission);
    assert_eq!(decision.decision, Answer::Deny);
    insta::assert_snapshot!(decision.sentence(), @"What the organisation's own rules say is not known: error while evaluating policy `sum`: integer overflow while attempting to add the values `1` and `9223372036854775807`. Have the rules put right; `governor catalog diff` checks them.");
}

#[test]
fn rules_that_are_in_force_but_cannot_be_read_deny_everything() {
    let decision = ask(
        &with("forbid what"),
        "support-answer",
        "gpt-4o-0806",
        Phase::Admission,
    );
    assert_eq!(
        (decision.decision, decision.determining.as_slice()),
        (Answer::Deny, &["rules".to_owned()][..])
    );
}

#[test]
fn a_decision_names_the_versions_of_all_that_it_rests_on() {
    let first = ask(&sample(), "support-answer", "gpt-4o-0806", Phase::Admission);
    let second = ask(&with(RULES), "support-answer", "gpt-4o-0806", Phase::Admission);
    assert_ne!(first.policy_sha256, second.policy_sha256);
    assert_eq!(first.workflow_sha256, second.workflow_sha256);
    let mut catalog = sample();
    catalog.workflows[0].latency_p95_ms = Some(1);
    catalog.routes[2].region = Some("eu".to_owned());
    let third = ask(&catalog, "support-answer", "gpt-4o-0806", Phase::Admission);
    assert_ne!(first.workflow_sha256, third.workflow_sha256);
    assert_ne!(first.route_sha256, third.route_sha256);
    assert!(first.engine.starts_with("native/2 cedar/4."), "{}", first.engine);
    assert!(
        first
            .cites
            .iter()
            .any(|control| control.refs.contains(&"DORA 9(4)(e)".to_owned()))
    );
}
