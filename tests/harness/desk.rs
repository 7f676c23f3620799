//! The engine on a fresh database with the small company: commands in the users' verbs, jobs stepped by hand.

use std::{collections::BTreeSet, sync::Arc};

use secrecy::SecretString;
use workflow_engine::{
    catalog::RiskTier,
    change::{
        command::{Ballot, Command, Grade},
        slots::Slot,
        state::{Assessment, Change, TestVerdict},
    },
    engine::{
        Engine, HandleError, Outcome, Request,
        file::Filing,
        shadow::vault::{MasterKey, Vault},
    },
    evidence::{dsse::Envelope, statement::Statement},
    ledger::key::{KeyKind, SigningKey},
    store,
    values::{Actor, ChangeNumber, Digest, PersonId, Role, RunId},
};

use crate::{
    catalog,
    clock::TestClock,
    db::{Fresh, Kind, fresh, open},
};

/// The engine and what it stands on.
pub struct Desk {
    /// The engine.
    pub engine: Engine,
    /// Its clock.
    pub clock: TestClock,
    /// Its database's address; goes with the desk.
    pub fresh: Fresh,
}

/// A desk on a fresh database of `kind`; none when there is no PostgreSQL here.
pub async fn desk(kind: Kind) -> Option<Desk> {
    let fresh = fresh(kind).await?;
    let db = open(&fresh).await;
    let clock = TestClock::default();
    let engine = Engine::new(db, Arc::new(clock.clone()));
    let tests = Actor::Service("tests".to_owned());
    let applied = engine.apply_catalog(&catalog::small(), &tests).await;
    applied.expect("the catalog is stored");
    Some(Desk { engine, clock, fresh })
}

impl Desk {
    /// Keeps what tests see for 90 days, under a key that everybody may know.
    pub fn vault(&self) -> Vault {
        let key = MasterKey::parse(&SecretString::from("5a".repeat(32))).expect("64 digits");
        Vault::new(self.engine.clone(), Arc::new(key), chrono::TimeDelta::days(90))
    }

    /// Maya files gpt-4o-0513 → gpt-4o-0806 for support-answer.
    pub async fn file(&self, key: &str) -> Result<Outcome, HandleError> {
        self.engine.file(filing(key)).await
    }

    /// Sends a command of `person`.
    pub async fn person(
        &self,
        person: &str,
        number: ChangeNumber,
        command: Command,
    ) -> Result<Outcome, HandleError> {
        let key = format!(
            "{person}:{}",
            workflow_engine::ports::clock::Clock::new_id(&self.clock)
        );
        self.send(Actor::Person(PersonId::from(person)), &key, number, command)
            .await
    }

    /// Sends a command of the service.
    pub async fn service(&self, number: ChangeNumber, command: Command) -> Result<Outcome, HandleError> {
        let key = format!(
            "service:{}",
            workflow_engine::ports::clock::Clock::new_id(&self.clock)
        );
        self.send(Actor::Service("tests".to_owned()), &key, number, command)
            .await
    }

    /// Sends a command under a key of the caller's.
    pub async fn send(
        &self,
        actor: Actor,
        key: &str,
        change: ChangeNumber,
        command: Command,
    ) -> Result<Outcome, HandleError> {
        self.engine
            .handle(Request {
                actor,
                key: key.to_owned(),
                change,
                command,
                notes: Vec::new(),
                completes: None,
            })
            .await
    }

    /// Admits a filed change to its test.
    pub async fn to_test(&self, number: ChangeNumber) -> Change {
        let decision = Digest::of(b"admitted by a test");
        let admitted = self.service(number, Command::Admit { decision }).await;
        admitted.expect("it is admitted");
        self.change(number).await
    }

    /// Takes a filed change to its sealed packet, as the jobs would.
    pub async fn to_review(&self, number: ChangeNumber) -> Change {
        let digest = Digest::of(b"made by a test");
        let packet = self.keep_packet(number).await;
        let run = RunId::from("run-1");
        for command in [
            Command::Admit { decision: digest },
            Command::FreezePlan {
                plan: digest,
                run: run.clone(),
            },
            Command::SubmitEvidence {
                run,
                verdict: TestVerdict {
                    outcome: "eligible".to_owned(),
                    report: digest,
                },
            },
            Command::Permit {
                assessment: Assessment {
                    tier: RiskTier::Standard,
                    decision: digest,
                    controls: Vec::new(),
                },
                packet,
                slots: slots(),
                deadline_at: workflow_engine::ports::clock::Clock::now(&self.clock)
                    + chrono::Duration::hours(72),
            },
        ] {
            self.service(number, command).await.expect("the way to review");
        }
        self.change(number).await
    }

    /// A signed packet about the change, as the assessment would store it.
    pub async fn keep_packet(&self, number: ChangeNumber) -> Digest {
        let change = self.change(number).await;
        let revision = change.revision;
        let name = format!("change/{}/revision/{}", number.0, revision.0);
        let statement = Statement::new(
            name,
            serde_json::json!({"verdict": "eligible", "made_by": "a test"}),
        );
        let envelope = Envelope::seal(statement.to_payload().expect("a statement"), &log_key());
        let at = workflow_engine::ports::clock::Clock::now(&self.clock).timestamp_millis();
        store::packets::insert(self.engine.db(), &change.id, revision, &envelope, at)
            .await
            .expect("it is stored")
    }

    /// The change as it stands.
    pub async fn change(&self, number: ChangeNumber) -> Change {
        store::changes::by_number(self.engine.db(), number)
            .await
            .expect("the database answers")
            .expect("the change is there")
            .change
    }

    /// `person` approves what is on the table.
    pub async fn approve(&self, person: &str, change: &Change) -> Result<Outcome, HandleError> {
        self.person(person, change.number, approval(change)).await
    }
}

/// The key that signs heads and packets in scenarios.
pub fn log_key() -> SigningKey {
    SigningKey::from_seed("governor.test/ledger", KeyKind::Note, &[7; 32]).expect("a key")
}

/// A yes to what `change` shows.
pub fn approval(change: &Change) -> Command {
    Command::Vote(Ballot {
        role: None,
        revision: change.revision,
        packet: change.packet.expect("a packet is out"),
        grade: Grade::Approve,
        note: None,
    })
}

/// Maya's filing.
pub fn filing(key: &str) -> Filing {
    Filing {
        requester: PersonId::from("maya"),
        key: key.to_owned(),
        workflow: workflow_engine::values::WorkflowId::from("support-answer"),
        candidate: "gpt-4o-0806".to_owned(),
        claims_savings: true,
        co_authors: BTreeSet::new(),
        reason: None,
        cites: None,
        submit: true,
    }
}

/// Platform, security and finance, one each; Ana may fill two of them.
pub fn slots() -> Vec<Slot> {
    let slot = |role: Role, group: &str, eligible: &[&str], escalation: &[&str]| Slot {
        role,
        group: group.to_owned(),
        needed: 1,
        eligible: eligible.iter().map(|person| PersonId::from(*person)).collect(),
        escalation: escalation.iter().map(|person| PersonId::from(*person)).collect(),
        escalated: false,
        inputs: Digest::of(group.as_bytes()),
        keep_votes: false,
        votes: Vec::new(),
        recused: BTreeSet::new(),
    };
    vec![
        slot(Role::Platform, "platform-approvers", &["ana", "maya"], &[]),
        slot(Role::Security, "sec-oncall", &["priya", "ana"], &["noor"]),
        slot(Role::Finance, "finance-approvers", &["tomas"], &[]),
    ]
}
