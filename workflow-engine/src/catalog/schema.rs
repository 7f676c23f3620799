//! The shape of a catalog file: every table, every field, what it may hold and what it is for. The loader checks by it,
//! the exporter writes by it.

/// What a field may hold.
pub(super) enum Kind {
    /// Text that is not empty.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number between the two, both allowed.
    Whole(i64, i64),
    /// A number above the first and at most the second.
    Number(f64, f64),
    /// An exact amount of dollars, 0 or more.
    Money,
    /// A day (`2026-10-31`).
    Day,
    /// An IANA time zone.
    Zone,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The id of a row of that list.
    Ref(&'static str),
    /// Several of them.
    List(&'static Kind),
    /// Names of the author's choice, each with such a value.
    Map(&'static Kind),
    /// One table.
    One(&'static Table),
    /// A list of tables.
    Rows(&'static Table),
}

/// A table of the file.
pub(super) struct Table {
    /// Its fields, in the order in which they are written.
    pub(super) fields: &'static [Field],
    /// The field whose value must be its row's alone.
    pub(super) id: Option<&'static str>,
    /// What names beyond `fields` may hold, where they are allowed.
    pub(super) rest: Option<Kind>,
}

/// A field of a table.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Whether it must be there.
    pub(super) needed: bool,
    /// One line for a person, written above the field by the exporter.
    pub(super) doc: &'static str,
}

const fn must(name: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field {
        name,
        kind,
        needed: true,
        doc,
    }
}

const fn may(name: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field {
        name,
        kind,
        needed: false,
        doc,
    }
}

const fn table(id: Option<&'static str>, fields: &'static [Field]) -> Table {
    Table {
        fields,
        id,
        rest: None,
    }
}

const DAYS: Kind = Kind::Whole(0, 3_650);
const HOURS: Kind = Kind::Whole(1, 8_760);
const TOKENS: Kind = Kind::Whole(1, i64::MAX);
const TIER: Kind = Kind::Word(&["low", "standard", "critical"]);
const SHARE: Kind = Kind::Number(0.0, 1.0);
const ROLE: Kind = Kind::Word(&["platform", "security", "finance", "owner", "break_glass"]);

/// The whole file.
pub(super) static CATALOG: Table = table(
    None,
    &[
        may(
            "company",
            Kind::One(&COMPANY),
            "The company: its name, its calendar, its channels.",
        ),
        may(
            "people",
            Kind::Rows(&PERSON),
            "People who may act. The ledger holds their ids, never their names.",
        ),
        may(
            "groups",
            Kind::Rows(&GROUP),
            "Approver groups: who may answer for which role.",
        ),
        may(
            "cost_centers",
            Kind::Rows(&COST_CENTER),
            "Where money is charged to.",
        ),
        may(
            "data_classes",
            Kind::Rows(&DATA_CLASS),
            "The ladder of data classes, least sensitive first.",
        ),
        may(
            "vendors",
            Kind::Rows(&VENDOR),
            "Vendors, and what is known of them: each fact with its document and its last day.",
        ),
        may("models", Kind::Rows(&MODEL), "Models by pinned version."),
        may(
            "gateways",
            Kind::Rows(&GATEWAY),
            "Gateways that serve the routes.",
        ),
        may(
            "routes",
            Kind::Rows(&ROUTE),
            "Routes: the model asked first, then its fallbacks in order.",
        ),
        may(
            "workflows",
            Kind::Rows(&WORKFLOW),
            "Governed AI uses: whose they are, what data they see, what may serve them.",
        ),
        may(
            "mapping",
            Kind::Rows(&MAPPING),
            "How a call gets its workflow: the first rule that matches decides.",
        ),
        may(
            "prices",
            Kind::Rows(&PRICE),
            "Prices that go before the vendor's list.",
        ),
        may("budgets", Kind::Rows(&BUDGET), "Monthly limits."),
        may(
            "policy",
            Kind::One(&POLICY),
            "What the ten controls compare with.",
        ),
        may(
            "approval",
            Kind::One(&APPROVAL),
            "Who must agree, by risk tier, and how long they have.",
        ),
    ],
);

static COMPANY: Table = table(
    None,
    &[
        may("name", Kind::Text, "Shown on pages and digests."),
        may(
            "time_zone",
            Kind::Zone,
            "Where a day and a month begin for finance.",
        ),
        may("approvals_channel", Kind::Text, "Where requests are posted."),
        may("finance_channel", Kind::Text, "Where the weekly digest goes."),
    ],
);

static PERSON: Table = table(
    Some("id"),
    &[
        must(
            "id",
            Kind::Text,
            "Opaque: it goes into the ledger and stays there.",
        ),
        must("name", Kind::Text, "Shown on cards and pages."),
        may("email", Kind::Text, "For mail."),
        may(
            "slack",
            Kind::Text,
            "The Slack user that this person confirmed (`U…`).",
        ),
        may(
            "away",
            Kind::One(&AWAY),
            "Out of office: until when, and who decides meanwhile.",
        ),
        may("inactive", Kind::Flag, "No longer with the company: may not act."),
    ],
);

static AWAY: Table = table(
    None,
    &[
        must("until", Kind::Day, "The last day away."),
        must("deputy", Kind::Ref("people"), "Who decides meanwhile."),
    ],
);

static GROUP: Table = table(
    Some("id"),
    &[
        must("id", Kind::Text, "Shown as `@sec-oncall`."),
        must("role", ROLE, "What its members may decide."),
        must("members", Kind::List(&Kind::Ref("people")), "At least one."),
        may(
            "escalation",
            Kind::List(&Kind::Ref("people")),
            "Who is asked when the members are silent, away or have stood down.",
        ),
    ],
);

static COST_CENTER: Table = table(
    Some("id"),
    &[
        must("id", Kind::Text, "As finance writes it."),
        must("name", Kind::Text, "Shown to finance."),
        may("owner", Kind::Ref("people"), "Who answers for it."),
    ],
);

static DATA_CLASS: Table = table(
    Some("id"),
    &[
        must("id", Kind::Text, "Named by workflows."),
        must("name", Kind::Text, "Shown to people."),
        may(
            "max_retention_days",
            DAYS,
            "Longest time a vendor may keep such data; left out means any.",
        ),
        may(
            "training_allowed",
            Kind::Flag,
            "Whether a vendor may train on it.",
        ),
        may(
            "regions",
            Kind::List(&Kind::Text),
            "Where it may be processed; left out means anywhere.",
        ),
        may(
            "certifications",
            Kind::List(&Kind::Text),
            "What a vendor must be certified for.",
        ),
    ],
);

static VENDOR: Table = table(
    Some("provider"),
    &[
        must("provider", Kind::Text, "OpenTelemetry's provider name."),
        must("name", Kind::Text, "Shown to people."),
        may(
            "facts",
            Kind::Rows(&FACT),
            "What is known; a fact that is absent or past its last day counts as unknown.",
        ),
    ],
);

static FACT: Table = table(
    Some("name"),
    &[
        must(
            "name",
            Kind::Text,
            "`retention_days`, `zero_data_retention`, `training_use`, `residency`, `contract`, or a certification.",
        ),
        must("value", Kind::Text, "What the document says."),
        must("source", Kind::Text, "The document."),
        must("as_of", Kind::Day, "When it was checked."),
        must("expires", Kind::Day, "The last day on which it may be relied on."),
    ],
);

static MODEL: Table = table(
    None,
    &[
        must("id", Kind::Text, "The vendor's name with its version."),
        must("provider", Kind::Ref("vendors"), "Whose it is."),
        may(
            "aliases",
            Kind::List(&Kind::Text),
            "Other names for it in prices or traffic.",
        ),
        may(
            "pinned",
            Kind::Flag,
            "Whether the name always means the same weights.",
        ),
        may("retires", Kind::Day, "When the vendor takes it away."),
        may("context_tokens", TOKENS, "Longest prompt."),
        may("tools", Kind::Flag, "Whether it can call tools."),
    ],
);

static GATEWAY: Table = table(
    Some("id"),
    &[
        must("id", Kind::Text, "Named by workflows and in the ledger."),
        must("kind", Kind::Word(&["litellm"]), "Which adapter speaks to it."),
        must("url", Kind::Text, "Its admin address."),
        may(
            "apply",
            Kind::Flag,
            "Whether the governor may change it; while false it only hands over instructions.",
        ),
    ],
);

static ROUTE: Table = table(
    Some("id"),
    &[
        must("id", Kind::Text, "Named by workflows and in requests."),
        must(
            "provider",
            Kind::Ref("vendors"),
            "Provider of the model asked first.",
        ),
        must("model", Kind::Text, "The model asked first."),
        may("region", Kind::Text, "Where it is processed."),
        may("deployment", Kind::Text, "The gateway's deployment."),
        may(
            "parameters",
            Kind::Map(&Kind::Text),
            "Sampling parameters, as text.",
        ),
        may(
            "fallbacks",
            Kind::Rows(&HOP),
            "Tried in order when the first fails; each is held to the policy like the first.",
        ),
    ],
);

static HOP: Table = table(
    None,
    &[
        must("provider", Kind::Ref("vendors"), "Provider."),
        must("model", Kind::Text, "Model."),
        may("region", Kind::Text, "Where it is processed."),
        may("deployment", Kind::Text, "The gateway's deployment."),
        may(
            "parameters",
            Kind::Map(&Kind::Text),
            "Sampling parameters, as text.",
        ),
    ],
);

static WORKFLOW: Table = table(
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
    ],
);

static MARGINS: Table = Table {
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

static STRATA: Table = table(
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

static MAPPING: Table = table(
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

static PRICE: Table = table(
    None,
    &[
        must("provider", Kind::Ref("vendors"), "Provider it holds for."),
        must("model", Kind::Text, "Model name in traffic and in the price map."),
        may(
            "kind",
            Kind::Word(&["contract", "override"]),
            "`contract` goes before `override`, which goes before the list.",
        ),
        must("from", Kind::Day, "First day it holds, UTC."),
        may("until", Kind::Day, "Last day it holds."),
        must("source", Kind::Text, "The document."),
        must(
            "prices",
            Kind::Map(&Kind::Money),
            "Dollars under the price map's own keys, as text so that they are exact.",
        ),
    ],
);

static BUDGET: Table = table(
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

static POLICY: Table = table(
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
            "enforce_traffic",
            Kind::Flag,
            "Whether traffic outside the approved set is blocked; while false it is only reported.",
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

static APPROVAL: Table = table(
    None,
    &[
        may(
            "deadline_hours",
            HOURS,
            "From the sealing of the packet to expiry.",
        ),
        may(
            "remind_hours",
            HOURS,
            "After which silent approvers are reminded.",
        ),
        may(
            "escalate_hours",
            HOURS,
            "After which a group's escalation people may decide too.",
        ),
        may(
            "break_glass_hours",
            HOURS,
            "For which an emergency change may live without its review.",
        ),
        may(
            "approval_days",
            Kind::Whole(1, 365),
            "For which an approval may be applied.",
        ),
        may(
            "grace_hours",
            Kind::Whole(0, 8_760),
            "In which calls may still arrive on the old route.",
        ),
        may(
            "apply_when_approved",
            Kind::Flag,
            "Whether an approved change is applied at once.",
        ),
        may(
            "tiers",
            Kind::Rows(&TIER_RULE),
            "One rule a tier; a tier without one takes the next stricter.",
        ),
    ],
);

static TIER_RULE: Table = table(
    Some("tier"),
    &[
        must("tier", TIER, "The tier."),
        must(
            "slots",
            Kind::Rows(&SLOT),
            "All of them must be filled, by different people.",
        ),
    ],
);

static SLOT: Table = table(
    None,
    &[
        must("role", ROLE, "Whose agreement."),
        may(
            "group",
            Kind::Ref("groups"),
            "Who may give it; for `owner` the workflow's owner when left out.",
        ),
        may("needed", Kind::Whole(1, 100), "How many different people."),
        may("all", Kind::Flag, "Everybody in the group."),
    ],
);
