//! Answers of a run that were read where they lay, and not asked for: mirrored pairs, and what was recorded.

use super::{
    db::Db,
    error::StoreError,
    shadow::{Answer, Run, count, insert_once, row},
    shadow_content::{self, SealedText},
};
use crate::{
    shadow::arm::{Arm, ArmResult},
    values::{RunId, Usd},
};

/// Keeps answers that were read and not asked for, with their encrypted `texts`: progress moves on by as many as were not
/// there yet, spending does not.
///
/// # Errors
/// When the database does not answer.
pub async fn keep_read(
    db: &Db,
    run: &RunId,
    answers: &[Answer],
    texts: Vec<SealedText>,
    at: i64,
) -> Result<(), StoreError> {
    if answers.is_empty() {
        return Ok(());
    }
    let rows = answers.iter().map(|answer| row(run, answer, at));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let run = run.clone();
    db.write(move |tx| {
        Box::pin(async move {
            // All of a chunk, or none of it: what was there before has its texts too.
            let kept = insert_once(tx, rows).await?;
            if kept > 0 {
                shadow_content::insert(tx, &run, texts).await?;
                let kept = i32::try_from(kept).unwrap_or(i32::MAX);
                count(tx, run.as_str(), (kept, Usd::ZERO)).await?;
            }
            Ok(())
        })
    })
    .await
}

/// Keeps what was answered then, judged as the report judged it: nothing was asked for it and nothing paid, so neither
/// progress nor spending moves. The same ones again change nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn keep_recorded(
    db: &Db,
    run: &Run,
    recorded: &[(String, ArmResult)],
    at: i64,
) -> Result<(), StoreError> {
    for chunk in recorded.chunks(200) {
        let rows = chunk.iter().map(|(trace, result)| {
            let answer = Answer {
                trace_id: trace.clone(),
                arm: Arm::Recorded,
                result: result.clone(),
                hop: run.plan.baseline.primary.clone(),
                attempts: 0,
                response_model: None,
                response_id: None,
                trouble: None,
            };
            row(&run.id, &answer, at)
        });
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        db.write(move |tx| {
            Box::pin(async move {
                insert_once(tx, rows).await?;
                Ok(())
            })
        })
        .await?;
    }
    Ok(())
}
