//! How changes of a workflow are tested.

use super::{Kind, Table, may, must, table};

const PATTERNS: Kind = Kind::List(&Kind::Text);

pub(super) static TESTING: Table = table(
    None,
    &[
        may(
            "source",
            Kind::Word(&["replay", "mirror"]),
            "Where pairs come from: recorded calls asked again, or live calls with the mirror calls of the gateway.",
        ),
        may(
            "budget_usd",
            Kind::Money,
            "Most dollars that one test may spend, within policy.shadow_budget_usd.",
        ),
        may(
            "max_pairs",
            Kind::Whole(1, 1_000_000),
            "Most pairs that one test replays, within policy.shadow_max_pairs.",
        ),
        may(
            "repeats",
            Kind::Whole(0, 1_000_000),
            "Calls on which today's route is asked twice, to show its noise against itself.",
        ),
        may(
            "reuse_recorded",
            Kind::Flag,
            "Whether recorded answers stand in for today's route once a first block shows no drift.",
        ),
        may(
            "accept_early",
            Kind::Flag,
            "Whether a test may end early with a good result; harm ends it always.",
        ),
        may(
            "kinds_by",
            Kind::List(&Kind::Word(&["tag", "tools", "length", "language", "data_class"])),
            "What tells kinds of request apart; left out: the tag, or else tools and length.",
        ),
        may(
            "redact",
            Kind::Flag,
            "Whether addresses, phone, account and card numbers are replaced before anything is sent.",
        ),
        may(
            "names",
            PATTERNS,
            "Patterns of names that are replaced too, with `redact`.",
        ),
        may(
            "time_dependent",
            PATTERNS,
            "Prompts that match depend on the moment and are not replayed.",
        ),
        may(
            "needs_system_prompt",
            Kind::Flag,
            "Whether a call without a system prompt is incomplete.",
        ),
        may("checks", Kind::Rows(&CHECK), "Checks of its own."),
        may(
            "waivers",
            Kind::Rows(&WAIVER),
            "Findings that security has looked at and lets pass.",
        ),
        may(
            "judge",
            Kind::One(&JUDGE),
            "Who compares answers where checks cannot decide.",
        ),
    ],
);

static CHECK: Table = table(
    Some("name"),
    &[
        must("name", Kind::Text, "Its name among the checks and in margins."),
        must(
            "kind",
            Kind::Word(&["pattern", "forbidden", "schema", "path", "reference"]),
            "A pattern to match or not to match, a JSON Schema, a JSONPath, or the reference answer.",
        ),
        may(
            "value",
            Kind::Text,
            "The pattern, the schema as JSON, or the path.",
        ),
        may(
            "equals",
            Kind::Text,
            "For a path: the JSON that must be there; left out, what the recorded answer has.",
        ),
        may(
            "decides",
            Kind::Flag,
            "Whether a failure makes the answer wrong, or is only shown.",
        ),
    ],
);

static WAIVER: Table = table(
    None,
    &[
        must(
            "check",
            Kind::Word(&["new_personal_data", "secret_leak"]),
            "The finding that may pass.",
        ),
        must("by", Kind::Ref("people"), "Somebody who answers for security."),
        must("until", Kind::Day, "The last day on which it holds."),
        must("reason", Kind::Text, "Why."),
    ],
);

static JUDGE: Table = table(
    None,
    &[
        must(
            "provider",
            Kind::Ref("vendors"),
            "Its vendor, another than those of both routes.",
        ),
        must("model", Kind::Text, "The model."),
        may("region", Kind::Text, "Where it is processed; the policy asks."),
        may("deployment", Kind::Text, "The vendor's deployment."),
        may(
            "parameters",
            Kind::Map(&Kind::Text),
            "Sampling parameters, as text.",
        ),
        must("instructions", Kind::Text, "What makes an answer good."),
    ],
);
