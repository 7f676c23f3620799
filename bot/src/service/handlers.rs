//! Who does which job.

use std::{sync::Arc, time::Duration};

use workflow_engine::{
    engine::{
        Engine,
        jobs::{Handler, Runner},
        ledger::Ledger,
        shadow::{Parts, Settings, Tester, vault::Vault},
    },
    ledger::key::SigningKey,
    store::calls::CallStore,
    usage::price::PriceBook,
};

use super::outside;
use crate::{
    chat::connect::Connection,
    config::Config,
    jobs::{
        admission::Admission, apply_route::ApplyRoute, assess::Assess, budget_watch::BudgetWatch,
        digest::Digests, housekeeping::Housekeeping, publish_ledger::PublishLedger,
        restore_route::RestoreRoute, run_shadow::RunShadow, seal_rows::SealRows, timers::Timers,
        verify_traffic::VerifyTraffic, witness::Witnesses,
    },
};

/// How soon a change that is not seen in traffic yet is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What the handlers work with.
pub(super) struct Needs<'start> {
    pub(super) engine: &'start Engine,
    pub(super) calls: &'start CallStore,
    pub(super) config: &'start Arc<Config>,
    pub(super) chat: Option<&'start Connection>,
    pub(super) public_url: &'start str,
    pub(super) key: &'start Arc<SigningKey>,
    pub(super) ledger: &'start Ledger,
    pub(super) prices: &'start Arc<PriceBook>,
    pub(super) vault: &'start Vault,
    pub(super) shadow: Settings,
}

/// The runners: chat has one of its own, because a person who clicks must not wait behind a long test.
pub(super) fn runners(needs: Needs<'_>) -> anyhow::Result<Vec<Runner>> {
    let engine = needs.engine;
    let gateways = outside::gateways(needs.config)?;
    let tester = Tester::new(Parts {
        engine: engine.clone(),
        calls: Arc::new(needs.calls.clone()),
        models: outside::models(needs.config)?,
        prices: needs.prices.clone(),
        vault: needs.vault.clone(),
        settings: needs.shadow,
    });
    let platform = needs
        .chat
        .map(|connection| Arc::clone(connection.chat.platform()));
    let digests = Digests::new(
        engine.clone(),
        needs.calls.clone(),
        platform.clone(),
        needs.config.server.data_dir.join("digests"),
    );
    let work: Vec<Arc<dyn Handler>> = vec![
        Arc::new(digests.linked(needs.public_url)),
        Arc::new(BudgetWatch::new(engine.clone(), needs.calls.clone(), platform)),
        Arc::new(Housekeeping::new(engine.clone(), needs.vault.clone())),
        Arc::new(Timers::new(engine.clone())),
        Arc::new(PublishLedger {
            engine: engine.clone(),
            ledger: needs.ledger.clone(),
            chat: needs.chat.map(|connection| connection.chat.clone()),
            channel: needs.config.ledger.checkpoint_channel.clone(),
            witnessed: !needs.config.ledger.witnesses.is_empty(),
            authority: outside::authority(needs.config)?,
        }),
        Arc::new(SealRows::new(engine.clone(), needs.calls.clone())),
        Arc::new(Witnesses::new(
            engine.clone(),
            needs.ledger.clone(),
            outside::witnesses(needs.config)?,
        )),
        Arc::new(Admission::new(engine.clone())),
        Arc::new(RunShadow::new(engine.clone(), tester)),
        Arc::new(Assess::new(
            engine.clone(),
            needs.calls.clone(),
            needs.prices.clone(),
            needs.key.clone(),
        )),
        Arc::new(ApplyRoute::new(engine.clone(), gateways.clone())),
        Arc::new(RestoreRoute::new(engine.clone(), gateways.clone())),
        Arc::new(VerifyTraffic::new(
            engine.clone(),
            gateways,
            Arc::new(needs.calls.clone()),
            LOOK_AGAIN,
        )),
    ];
    let lease = needs.config.jobs.lease();
    // The rest of the time is for giving claims back, and for answers that are on their way.
    let patience = Duration::from_secs(needs.config.server.stop_within_seconds) * 3 / 4;
    let runner = |handlers| {
        Runner::new(engine.clone(), handlers)
            .leasing(lease)
            .patient(patience)
    };
    let mut runners = vec![runner(work)];
    if let Some(connection) = needs.chat {
        runners.push(runner(connection.chat.handlers()));
    }
    Ok(runners)
}
