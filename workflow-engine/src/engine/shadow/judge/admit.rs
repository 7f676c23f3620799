//! Before a plan is frozen: may this judge judge these routes, and may it see this data?

use super::super::{Halt, Tester};
use crate::{
    catalog::{Catalog, Workflow, shadow::JudgeCard},
    change::state::Change,
    policy::{self, Rulebook},
    shadow::judging::family::kinship,
    values::Route,
};

impl Tester {
    /// A judge is of another family than both arms, which it would favour, and the policy lets it see this data.
    pub(in crate::engine::shadow) fn may_judge(
        &self,
        card: &JudgeCard,
        change: &Change,
        (catalog, workflow): (&Catalog, &Workflow),
    ) -> Result<(), Halt> {
        let judge = card.hop();
        if let Some(why) = kinship(&judge, [&change.baseline.primary, &change.candidate.primary]) {
            return Err(Halt::Failed(why));
        }
        let route = Route {
            id: "judge".to_owned(),
            primary: judge,
            fallbacks: Vec::new(),
        };
        // A judge serves no call, so it need not be among the candidates or know tools.
        let entry = Workflow {
            candidates: Vec::new(),
            needs_tools: false,
            ..workflow.clone()
        };
        let today = self.engine.clock().now().date_naive();
        let request = policy::Request::new(catalog, &entry, &route, (policy::Phase::Admission, today));
        let decision = Rulebook::new(catalog).decide(&request);
        match decision.decision {
            policy::Answer::Permit => Ok(()),
            policy::Answer::Deny => Err(Halt::Failed(format!(
                "The judge {} may not see this data: {} Nothing was sent.",
                card.name(),
                decision.sentence()
            ))),
        }
    }
}
