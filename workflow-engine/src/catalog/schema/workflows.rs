//! Workflows, mapping rules, budgets, policy, governance controls.

use super::{DAYS, Kind, ROLE, SHARE, TIER, TOKENS, Table, may, must, shadow::TESTING, table};

pub(super) static WORKFLOW: Table = table(
    Some("id"),
    &[
        must("id", Kind::Text, "Its id in tags and mapping rules."),
        must("name", Kind::Text, "Shown to people."),
        must(
            "owner",
            Kind::Ref("people"),
            "Who answers for it; fills the owner's slot.",
        ),
        may("team", Kind::Text, "The owning team."),
        must(
            "cost_center",
            Kind::Ref("cost_centers"),
            "Where its calls are charged.",
        ),
        must(
            "data_class",
            Kind::Ref("data_classes"),
            "The class of the data in its prompts.",
        ),
        may(
            "regions",
            Kind::List(&Kind::Text),
            "Where its data may be processed, within its data class; left out means wherever the class allows.",
        ),
        must("gateway", Kind::Ref("gateways"), "The gateway that serves it."),
        must(
            "alias",
            Kind::Text,
            "The name that its callers ask the gateway for.",
        ),
        must(
            "route",
            Kind::Ref("routes"),
            "What serves it when the catalog is first applied; approved changes move it on.",
        ),
        may(
            "candidates",
            Kind::List(&Kind::Ref("routes")),
            "Routes that may be proposed; left out means any.",
        ),
        may(
            "risk",
            TIER,
            "How much harm a wrong answer does: decides who must agree.",
        ),
        may("needs_tools", Kind::Flag, "Whether its calls need tools."),
        may(
            "needs_context_tokens",
            TOKENS,
            "Tokens that its longest prompts take.",
        ),
        may(
            "latency_p95_ms",
            Kind::Whole(1, 3_600_000),
            "95 of 100 calls must be answered within this, in milliseconds.",
        ),
        may(
            "margins",
            Kind::One(&MARGINS),
            "How much worse a candidate may be, as proportions.",
        ),
        may("strata", Kind::One(&STRATA), "Its kinds of request."),
        may("shadow", Kind::One(&TESTING), "How its changes are tested."),
    ],
);

pub(super) static MARGINS: Table = Table {
    fields: &[
        may("quality", SHARE, "Of all answers."),
        may("stratum_quality", SHARE, "Of the answers of one kind of request."),
        may(
            "latency_p95_ratio",
            Kind::Number(0.0, 10.0),
            "Candidate's 95th percentile ÷ today's.",
        ),
        may(
            "cost_ratio",
            Kind::Number(0.0, 10.0),
            "Candidate's cost ÷ today's, where the change claims savings.",
        ),
    ],
    id: None,
    rest: Some(SHARE),
};

pub(super) static STRATA: Table = table(
    None,
    &[
        may("tag_prefix", Kind::Text, "Prefix of the tag that names the kind."),
        may(
            "immaterial",
            Kind::List(&Kind::Text),
            "Kinds that are shown but do not decide.",
        ),
        may(
            "weights",
            Kind::Map(&SHARE),
            "Share of each kind in production; they sum to 1.",
        ),
        may(
            "words",
            Kind::Map(&Kind::Text),
            "Each kind in a person's words; each reads on after `when`.",
        ),
    ],
);

pub(super) static MAPPING: Table = table(
    Some("name"),
    &[
        must("name", Kind::Text, "Stored with each call it matched."),
        may("tag", Kind::Text, "A tag, `*` for anything."),
        may(
            "span_workflow",
            Kind::Text,
            "The name that the span or its nearest ancestor gives.",
        ),
        may("alias", Kind::Text, "The alias asked for."),
        may("team", Kind::Text, "The gateway's team."),
        may("key_alias", Kind::Text, "The virtual key's alias."),
        may("source", Kind::Text, "The source that delivered the call."),
        must("workflow", Kind::Text, "A workflow, or `$1`: what `*` stood for."),
    ],
);

pub(super) static BUDGET: Table = table(
    None,
    &[
        may(
            "workflow",
            Kind::Ref("workflows"),
            "The workflow it holds for; or else",
        ),
        may(
            "cost_center",
            Kind::Ref("cost_centers"),
            "the cost centre it holds for.",
        ),
        must(
            "monthly_usd",
            Kind::Money,
            "Dollars a calendar month in the company's time zone, as text.",
        ),
        may(
            "thresholds_percent",
            Kind::List(&Kind::Whole(1, 1_000)),
            "Shares of the limit at which people are told.",
        ),
    ],
);

pub(super) static POLICY: Table = table(
    None,
    &[
        may(
            "allowed_providers",
            Kind::List(&Kind::Ref("vendors")),
            "Providers that may be used at all; left out means any of the file.",
        ),
        may(
            "forbidden_models",
            Kind::List(&Kind::Text),
            "Models that may not be used.",
        ),
        may(
            "min_days_to_retirement",
            DAYS,
            "A model that retires within so many days may not be chosen.",
        ),
        may(
            "evidence_days",
            Kind::Whole(1, 3_650),
            "How old evidence may be when it is used.",
        ),
        may(
            "shadow_budget_usd",
            Kind::Money,
            "Most dollars that one shadow test may spend.",
        ),
        may(
            "accept_not_eligible",
            Kind::List(&TIER),
            "Tiers in which people may decide although the test says no; the card says so first.",
        ),
        may(
            "accept_inconclusive",
            Kind::List(&TIER),
            "Tiers in which a test that cannot tell yet may go to the approvers.",
        ),
        may(
            "shadow_min_pairs",
            Kind::Whole(1, 1_000_000),
            "Fewest replayed pairs for a verdict.",
        ),
        may(
            "shadow_max_pairs",
            Kind::Whole(1, 1_000_000),
            "Most pairs that one shadow test replays.",
        ),
        may(
            "cost_center_budgets",
            Kind::Flag,
            "Whether a used-up budget of the cost centre stops changes and calls; while false people are only told.",
        ),
        may(
            "enforce_traffic",
            Kind::Flag,
            "Whether traffic outside the approved set is blocked; while false it is only reported.",
        ),
        may(
            "rules",
            Kind::Rules,
            "The organisation's own rules: Cedar text between three quotes, each policy with its @id.",
        ),
        may(
            "change_needs_approval",
            Kind::Flag,
            "Whether the policy may be changed by an approved change only; `governor policy propose` files one.",
        ),
        may(
            "keep_votes",
            Kind::List(&ROLE),
            "Roles whose vote is kept when what they look at did not change in a new revision.",
        ),
        may(
            "editor_barred_days",
            DAYS,
            "Days for which the last editor of the policy may not approve.",
        ),
    ],
);

pub(super) static CONTROL: Table = table(
    Some("id"),
    &[
        must("id", Kind::Text, "Its id in decisions and rules."),
        must("what", Kind::Text, "What it asks."),
        may("evidence", Kind::List(&Kind::Text), "What shows that it is kept."),
        must("refs", Kind::List(&Kind::Text), "References to frameworks."),
    ],
);
