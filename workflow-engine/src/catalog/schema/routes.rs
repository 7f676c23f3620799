//! Data classes, vendors, models, gateways, routes, prices.

use super::{DAYS, Kind, TOKENS, Table, may, must, table};

pub(super) static DATA_CLASS: Table = table(
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
        may(
            "cleared",
            Kind::List(&Kind::Ref("groups")),
            "Groups that may read such prompts in the evidence, beside the workflow's owner and security; each look is recorded.",
        ),
    ],
);

pub(super) static VENDOR: Table = table(
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

pub(super) static FACT: Table = table(
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

pub(super) static MODEL: Table = table(
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

pub(super) static GATEWAY: Table = table(
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

pub(super) static ROUTE: Table = table(
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

pub(super) static HOP: Table = table(
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

pub(super) static PRICE: Table = table(
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
