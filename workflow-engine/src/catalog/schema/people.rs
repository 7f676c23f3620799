//! The company, its people, and who must agree.

use super::{HOURS, Kind, ROLE, TIER, Table, may, must, table};

pub(super) static COMPANY: Table = table(
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

pub(super) static PERSON: Table = table(
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

pub(super) static AWAY: Table = table(
    None,
    &[
        must("until", Kind::Day, "The last day away."),
        must("deputy", Kind::Ref("people"), "Who decides meanwhile."),
    ],
);

pub(super) static GROUP: Table = table(
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

pub(super) static COST_CENTER: Table = table(
    Some("id"),
    &[
        must("id", Kind::Text, "As finance writes it."),
        must("name", Kind::Text, "Shown to finance."),
        may("owner", Kind::Ref("people"), "Who answers for it."),
    ],
);

pub(super) static APPROVAL: Table = table(
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
            "policy",
            Kind::Rows(&SLOT),
            "Who must agree to a change of the policy; left out means one of security and one of platform.",
        ),
        may(
            "tiers",
            Kind::Rows(&TIER_RULE),
            "One rule a tier; a tier without one takes the next stricter.",
        ),
    ],
);

pub(super) static TIER_RULE: Table = table(
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

pub(super) static SLOT: Table = table(
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
