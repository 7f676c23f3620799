//! A judge at work for one run: first on pairs that people have labelled, then, if it may judge, on this run's.
//!
//! Each reply is stored as soon as it is there, so a killed run neither asks nor pays again.

mod admit;
mod ask;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio_util::sync::CancellationToken;

use super::{
    Halt, Tester,
    replay::Played,
    texts::CHUNK,
    vault::{RunKey, VaultError},
};
use crate::{
    catalog::shadow::JudgeCard,
    ports::model::ModelClient,
    shadow::{
        judging::{
            calibration::{Agreement, Labelled, Refused},
            correction::Work,
        },
        statistics::judge::{LEAST_LABELS, Weakness},
    },
    store::{
        self,
        error::StoreError,
        judging::{Heard, Label, Place},
        shadow::Run,
    },
    usage::price::PriceBook,
    values::{Digest, Hop, RunId, Usd},
};

/// Why a judge's work does not go on.
enum Stop {
    /// The run halts and may come back.
    Halt(Halt),
    /// The judge does not count; the run goes on without it.
    Refused(Refused),
}

impl<E: Into<Halt>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Halt(error.into())
    }
}

/// A judge at work for one run.
struct Bench<'run> {
    tester: &'run Tester,
    run: &'run Run,
    prices: &'run PriceBook,
    card: &'run JudgeCard,
    judge: Digest,
    hop: Hop,
    model: &'run dyn ModelClient,
    stop: &'run CancellationToken,
    /// By the run so far.
    spent: Mutex<Usd>,
    /// Replies that this pass has brought.
    kept: AtomicU64,
}

/// This run's pairs in words that checks cannot decide.
struct Open {
    different: Vec<String>,
    same: Vec<String>,
}

impl Tester {
    /// Calibrates the plan's judge and lets it judge; none where the plan has none, or a harmful candidate has decided
    /// the test already. Goes on where it was; `kept` grows by the replies that this pass has brought.
    pub(super) async fn judged(
        &self,
        (run, prices): (&Run, &PriceBook),
        played: Played,
        stop: &CancellationToken,
        kept: &mut u64,
    ) -> Result<Option<Work>, Halt> {
        let Some(card) = &run.plan.judge else {
            return Ok(None);
        };
        if played.early.is_some_and(|early| early.harm) {
            return Ok(None);
        }
        let bench = self.bench((run, prices), card, stop).await?;
        let mut work = Work::of(card.name());
        let ended = bench.work(&mut work, played).await;
        *kept += bench.kept.load(Ordering::Relaxed);
        match ended {
            Ok(()) => {}
            Err(Stop::Refused(refused)) => work.refused = Some(refused),
            Err(Stop::Halt(halt)) => return Err(halt),
        }
        bench.expect(0).await?;
        Ok(Some(work))
    }

    async fn bench<'run>(
        &'run self,
        (run, prices): (&'run Run, &'run PriceBook),
        card: &'run JudgeCard,
        stop: &'run CancellationToken,
    ) -> Result<Bench<'run>, Halt> {
        let hop = card.hop();
        let model = self.models.get(&hop.provider).ok_or_else(|| {
            Halt::Failed(format!(
                "The governor has no access to the judge's vendor {} any more.",
                hop.provider
            ))
        })?;
        let now = store::shadow::by_id(self.engine.db(), &run.id).await?;
        Ok(Bench {
            tester: self,
            run,
            prices,
            card,
            judge: Digest::of_json(card).map_err(StoreError::from)?,
            model: model.as_ref(),
            hop,
            stop,
            spent: Mutex::new(now.map_or(Usd::ZERO, |now| now.spent_usd)),
            kept: AtomicU64::new(0),
        })
    }
}

impl Bench<'_> {
    async fn work(&self, work: &mut Work, played: Played) -> Result<(), Stop> {
        let key = self.tester.vault.existing(&self.run.id).await?;
        let open = self.open(&key, played).await?;
        work.identical = open.same.len() as u64;
        if open.different.is_empty() {
            return Ok(());
        }
        let labels = store::judging::labels(self.tester.engine.db(), &self.run.plan.workflow).await?;
        work.labels = labels.len() as u64;
        if work.labels < LEAST_LABELS {
            // It may not judge whatever it says, so it is not asked.
            return Err(Stop::Refused(self.few_labels(work.labels)));
        }
        self.expect(self.missing(&labels, &open).await?).await?;
        work.labelled = self.calibrated(labels).await?;
        if let Some(refused) = Agreement::of(&work.labelled).refused(&self.labels_at()) {
            return Err(Stop::Refused(refused));
        }
        self.judge(work, (&key, open)).await
    }

    fn labels_at(&self) -> String {
        format!("/workflows/{}/labels", self.run.plan.workflow)
    }

    fn few_labels(&self, labels: u64) -> Refused {
        Refused {
            because: vec![Weakness::FewLabels(labels).to_string()],
            remedy: format!(
                "Label more pairs at {}, then file the change again.",
                self.labels_at()
            ),
        }
    }

    /// Corrects how many replies the run waits for.
    async fn expect(&self, questions: u64) -> Result<(), Halt> {
        let db = self.tester.engine.db();
        let done = store::shadow::by_id(db, &self.run.id)
            .await?
            .map_or(0, |run| run.done);
        Ok(store::shadow::set_total(db, &self.run.id, done + questions).await?)
    }

    /// Questions that are still to be asked, about labelled pairs and about this run's.
    async fn missing(&self, labels: &[Label], open: &Open) -> Result<u64, StoreError> {
        let own = open
            .different
            .iter()
            .map(|trace| (self.run.id.clone(), trace.clone()));
        let places: BTreeSet<Place> = labels
            .iter()
            .map(|label| label.place.clone())
            .chain(own)
            .collect();
        let runs = places.iter().map(|(run, _)| run.clone()).collect();
        let heard = store::judging::heard(self.tester.engine.db(), self.judge, &runs).await?;
        let missing = |place: &Place| Heard::missing(heard.get(place)).len() as u64;
        Ok(places.iter().map(missing).sum())
    }

    /// This run's pairs in words that checks cannot decide, as far as the analysis counts them.
    async fn open(&self, key: &RunKey, played: Played) -> Result<Open, Stop> {
        let counted = played.early.and_then(|early| usize::try_from(early.after).ok());
        let counted: BTreeSet<&String> = self
            .run
            .sample
            .iter()
            .take(counted.unwrap_or(usize::MAX))
            .map(|sampled| &sampled.trace_id)
            .collect();
        let mut traces = self.tester.vault.undecided(self.run).await?;
        traces.retain(|trace| counted.contains(trace));
        let mut open = Open {
            different: Vec::new(),
            same: Vec::new(),
        };
        for chunk in traces.chunks(CHUNK) {
            for pair in self.tester.vault.pairs_in_words(key, chunk).await? {
                let list = if pair.same() {
                    &mut open.same
                } else {
                    &mut open.different
                };
                list.push(pair.trace);
            }
        }
        Ok(open)
    }

    /// Every labelled pair whose texts are still kept, or that this judge has seen, beside its verdict.
    async fn calibrated(&self, labels: Vec<Label>) -> Result<Vec<Labelled>, Stop> {
        let db = self.tester.engine.db();
        let mut by_run: BTreeMap<RunId, Vec<String>> = BTreeMap::new();
        for Label {
            place: (run, trace), ..
        } in &labels
        {
            by_run.entry(run.clone()).or_default().push(trace.clone());
        }
        let runs: BTreeSet<RunId> = by_run.keys().cloned().collect();
        let mut of_same_routes = BTreeSet::new();
        for (run, traces) in by_run {
            let stored = store::shadow::by_id(db, &run).await?;
            if stored.is_some_and(|stored| self.same_routes(&stored)) {
                of_same_routes.insert(run.clone());
            }
            match self.tester.vault.existing(&run).await {
                Ok(key) => self.ask(&key, traces).await?,
                // Erased meanwhile: only what was asked before can count.
                Err(VaultError::Erased) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let heard = store::judging::heard(db, self.judge, &runs).await?;
        let beside = |label: &Label| {
            let heard = heard.get(&label.place)?;
            Some(Labelled {
                label: label.says,
                both: heard.both()?,
                longer: heard.longer,
                same_routes: of_same_routes.contains(&label.place.0),
            })
        };
        Ok(labels.iter().filter_map(beside).collect())
    }

    fn same_routes(&self, other: &Run) -> bool {
        let (plan, other) = (&self.run.plan, &other.plan);
        plan.baseline.primary == other.baseline.primary && plan.candidate.primary == other.candidate.primary
    }

    /// What it says of this run's pairs.
    async fn judge(&self, work: &mut Work, (key, open): (&RunKey, Open)) -> Result<(), Stop> {
        self.ask(key, open.different.clone()).await?;
        for trace in &open.same {
            self.same(trace).await?;
        }
        let heard = self.heard(&self.run.id).await?;
        let place = |trace: &String| (self.run.id.clone(), trace.clone());
        for heard in open.different.iter().filter_map(|trace| heard.get(&place(trace))) {
            if let Some(both) = heard.both() {
                work.verdicts.push(both.verdict());
                work.no_verdict += both.unreadable();
            }
        }
        Ok(())
    }

    async fn heard(&self, run: &RunId) -> Result<BTreeMap<Place, Heard>, StoreError> {
        let own = BTreeSet::from([run.clone()]);
        store::judging::heard(self.tester.engine.db(), self.judge, &own).await
    }

    fn spent(&self) -> std::sync::MutexGuard<'_, Usd> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
