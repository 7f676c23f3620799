//! The real machine as the model asks it: `decide`, `evolve` and `react`, each answer kept for the next time.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
};

use chrono::{DateTime, Duration, TimeZone, Utc};
use workflow_engine::{
    catalog::RiskTier,
    change::{
        command::{Command, Proposal},
        effect::Effect,
        event::Event,
        machine::{decide, evolve, react},
        refusal::{Facts, Terms},
        state::{Approval, Assessment, Change, State},
    },
    values::{Actor, ChangeId, ChangeNumber, Digest, Hop, PersonId, Revision, Role, Route, WorkflowId},
};

use super::{
    guards::{Guard, Guards},
    rows::{Cast, JobRow, Mark, What},
};

/// The moments of the model, in hours: the packet is out, its deadline has passed, an approval is too old.
const MOMENTS: [i64; 3] = [0, 73, 24 * 30];

/// Who acts in the model, and for which role they may decide.
const PEOPLE: [(&str, Option<Role>); 4] = [
    ("maya", None),
    ("ana", Some(Role::Platform)),
    ("priya", Some(Role::Security)),
    ("tomas", Some(Role::Finance)),
];

/// A change as the rows hold it. Two are the same when their contents are.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) change: Arc<Change>,
    print: u64,
}

impl Kept {
    fn new(change: Change) -> Self {
        let mut hasher = DefaultHasher::new();
        serde_json::to_string(&change).unwrap().hash(&mut hasher);
        Self {
            print: hasher.finish(),
            change: Arc::new(change),
        }
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.print == other.print
    }
}

impl Eq for Kept {}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.print.hash(state);
    }
}

/// What a command makes of a change, as rows.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) after: Kept,
    pub(super) marks: Vec<Mark>,
    pub(super) jobs: Vec<JobRow>,
    pub(super) votes: Vec<Cast>,
}

/// A command under way: who asks for it and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Asked {
    /// A person of the scenario, by place in its list.
    Person(u8),
    /// The work of a job of that kind, about that revision or generation.
    Job(&'static str, u64),
}

/// The machine's answer: what becomes of the rows, or the refusal's code.
pub(super) type Decision = Result<Arc<Next>, &'static str>;

/// Asks the machine and remembers.
#[derive(Default)]
pub(super) struct Rules {
    known: Mutex<HashMap<(u64, Asked, u8), Decision>>,
}

impl Rules {
    /// What `command` does to `before` at that moment.
    pub(super) fn decide(
        &self,
        guards: &Guards,
        before: &Kept,
        (asked, who, command): (Asked, Option<&str>, Command),
        moment: u8,
    ) -> Decision {
        let key = (before.print, asked, moment);
        if let Some(known) = self.known.lock().unwrap().get(&key) {
            return known.clone();
        }
        let facts = facts(&before.change, who, moment);
        let decided = decide(&before.change, &command, &facts)
            .map(|events| Arc::new(next(guards, &before.change, events, &facts)))
            .map_err(|refusal| refusal.code.as_str());
        self.known.lock().unwrap().insert(key, decided.clone());
        decided
    }
}

fn next(guards: &Guards, before: &Change, mut events: Vec<Event>, facts: &Facts) -> Next {
    if !guards.hold(Guard::FullVoteSet) && matches!(events.as_slice(), [Event::VoteCast { .. }]) {
        events.push(Event::Approved(Approval {
            at: facts.now,
            until: facts.now + Duration::days(7),
            packet: before.packet.unwrap(),
            break_glass: None,
        }));
    }
    let mut change = before.clone();
    let (mut marks, mut jobs, mut votes) = (Vec::new(), Vec::new(), Vec::new());
    for event in &events {
        change = evolve(Some(change), event, facts.now).unwrap();
        marks.push(Mark {
            n: change.events,
            what: what(event, &change),
        });
        votes.extend(cast(event));
        let effects = react(event, &change, &facts.terms, facts.now);
        jobs.extend(effects.iter().filter_map(|effect| job(effect, change.events)));
    }
    Next {
        after: Kept::new(change),
        marks,
        jobs,
        votes,
    }
}

fn what(event: &Event, after: &Change) -> What {
    match event {
        Event::ApplyStarted(application) => What::ApplyStarted(application.generation),
        Event::Applied { generation, .. } => What::Applied(*generation),
        Event::Restored { .. } => What::Restored,
        _ if after.state.is_final() => What::Ended(after.state),
        _ => What::Other(event.name()),
    }
}

fn cast(event: &Event) -> Option<Cast> {
    let Event::VoteCast { role, vote } = event else {
        return None;
    };
    Some(Cast {
        revision: vote.revision.0,
        role: *role,
        by: vote.by.0.clone(),
    })
}

/// The jobs that move a change on; what only speaks (cards, threads) is left out.
fn job(effect: &Effect, event: u32) -> Option<JobRow> {
    let about = match effect {
        Effect::CheckAdmission { revision }
        | Effect::Assess { revision }
        | Effect::ExpireAt { revision, .. } => u64::from(revision.0),
        Effect::StartApply { .. } => 0,
        Effect::ApplyRoute { generation }
        | Effect::VerifyTraffic { generation }
        | Effect::RestoreRoute { generation } => *generation,
        _ => return None,
    };
    let due = effect.due_at().map_or(0, |at| {
        (0..MOMENTS.len())
            .find(|moment| moment_at(*moment) >= at)
            .unwrap_or(MOMENTS.len())
    });
    Some(JobRow::new(
        effect.kind(),
        about,
        event,
        u8::try_from(due).unwrap(),
    ))
}

/// What a job of that kind asks for, when it finds `change` like this.
pub(super) fn command_of(kind: &str, about: u64, change: &Change) -> Command {
    let decision = Digest::of(b"the policy's answer");
    match kind {
        "check_admission" => Command::WaiveTest { decision },
        "assess" => permit(change),
        "expire" => Command::Expire {
            revision: Revision(u32::try_from(about).unwrap()),
        },
        "start_apply" => Command::Apply { by_hand: false },
        "apply_route" => Command::ConfirmApplied {
            generation: about,
            read_back: None,
        },
        "restore_route" => Command::ConfirmRestored { generation: about },
        "verify_traffic" => Command::ConfirmVerified { calls_seen: 12 },
        other => panic!("the model has no job `{other}`"),
    }
}

fn permit(change: &Change) -> Command {
    Command::Permit {
        assessment: Assessment {
            tier: RiskTier::Standard,
            decision: Digest::of(b"the policy's answer"),
            controls: Vec::new(),
        },
        packet: Digest::of(format!("packet {}", change.revision.0).as_bytes()),
        slots: tests::desk::slots(),
        deadline_at: moment_at(0) + Duration::hours(72),
    }
}

/// A change whose packet is out, with the timer that its last event asked for.
pub(super) fn in_review() -> (Kept, Vec<JobRow>) {
    let filed = Event::Filed {
        id: ChangeId("c".to_owned()),
        number: ChangeNumber(1),
        workflow: WorkflowId::from("support-answer"),
        requester: PersonId::from("maya"),
        proposal: proposal("gpt-4o-0806"),
        cites: None,
    };
    let filed = Kept::new(evolve(None, &filed, moment_at(0)).unwrap());
    let submitted = after(&filed, Some("maya"), Command::Submit);
    let waived = after(
        &submitted.after,
        None,
        command_of("check_admission", 1, &submitted.after.change),
    );
    let sealed = after(&waived.after, None, permit(&waived.after.change));
    assert_eq!(sealed.after.change.state, State::AwaitingApproval);
    (sealed.after, sealed.jobs)
}

/// What follows on `before` when everything stands.
pub(super) fn after(before: &Kept, who: Option<&str>, command: Command) -> Next {
    let facts = facts(&before.change, who, 0);
    let events = decide(&before.change, &command, &facts).unwrap();
    next(&Guards::all(), &before.change, events, &facts)
}

/// Another candidate in place of the first.
pub(super) fn proposal(candidate: &str) -> Proposal {
    let route = |id: &str| Route {
        id: id.to_owned(),
        primary: Hop {
            provider: "openai".to_owned(),
            model: id.to_owned(),
            region: None,
            deployment: None,
            parameters: BTreeMap::new(),
        },
        fallbacks: Vec::new(),
    };
    Proposal {
        candidate: route(candidate),
        baseline: route("gpt-4o-0513"),
        claims_savings: false,
        co_authors: BTreeSet::new(),
        reason: None,
    }
}

fn facts(change: &Change, who: Option<&str>, moment: u8) -> Facts {
    let role = PEOPLE
        .iter()
        .find(|(name, _)| Some(*name) == who)
        .and_then(|(_, role)| *role);
    Facts {
        actor: who.map_or_else(
            || Actor::Service("model".to_owned()),
            |who| Actor::Person(PersonId::from(who)),
        ),
        now: moment_at(usize::from(moment)),
        roles: role.into_iter().collect(),
        barred: BTreeMap::new(),
        catalog: Digest::of(b"catalog"),
        live_route: None,
        next_generation: change.application.as_ref().map_or(0, |it| it.generation) + 1,
        terms: Terms {
            approval_days: 7,
            break_glass_hours: 24,
            remind_hours: 24,
            escalate_hours: 48,
            apply_when_approved: true,
        },
    }
}

fn moment_at(moment: usize) -> DateTime<Utc> {
    let start = Utc.with_ymd_and_hms(2026, 11, 16, 9, 0, 0).unwrap();
    start + Duration::hours(MOMENTS[moment])
}
