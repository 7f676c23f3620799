//! Reads a catalog file, and says everything that is wrong with it at once.

use toml::de::DeTable;

use super::{
    Catalog,
    check::check,
    fault::{CatalogFault, CatalogFaults},
    shape::{Spots, walk},
};

/// Reads the catalog that `text` holds; `file` is the name that faults show.
///
/// # Errors
/// Everything that is wrong with it, each with its line, its field and, where a name is unknown, the nearest known one.
pub fn load(file: &str, text: &str) -> Result<Catalog, CatalogFaults> {
    let mut faults = Vec::new();
    let catalog = read(text, &mut faults);
    faults.sort();
    faults.dedup();
    match catalog {
        Some(catalog) if faults.is_empty() => Ok(catalog),
        _ => Err(CatalogFaults {
            file: file.to_owned(),
            faults,
        }),
    }
}

fn read(text: &str, faults: &mut Vec<CatalogFault>) -> Option<Catalog> {
    let (root, broken) = DeTable::parse_recoverable(text);
    // What follows a break in the syntax is mostly noise that it causes: the first one is what to mend.
    if let Some(error) = broken.first() {
        faults.push(syntax(text, error));
        return None;
    }
    let shape = walk(text, &root);
    faults.extend(shape.faults);
    if shape.torn {
        return None;
    }
    match serde_json::from_value::<Catalog>(shape.value) {
        Ok(catalog) => {
            faults.extend(check(&catalog, &shape.spots));
            Some(catalog)
        }
        // The schema lets nothing through that the types refuse; should they differ, the author still gets a sentence.
        Err(error) => {
            faults.push(at(&Spots::default(), "", format!("cannot be read: {error}")));
            None
        }
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> CatalogFault {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..start]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1;
    CatalogFault {
        line,
        column: 0,
        path: String::new(),
        what: format!("this is no TOML: {}", error.message().replace('\n', " ")),
        nearest: None,
    }
}

/// A fault at a field.
pub(super) fn at(spots: &Spots, path: &str, what: String) -> CatalogFault {
    CatalogFault {
        line: spots.line(path),
        column: 0,
        path: path.to_owned(),
        what,
        nearest: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sample::EXAMPLE;

    /// The example with every `from` replaced, and what is said about it.
    fn said(edits: &[(&str, &str)]) -> String {
        let mut text = EXAMPLE.to_owned();
        for (from, to) in edits {
            assert!(text.contains(from), "the example has no `{from}`");
            text = text.replacen(from, to, 1);
        }
        match load("catalog.toml", &text) {
            Ok(_) => "nothing".to_owned(),
            Err(faults) => faults.to_string(),
        }
    }

    #[test]
    fn the_shipped_example_loads_without_a_fault() {
        let catalog =
            load("deploy/catalog.example.toml", EXAMPLE).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(catalog.workflows.len(), 2);
        assert!(catalog.gateways.iter().all(|gateway| !gateway.apply));
    }

    #[test]
    fn an_empty_file_is_an_empty_catalog() {
        assert_eq!(load("catalog.toml", ""), Ok(Catalog::default()));
    }

    #[test]
    fn an_unknown_route_names_the_nearest_one_with_line_and_field() {
        insta::assert_snapshot!(said(&[("route = \"gpt-4o-0513\" ", "route = \"gpt-4o-0518\" ")]), @r#"catalog.toml:376: workflows[0].route: no route "gpt-4o-0518"; did you mean "gpt-4o-0513"?"#);
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        insta::assert_snapshot!(
            said(&[
                ("time_zone = \"UTC\"", "time_zone = \"Europe/Berlim\""),
                ("owner = \"lena\"", "ownr = \"lena\""),
                ("max_retention_days = 90", "max_retention_days = \"ninety\""),
                ("needs_tools = true", "needs_tools = \"yes\""),
                ("data_class = \"confidential\"", "data_class = \"confidental\""),
                ("cost_center = \"CC-4100\"\nmonthly", "cost_center = \"CC-41OO\"\nmonthly"),
                ("quality = 0.05", "quality = 5"),
                ("\"0.00001\"", "\"-0.00001\""),
                ("id = \"jonas\"", "id = \"ana\""),
                ("monthly_usd = \"25000\"", "monthly_usd = \"lots\""),
                ("kind = \"litellm\"", "kind = \"litelm\""),
            ]),
            @r#"
            catalog.toml:13: company.time_zone: no time zone "Europe/Berlim"; write it as Europe/Berlin or UTC
            catalog.toml:35: people[2].id: "ana" is there already, on line 29; each needs a name of its own
            catalog.toml:79: groups[0].members[1]: no person "jonas"; known: maya, ana, ana, priya, nadia, tomas, lena, wei
            catalog.toml:103: cost_centers[0].ownr: no such field; did you mean "owner"?
            catalog.toml:122: data_classes[1].max_retention_days: must be a whole number, not "ninety"
            catalog.toml:309: gateways[0].kind: must be one of litellm, not "litelm"
            catalog.toml:373: workflows[0].data_class: no data class "confidental"; did you mean "confidential"?
            catalog.toml:378: workflows[0].needs_tools: must be true or false, not "yes"
            catalog.toml:384: workflows[0].margins.quality: must be above 0 and at most 1, not 5
            catalog.toml:450: prices[0].prices.input_cost_per_token: must be 0 or more, not -0.00001
            catalog.toml:485: budgets[0].monthly_usd: must be an amount of dollars such as "2500" or "0.0000025", not "lots"
            catalog.toml:493: budgets[2].cost_center: no cost centre "CC-41OO"; did you mean "CC-4100"?
            "#
        );
    }

    #[test]
    fn parts_that_do_not_fit_each_other_are_reported() {
        insta::assert_snapshot!(
            said(&[
                ("members = [\"tomas\"]", "members = []"),
                ("regions = [\"us\"] ", "regions = [\"us\", \"ap\"] "),
                ("value = \"30\"", "value = \"a month\""),
                ("expires = 2028-06-30", "expires = 2025-06-30"),
                ("aliases = [\"gpt-4o-mini\"]", "pinned = false"),
                ("model = \"gpt-4o-2024-05-13\"", "model = \"gpt-4o\""),
                ("model = \"claude-3-5-sonnet-20240620\"", "model = \"claude-3-5-sonet-20240620\""),
                ("alias = \"claims-triage\"\nroute", "alias = \"support-answer\"\nroute"),
                ("span_workflow = \"*\"", "span_workflow = \"all\""),
                ("workflow = \"claims-triage\"\n\n# ", "workflow = \"claim-triage\"\n\n# "),
                ("cost_center = \"CC-4100\"\nmonthly", "workflow = \"claims-triage\"\nmonthly"),
                ("group = \"sec-oncall\"", "group = \"finance-approvers\""),
                ("needed = 2", "needed = 3"),
            ]),
            @r#"
            catalog.toml:89: groups[2].members: nobody is in @finance-approvers, so its slot could never be filled
            catalog.toml:151: vendors[0].facts[0].expires: 2025-06-30 is before as_of, 2026-01-15
            catalog.toml:155: vendors[0].facts[1].value: must be a number of days such as "30", not "a month"
            catalog.toml:325: routes[1].model: "gpt-4o" is another name of "gpt-4o-2024-08-06"; name the version
            catalog.toml:347: routes[3].model: "gpt-4o-mini-2024-07-18" is not pinned: its weights may change under you; name a dated version
            catalog.toml:353: routes[4].model: no model "claude-3-5-sonet-20240620" of anthropic; did you mean "claude-3-5-sonnet-20240620"?
            catalog.toml:367: workflows[0]: no change of it could ever be approved: Security (@finance-approvers) and Finance (@finance-approvers) need 2 different people, but only Lena H. may decide there. Add somebody to a group.
            catalog.toml:402: workflows[1].regions[1]: data class confidential may be processed in us, eu only, not in ap
            catalog.toml:404: workflows[1].alias: "support-answer on litellm-main" is there already, on line 375; a gateway cannot route one name two ways
            catalog.toml:429: mapping[1].workflow: "$1" stands for what * matched, but no field of this rule has a *
            catalog.toml:439: mapping[3].workflow: no workflow "claim-triage"; did you mean "claims-triage"?
            catalog.toml:492: budgets[2]: "workflow claims-triage" is there already, on line 488; one limit for one thing
            catalog.toml:540: approval.tiers[0].slots[1].group: @finance-approvers answers for finance, not for security
            catalog.toml:556: approval.tiers[2].slots[0].needed: asks for 3 different people, but @platform-approvers has 2
            "#
        );
    }

    #[test]
    fn one_person_who_is_everything_can_approve_nothing() {
        insta::assert_snapshot!(
            said(&[
                ("members = [\"priya\", \"nadia\"]", "members = [\"wei\"]"),
                ("owner = \"lena\"", ""),
                ("owner = \"lena\"", ""),
            ]),
            @"catalog.toml:395: workflows[1]: no change of it could ever be approved: Security (@sec-oncall) and Owner need 2 different people, but only Wei C. may decide there. Add somebody to a group."
        );
    }

    #[test]
    fn text_that_is_no_toml_says_where() {
        insta::assert_snapshot!(said(&[("[company]", "[company")]), @"catalog.toml:10: this is no TOML: unclosed table, expected `]`");
    }

    #[test]
    fn whoever_applies_the_catalog_is_not_for_the_file_to_say() {
        insta::assert_snapshot!(said(&[("[policy]", "[policy]\nlast_editor = \"ana\"")]), @"catalog.toml:500: policy.last_editor: is filled in when the catalog is applied; leave it out");
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_loader(cut in 0..EXAMPLE.len(), noise in "\\PC{0,12}") {
            let at = (0..=cut).rev().find(|at| EXAMPLE.is_char_boundary(*at)).unwrap_or(0);
            let text = format!("{}{noise}{}", &EXAMPLE[..at], &EXAMPLE[at..]);
            if let Err(faults) = load("catalog.toml", &text) {
                proptest::prop_assert!(!faults.faults.is_empty());
            }
        }
    }
}
