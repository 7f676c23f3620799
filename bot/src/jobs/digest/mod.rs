//! Tells the weekly digest: composes it once, writes its files, posts it to the finance channel once.

mod card;
pub mod files;
#[cfg(test)]
mod sample;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::{
        Engine,
        digest::{Asked, JOB},
        jobs::{Handler, JobError},
    },
    finance::digest::Digest,
    ports::chat::{Attachment, ChatPlatform, MessageRef, Place},
    store::{self, calls::CallStore, queue::Job},
};

pub use card::card;
pub use files::{cell, files};

use crate::chat::once::{Once, Posted};

/// Tells digests.
pub struct Digests {
    engine: Engine,
    calls: CallStore,
    platform: Option<Arc<dyn ChatPlatform>>,
    folder: PathBuf,
    public_url: Option<String>,
}

impl Digests {
    /// Digests of this engine's company: files go to `folder`, the card to the finance channel where there is a chat.
    #[must_use]
    pub fn new(
        engine: Engine,
        calls: CallStore,
        platform: Option<Arc<dyn ChatPlatform>>,
        folder: PathBuf,
    ) -> Self {
        Self {
            engine,
            calls,
            platform,
            folder,
            public_url: None,
        }
    }

    /// With a link to the console.
    #[must_use]
    pub fn linked(mut self, public_url: impl Into<String>) -> Self {
        self.public_url = Some(public_url.into());
        self
    }

    /// The composed digest: the kept one, so that a second try tells the same, or else a new one that is kept.
    async fn composed(&self, asked: &Asked, kept: Option<String>) -> Result<Option<Digest>, JobError> {
        if let Some(body) = kept {
            return serde_json::from_str(&body).map(Some).map_err(JobError::permanent);
        }
        let Some(digest) = self.engine.digest(&self.calls, asked.week).await? else {
            return Ok(None);
        };
        let body = serde_json::to_string(&digest).map_err(JobError::permanent)?;
        store::digests::keep(self.engine.db(), &asked.week.key(), &asked.audience, body).await?;
        Ok(Some(digest))
    }

    fn write(&self, asked: &Asked, digest: &Digest) -> anyhow::Result<Vec<files::File>> {
        let folder = self
            .folder
            .join(format!("{}-{}", asked.week.key(), asked.audience));
        std::fs::create_dir_all(&folder)?;
        let files = files(digest)?;
        for file in &files {
            std::fs::write(folder.join(file.name), &file.text)?;
        }
        Ok(files)
    }

    async fn post(
        &self,
        job: &Job,
        asked: &Asked,
        digest: &Digest,
        files: &[files::File],
    ) -> Result<(), JobError> {
        let Some(platform) = &self.platform else {
            return Ok(());
        };
        let (_, catalog) = self.engine.catalog().await?;
        let to = Place::channel(catalog.company.finance_channel.trim_start_matches('#'));
        let mark = format!("digest:{}:{}", asked.week.key(), asked.audience);
        let link = self.public_url.as_ref().map(|base| format!("{base}/spend"));
        let once = Once {
            engine: &self.engine,
            platform: platform.as_ref(),
            job,
        };
        let Posted::Now(message) = once.post(&to, &card(digest, link.as_deref()), &mark).await? else {
            return Ok(());
        };
        attach(platform.as_ref(), &message, files).await;
        Ok(())
    }
}

/// The table for spreadsheets goes into the thread. Without it the digest is told all the same.
async fn attach(platform: &dyn ChatPlatform, message: &MessageRef, files: &[files::File]) {
    for file in files.iter().filter(|file| file.name.ends_with(".csv")) {
        let attachment = Attachment {
            name: file.name.to_owned(),
            title: "By cost centre, exact".to_owned(),
            bytes: file.text.clone().into_bytes(),
        };
        if let Err(error) = platform.upload(&message.thread(), &attachment).await {
            tracing::warn!(%error, "the digest's table could not be attached");
        }
    }
}

#[async_trait]
impl Handler for Digests {
    fn kinds(&self) -> &'static [&'static str] {
        &[JOB]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let asked: Asked = serde_json::from_str(&job.payload).map_err(JobError::permanent)?;
        let (db, period) = (self.engine.db(), asked.week.key());
        let told = store::digests::find(db, &period, &asked.audience)
            .await?
            .ok_or_else(|| JobError::permanent("its row is not there"))?;
        if told.sent_at.is_some() {
            return Ok(());
        }
        // Before the first call there is nothing to tell, and nobody waits for it.
        if let Some(digest) = self.composed(&asked, told.body).await? {
            let files = self.write(&asked, &digest).map_err(JobError::retry)?;
            self.post(job, &asked, &digest, &files).await?;
        }
        let now = self.engine.clock().now().timestamp_millis();
        store::digests::sent(db, &period, &asked.audience, now).await?;
        Ok(())
    }
}
