//! Transitions as the values of their statement on PostgreSQL: a column of each kind, a row for each transition, event, job,
//! vote and note.

use super::{
    commit::{Commit, EventRow, JobRow, NoteRow, VoteRow},
    warm::Bound,
};

/// The statement with the values of `commits`, in the order of [`super::commit_postgres`].
pub(super) fn bind(text: &'static str, commits: &[Commit]) -> Bound {
    let statement = bind_beginnings(bind_transitions(sqlx::query(text), commits), commits);
    let statement = bind_jobs(bind_events(statement, commits), commits);
    let statement = bind_notes(bind_votes(statement, commits), commits);
    bind_route(statement, commits)
}

fn bind_transitions(statement: Bound, commits: &[Commit]) -> Bound {
    statement
        .bind(column(commits, |it| it.change.id.as_str()))
        .bind(column(commits, |it| it.expected_version))
        .bind(column(commits, |it| it.change.state))
        .bind(column(commits, |it| it.change.revision))
        .bind(column(commits, |it| it.change.event_n))
        .bind(column(commits, |it| &it.change.head_hash.0[..]))
        .bind(column(commits, |it| it.change.deadline_at))
        .bind(column(commits, |it| it.at.timestamp_millis()))
        .bind(column(commits, |it| it.change.body.as_str()))
        .bind(column(commits, |it| it.change.definition_version))
        .bind(column(commits, |it| it.command.key.as_str()))
        .bind(column(commits, |it| &it.command.payload_sha256.0[..]))
        .bind(column(commits, |it| it.command.result.as_str()))
        .bind(column(commits, |it| {
            it.events.first().map(|event| &event.prev_hash.0[..])
        }))
        .bind(column(commits, |it| {
            it.expected_catalog.as_ref().map(|catalog| &catalog.0[..])
        }))
        .bind(column(commits, |it| it.completes.as_ref().map(|job| job.seq)))
        .bind(column(commits, |it| it.completes.as_ref().map(|job| job.token)))
}

/// What a new change begins with.
fn bind_beginnings(statement: Bound, commits: &[Commit]) -> Bound {
    statement
        .bind(column(commits, |it| it.change.number))
        .bind(column(commits, |it| it.change.workflow.as_str()))
        .bind(column(commits, |it| it.change.requester.as_str()))
        .bind(column(commits, |it| it.change.filed_at))
}

fn bind_events(statement: Bound, commits: &[Commit]) -> Bound {
    let rows: Vec<(&str, &EventRow)> = of_each(commits, |it| &it.events);
    statement
        .bind(column(&rows, |(change, _)| *change))
        .bind(column(&rows, |(_, event)| event.n))
        .bind(column(&rows, |(_, event)| event.kind))
        .bind(column(&rows, |(_, event)| event.actor.as_str()))
        .bind(column(&rows, |(_, event)| event.body.as_slice()))
        .bind(column(&rows, |(_, event)| &event.prev_hash.0[..]))
        .bind(column(&rows, |(_, event)| &event.hash.0[..]))
}

fn bind_jobs(statement: Bound, commits: &[Commit]) -> Bound {
    let rows: Vec<(&str, &JobRow)> = of_each(commits, |it| &it.jobs);
    statement
        .bind(column(&rows, |(change, _)| *change))
        .bind(column(&rows, |(_, job)| job.id.as_str()))
        .bind(column(&rows, |(_, job)| job.event_n))
        .bind(column(&rows, |(_, job)| job.kind))
        .bind(column(&rows, |(_, job)| job.lane.as_deref()))
        .bind(column(&rows, |(_, job)| job.payload.as_str()))
        .bind(column(&rows, |(_, job)| job.due_at))
        .bind(column(&rows, |(_, job)| job.max_attempts))
}

fn bind_votes(statement: Bound, commits: &[Commit]) -> Bound {
    let rows: Vec<(&str, &VoteRow)> = of_each(commits, |it| &it.votes);
    statement
        .bind(column(&rows, |(change, _)| *change))
        .bind(column(&rows, |(_, vote)| vote.revision))
        .bind(column(&rows, |(_, vote)| vote.slot))
        .bind(column(&rows, |(_, vote)| vote.seat))
        .bind(column(&rows, |(_, vote)| vote.approver.as_str()))
        .bind(column(&rows, |(_, vote)| &vote.packet_sha256.0[..]))
}

fn bind_notes(statement: Bound, commits: &[Commit]) -> Bound {
    let rows: Vec<(&str, &NoteRow)> = of_each(commits, |it| &it.notes);
    statement
        .bind(column(&rows, |(change, _)| *change))
        .bind(column(&rows, |(_, note)| note.id.as_str()))
        .bind(column(&rows, |(_, note)| note.author.as_str()))
        .bind(column(&rows, |(_, note)| note.salt.as_slice()))
        .bind(column(&rows, |(_, note)| note.body.as_str()))
}

/// The route that serves from now on; one of them at most has one.
fn bind_route(statement: Bound, commits: &[Commit]) -> Bound {
    let says = commits.iter().find(|it| it.live_route.is_some());
    let route = says.and_then(|it| it.live_route.as_ref());
    statement
        .bind(says.map(|it| it.change.id.as_str()))
        .bind(says.map(|it| it.change.workflow.as_str()))
        .bind(route.map(|live| live.route.as_str()))
        .bind(route.map(|live| live.generation))
        .bind(says.map(|it| it.change.number))
}

/// Rows with the id of the change that they belong to.
fn of_each<Row>(commits: &[Commit], pick: impl Fn(&Commit) -> &Vec<Row>) -> Vec<(&str, &Row)> {
    commits
        .iter()
        .flat_map(|commit| pick(commit).iter().map(|row| (commit.change.id.as_str(), row)))
        .collect()
}

fn column<'row, Row, T>(rows: &'row [Row], pick: impl Fn(&'row Row) -> T) -> Vec<T> {
    rows.iter().map(pick).collect()
}
