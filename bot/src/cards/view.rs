//! What a card shows of a change: names, sentences and figures, nothing to decide any more.

use chrono::{DateTime, Utc};
use workflow_engine::{
    change::state::State,
    values::{ChangeNumber, Role},
};

/// A change as people see it.
#[derive(Clone, Debug)]
pub struct ChangeView {
    /// What people call it.
    pub number: ChangeNumber,
    /// The workflow's id.
    pub workflow: String,
    /// Its edition.
    pub revision: u32,
    /// Where it stands.
    pub state: State,
    /// Who filed it.
    pub requester: String,
    /// What would happen, in one sentence.
    pub what: String,
    /// Why, in the requester's words.
    pub reason: Option<String>,
    /// What the test and the policy found, once they have.
    pub evidence: Option<Evidence>,
    /// How far the test is, while it runs.
    pub progress: Option<Progress>,
    /// Who must agree.
    pub slots: Vec<SlotView>,
    /// What must be settled first: number, who, what.
    pub concerns: Vec<(u32, String, String)>,
    /// What somebody asked: number, who, what.
    pub questions: Vec<(u32, String, String)>,
    /// When it closes, or the approval lapses.
    pub deadline: Option<DateTime<Utc>>,
    /// The packet's digest, as people compare it.
    pub packet: Option<String>,
    /// Why it ended, or what is wrong now.
    pub remark: Option<String>,
    /// When it last changed.
    pub at: DateTime<Utc>,
    /// Where the last event stands in the ledger, once it does.
    pub recorded: Option<u64>,
    /// The change's page.
    pub link: String,
    /// What buttons carry.
    pub value: String,
}

/// One role's place on the card.
#[derive(Clone, Debug)]
pub struct SlotView {
    /// Whose agreement.
    pub role: Role,
    /// The group that may give it.
    pub group: String,
    /// Who is awaited, in words: `anyone in @sec-oncall`, or the names of few.
    pub asked: String,
    /// How many different people.
    pub needed: u32,
    /// Who agreed.
    pub votes: Vec<VoteView>,
    /// Why this role is asked, where there is more to say than the role.
    pub why: Option<String>,
    /// What it should look at, most telling first.
    pub concerns: Vec<String>,
}

/// A yes that counts.
#[derive(Clone, Debug)]
pub struct VoteView {
    /// Who.
    pub by: String,
    /// For whom, if it was delegated.
    pub for_whom: Option<String>,
    /// Its conditions, in words.
    pub conditions: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Where it stands in the ledger, once it does.
    pub recorded: Option<u64>,
}

/// How far a test is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Calls that were replayed.
    pub done: u64,
    /// Calls that will be.
    pub total: u64,
    /// What the replays have cost, and at most may.
    pub spent: String,
    /// Minutes until it is done, if it goes on as so far.
    pub minutes_left: Option<u64>,
    /// Whether somebody has stopped it for the moment.
    pub paused: bool,
}

/// May the change go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every gate is passed.
    Eligible,
    /// A gate is failed.
    NotEligible,
    /// It cannot be told yet.
    Inconclusive,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The test's verdict; none where no test was needed or none could be run.
    pub verdict: Option<Verdict>,
    /// What the measurements say, one sentence each.
    pub said: Vec<String>,
    /// What could change a bad verdict.
    pub way_out: Option<String>,
    /// Cost in words.
    pub cost: Option<String>,
    /// Latency in words.
    pub latency: Option<String>,
    /// What the judge of free text says, or why it does not count.
    pub judge: Option<String>,
    /// Each kind of request: its name, calls, difference, limits, what it shows.
    pub kinds: Vec<[String; 5]>,
    /// Each control of the policy that has something to say: its id and its sentence.
    pub findings: Vec<(String, String)>,
}

impl ChangeView {
    /// Slots that are filled, and how many there are.
    #[must_use]
    pub fn filled(&self) -> (usize, usize) {
        let filled = self.slots.iter().filter(|slot| slot.is_filled()).count();
        (filled, self.slots.len())
    }

    /// Whether the measurements speak against it.
    #[must_use]
    pub fn must_not_pass(&self) -> bool {
        self.evidence
            .as_ref()
            .is_some_and(|evidence| evidence.verdict == Some(Verdict::NotEligible))
    }
}

impl SlotView {
    /// Whether enough people agreed.
    #[must_use]
    pub fn is_filled(&self) -> bool {
        self.votes.len() >= usize::try_from(self.needed).unwrap_or(usize::MAX)
    }
}
