//! What the reader may do besides voting; each is refused by the engine all the same if it may not be.

use serde::Serialize;
use workflow_engine::{
    change::state::State, engine::queries::change_view::ChangeView, evidence::figures::model, values::Role,
};

use super::{
    super::{parts::Choice, shell::Visitor},
    ask::{Seat, is, wrote},
};

/// The next steps, and those that are rarely taken.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Actions {
    actions: Vec<Action>,
    more: Vec<Action>,
}

/// One form.
#[derive(Clone, Debug, Serialize)]
struct Action {
    verb: &'static str,
    title: &'static str,
    text: String,
    fields: Vec<Field>,
    danger: bool,
    key: String,
    number: Option<u32>,
}

/// One field of a form; a list of choices if it has any, else a line of text.
#[derive(Clone, Debug, Serialize)]
struct Field {
    id: String,
    name: &'static str,
    label: &'static str,
    options: Vec<Choice>,
}

impl Action {
    fn number(mut self, number: u32) -> Self {
        self.key = format!("{}{number}", self.key);
        self.number = Some(number);
        self
    }

    fn field(mut self, name: &'static str, label: &'static str, options: Vec<Choice>) -> Self {
        self.fields.push(Field {
            id: format!("{}-{name}{}", self.verb, self.number.unwrap_or_default()),
            name,
            label,
            options,
        });
        self
    }

    fn reason(self) -> Self {
        self.field("reason", "Reason", Vec::new())
    }

    fn danger(mut self) -> Self {
        self.danger = true;
        self
    }
}

/// What the forms of one page are made from.
struct Page<'a> {
    view: &'a ChangeView,
    visitor: &'a Visitor,
    key: &'a str,
}

impl Actions {
    pub(super) fn of(view: &ChangeView, visitor: &Visitor, asked: &[Seat], key: &str) -> Self {
        if view.frozen.is_some() {
            return Self::default();
        }
        let page = Page { view, visitor, key };
        let mut actions = page.settle();
        actions.extend(page.test_and_gateway());
        actions.extend(page.review());
        let more = [
            page.delegate(asked),
            page.revise(),
            page.break_glass(),
            page.withdraw(),
        ];
        Self {
            actions,
            more: more.into_iter().flatten().collect(),
        }
    }
}

impl Page<'_> {
    fn action(&self, verb: &'static str, title: &'static str, text: impl Into<String>) -> Action {
        Action {
            verb,
            title,
            text: text.into(),
            fields: Vec::new(),
            danger: false,
            key: format!("{}-{verb}", self.key),
            number: None,
        }
    }

    fn is_author(&self) -> bool {
        wrote(self.view, &self.visitor.person)
    }

    /// Open questions to answer and open concerns to settle.
    fn settle(&self) -> Vec<Action> {
        if self.view.state != State::AwaitingApproval {
            return Vec::new();
        }
        let questions = self.view.questions.iter().filter(|question| !question.settled);
        let answers = questions.map(|question| {
            let text = question.text.as_deref().unwrap_or("The question was erased.");
            self.action("answer", "Answer", format!("{} asks: “{text}”", question.by.name))
                .number(question.number)
                .field("reason", "Answer", Vec::new())
        });
        let mine = |by| is(by, &self.visitor.person);
        let concerns = self.view.concerns.iter();
        let settled = concerns
            .filter(|concern| !concern.settled && mine(&concern.by))
            .map(|concern| {
                let text = concern.text.as_deref().unwrap_or("The concern was erased.");
                self.action("resolve", "It is settled", format!("You raised: “{text}”"))
                    .number(concern.number)
            });
        answers.chain(settled).collect()
    }

    fn test_and_gateway(&self) -> Vec<Action> {
        let runs_gateway = self.visitor.has_role(Role::Platform);
        let by_hand = self.view.application.as_ref().is_some_and(|it| it.by_hand);
        let mut actions = Vec::new();
        match self.view.state {
            State::Draft if self.is_author() => actions.push(self.action(
                "submit",
                "Hand it in",
                "Policy is asked first; nothing leaves the company before.",
            )),
            State::ShadowTesting => {
                if self.is_author() || runs_gateway {
                    actions.push(self.pause());
                }
                if self.is_author() {
                    let text = "It ends without evidence, and so does the request. What was spent is spent.";
                    actions.push(self.action("stop-test", "Stop the test", text).danger());
                }
            }
            State::Approved if runs_gateway => {
                let text = "The gateway gets the approved route, and is read back.";
                actions.push(self.action("apply", "Apply now", text));
                let back = self.action("revoke", "Take the approval back", "Nothing was applied yet.");
                actions.push(back.reason().danger());
            }
            State::ApplyFailed if runs_gateway => {
                actions.push(self.action("retry", "Try again", "The gateway did not take the route."));
            }
            State::Applying if runs_gateway && by_hand => {
                let text = "Say so once the gateway has the route; traffic is then watched.";
                actions.push(self.action("confirm-applied", "It is applied", text));
            }
            _ => {}
        }
        let touched = matches!(
            self.view.state,
            State::Applying | State::ApplyFailed | State::Verifying
        );
        if runs_gateway && touched {
            let back = self.action("rollback", "Roll back", "The old route returns at once.");
            actions.push(back.reason().danger());
        }
        actions
    }

    fn pause(&self) -> Action {
        if self.view.test.as_ref().is_some_and(|test| test.paused) {
            let text = "No pair that was replayed is paid for twice.";
            return self.action("resume", "Let the test go on", text);
        }
        self.action("pause", "Pause the test", "What was replayed is kept.")
    }

    /// The review that an emergency approval waits for, by somebody who could have approved it.
    fn review(&self) -> Vec<Action> {
        let glass = self
            .view
            .approval
            .as_ref()
            .and_then(|approval| approval.break_glass.as_ref())
            .filter(|glass| glass.reviewed_by.is_none() && glass.by != self.visitor.person);
        let could_have = self
            .view
            .slots
            .iter()
            .any(|slot| self.visitor.has_role(slot.role));
        let Some(glass) = glass.filter(|_| could_have && !self.is_author() && !self.view.state.is_final())
        else {
            return Vec::new();
        };
        let by = glass.review_by.format("%-d %B, %H:%M UTC");
        let text =
            format!("This was approved as an emergency. Without a review the old route returns on {by}.");
        let keep = self.action("accept-emergency", "It may stay", text);
        let back = self.action(
            "refuse-emergency",
            "It goes back",
            "The old route returns at once.",
        );
        vec![keep.reason(), back.reason().danger()]
    }

    /// Somebody else in the reader's place, for as long as they say.
    fn delegate(&self, asked: &[Seat]) -> Option<Action> {
        let own: Vec<_> = asked.iter().filter(|seat| seat.in_place_of.is_none()).collect();
        if own.is_empty() {
            return None;
        }
        let choice = |id: &str, title: String| Choice {
            id: id.to_owned(),
            title,
            selected: false,
        };
        let people = self.visitor.catalog.people.iter();
        let people = people
            .filter(|person| !person.inactive)
            .filter(|person| person.id != self.visitor.person && !wrote(self.view, &person.id))
            .map(|person| choice(person.id.as_str(), person.name.clone()));
        let days = [1, 3, 7, 14].map(|days| {
            let title = if days == 1 {
                "one day".to_owned()
            } else {
                format!("{days} days")
            };
            choice(&days.to_string(), title)
        });
        let roles = own
            .iter()
            .map(|seat| choice(seat.role.as_str(), seat.role.title().to_owned()));
        let text = "Both names are recorded. You can still decide yourself.";
        Some(
            self.action("delegate", "Let somebody decide for you", text)
                .field("role", "For", roles.collect())
                .field("to", "Who", people.collect())
                .field("days", "For how long", days.into()),
        )
    }

    /// Another candidate under the same number.
    fn revise(&self) -> Option<Action> {
        let open = matches!(
            self.view.state,
            State::Draft
                | State::Submitted
                | State::ShadowTesting
                | State::PolicyCheck
                | State::AwaitingApproval
        );
        let entry = self.visitor.catalog.workflow(self.view.workflow.as_str())?;
        let proposable = |id: &str| entry.candidates.is_empty() || entry.candidates.iter().any(|it| it == id);
        let routes = self.visitor.catalog.routes.iter();
        let candidates: Vec<_> = routes
            .filter(|route| proposable(&route.id) && route.id != self.view.baseline.id)
            .map(|route| Choice {
                id: route.id.clone(),
                title: format!("{} · {}", route.id, model(&route.route().primary.model)),
                selected: route.id == self.view.candidate.id,
            })
            .collect();
        if !open || !self.is_author() || candidates.is_empty() {
            return None;
        }
        let text = match self.view.state {
            State::Draft => "Nothing has been handed in yet.".to_owned(),
            _ => format!(
                "It becomes revision {}: the test runs again, and votes on this edition fall.",
                self.view.revision.0 + 1
            ),
        };
        Some(
            self.action("revise", "Propose another candidate", text)
                .field("candidate", "Candidate", candidates)
                .reason(),
        )
    }

    fn break_glass(&self) -> Option<Action> {
        let open = self.view.state == State::AwaitingApproval;
        if !open || self.is_author() || !self.visitor.has_role(Role::BreakGlass) {
            return None;
        }
        let text = format!(
            "It is approved at once under your name alone, and everybody is told. Somebody else must review it \
             within {} hours, or the old route returns.",
            self.visitor.catalog.approval.break_glass_hours
        );
        Some(
            self.action("break-glass", "Emergency: break the glass", text)
                .reason()
                .danger(),
        )
    }

    fn withdraw(&self) -> Option<Action> {
        let early = matches!(
            self.view.state,
            State::Draft
                | State::Submitted
                | State::ShadowTesting
                | State::PolicyCheck
                | State::AwaitingApproval
                | State::Approved
        );
        let text = "It ends here. You can file another that cites it.";
        (early && self.is_author()).then(|| self.action("withdraw", "Withdraw", text).danger())
    }
}
