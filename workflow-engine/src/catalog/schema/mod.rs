//! The shape of a catalog file: every table, every field, what it may hold and what it is for. The loader checks by it,
//! the exporter writes by it.

mod people;
mod routes;
mod shadow;
mod workflows;

use self::{
    people::{APPROVAL, COMPANY, COST_CENTER, GROUP, PERSON},
    routes::{DATA_CLASS, GATEWAY, MODEL, PRICE, ROUTE, VENDOR},
    workflows::{BUDGET, CONTROL, MAPPING, POLICY, WORKFLOW},
};

/// What a field may hold.
pub(super) enum Kind {
    /// Text that is not empty.
    Text,
    /// Text of rules over several lines.
    Rules,
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
        may(
            "controls",
            Kind::Rows(&CONTROL),
            "Governance controls and the frameworks they answer to; left out means the shipped table.",
        ),
    ],
);
