//! Many replicas on one database: started together, stopped, frozen, killed, upgraded one by one.

mod housekeeping;
mod jobs;
mod leader;
mod services;
mod stopping;
mod waiting;

use std::sync::Arc;

use async_trait::async_trait;
use tests::desk::Desk;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::command::Command,
    engine::{
        Engine,
        jobs::{Handler, JobError, Runner, report},
    },
    store::{self, db::Db, queue::Job},
    values::{ChangeNumber, Digest},
};

/// Another replica's engine on the same database, with the same clock.
async fn another(desk: &Desk) -> Engine {
    let db = Db::open(&desk.fresh.url, 4).await.unwrap();
    Engine::new(db, Arc::new(desk.clock.clone()))
}

/// An admission check that takes as long as the test likes, and then says yes.
struct Slow {
    engine: Engine,
    begun: Arc<Semaphore>,
    may_end: Arc<Semaphore>,
}

impl Slow {
    fn new(engine: &Engine) -> Arc<Self> {
        Arc::new(Self {
            engine: engine.clone(),
            begun: Arc::new(Semaphore::new(0)),
            may_end: Arc::new(Semaphore::new(0)),
        })
    }

    fn runner(self: &Arc<Self>) -> Runner {
        Runner::new(self.engine.clone(), vec![self.clone()])
    }
}

#[async_trait]
impl Handler for Slow {
    fn kinds(&self) -> &'static [&'static str] {
        &["check_admission"]
    }

    async fn run(&self, job: &Job, _: &CancellationToken) -> Result<(), JobError> {
        self.begun.add_permits(1);
        self.may_end
            .acquire()
            .await
            .map_err(JobError::permanent)?
            .forget();
        let decision = Digest::of(b"yes");
        report(&self.engine, job, ChangeNumber(1), Command::Admit { decision }).await
    }
}

/// The admission check of change 1 as it stands: tries counted, whether it is done, its newest claim.
async fn admission(desk: &Desk) -> (i32, bool, i64) {
    use entities::job;
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
    let job = job::Entity::find()
        .filter(job::Column::Kind.eq("check_admission"))
        .one(desk.engine.db().reads())
        .await
        .unwrap()
        .unwrap();
    (job.attempts, job.done_at.is_some(), job.token)
}

/// Words of the events of change 1.
async fn told(desk: &Desk) -> Vec<String> {
    let change = desk.change(ChangeNumber(1)).await;
    let events = store::changes::events(desk.engine.db(), change.id.as_str())
        .await
        .unwrap();
    events.into_iter().map(|event| event.kind).collect()
}
