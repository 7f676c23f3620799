//! One row from the reports of one call.

use std::collections::BTreeMap;

use super::tree::{Span, Tree};
use crate::usage::call::{Call, TokensSource};
use crate::usage::mapping::{Mapping, Marks};
use crate::usage::report::{Beside, Part, SpanNote, reports_of};

/// The row that `reports` amount to. Who stands closest to the vendor (the gateway, then the innermost span) gives
/// identity, times, tokens, cost and route; the application gives the people.
pub(super) fn row(mut reports: Vec<&Call>) -> Call {
    if let [only] = reports.as_slice() {
        return (*only).clone();
    }
    reports.sort_by(|a, b| {
        let key = |call: &Call| (!call.beside.gateway, call.beside.reporter.clone());
        if a.beside.gateway || b.beside.gateway {
            return (key(a), a.id).cmp(&(key(b), b.id));
        }
        (b.started_at, a.ended_at, a.id).cmp(&(a.started_at, b.ended_at, b.id))
    });
    let vendor = reports.clone();
    let people: Vec<&Call> = reports.iter().rev().copied().collect();
    let mut out = vendor[0].clone();
    fill_route(&mut out, &vendor, &people);
    fill_figures(&mut out, &vendor);
    out.team = first(&people, |c| c.team.clone());
    out.end_user = first(&people, |c| c.end_user.clone());
    out.tags = first(&people, |c| (!c.tags.is_empty()).then(|| c.tags.clone())).unwrap_or_default();
    out.beside = beside(&vendor);
    out
}

fn first<T>(reports: &[&Call], field: impl Fn(&Call) -> Option<T>) -> Option<T> {
    reports.iter().find_map(|report| field(report))
}

fn fill_route(out: &mut Call, vendor: &[&Call], people: &[&Call]) {
    // A callback knows a trace but no span; a reporter that is a span knows both.
    if let Some(span) = vendor.iter().find(|report| report.span_id.is_some()) {
        out.trace_id.clone_from(&span.trace_id);
        out.span_id.clone_from(&span.span_id);
    }
    let gateway = vendor.iter().any(|report| report.beside.gateway);
    let told = first(vendor, |c| c.requested_alias.clone());
    out.requested_alias = first(people, |c| c.requested_alias.clone()).map(|asked| match &told {
        Some(told) if asked.ends_with(&format!("/{told}")) => told.clone(),
        _ => asked,
    });
    out.route_model = first(vendor, |c| c.route_model.clone());
    out.provider = first(vendor, |c| c.provider.clone());
    out.deployment_id = first(vendor, |c| c.deployment_id.clone());
    out.region = first(vendor, |c| c.region.clone());
    out.response_id = first(vendor, |c| c.response_id.clone());
    let alias = |model: &String| {
        let named = vendor.iter().any(|c| c.requested_alias.as_ref() == Some(model));
        gateway && named && out.route_model.as_ref() != Some(model)
    };
    out.response_model = first(vendor, |c| c.response_model.clone().filter(|model| !alias(model)));
}

fn fill_figures(out: &mut Call, vendor: &[&Call]) {
    let mut counted: Vec<&Call> = vendor.to_vec();
    counted.sort_by_key(|c| c.tokens_source != Some(TokensSource::Reported));
    out.input_tokens = first(&counted, |c| c.input_tokens);
    out.cached_input_tokens = first(&counted, |c| c.cached_input_tokens);
    out.cache_write_tokens = first(&counted, |c| c.cache_write_tokens);
    out.output_tokens = first(&counted, |c| c.output_tokens);
    out.reasoning_tokens = first(&counted, |c| c.reasoning_tokens);
    out.tokens_source = first(&counted, |c| c.tokens_source);
    out.cost_reported_usd = first(vendor, |c| c.cost_reported_usd);
    out.error_class = first(vendor, |c| c.error_class);
    out.finish_reason = first(vendor, |c| c.finish_reason);
    out.ttft_ms = first(vendor, |c| c.ttft_ms);
    out.stream = first(vendor, |c| c.stream.filter(|stream| *stream)).or_else(|| first(vendor, |c| c.stream));
    out.cache_hit =
        first(vendor, |c| c.cache_hit.filter(|hit| *hit)).or_else(|| first(vendor, |c| c.cache_hit));
    out.is_shadow = vendor.iter().any(|c| c.is_shadow);
    out.is_internal = vendor.iter().any(|c| c.is_internal);
}

fn beside(vendor: &[&Call]) -> Beside {
    let mut extra = BTreeMap::new();
    for report in vendor.iter().rev() {
        extra.extend(report.beside.extra.clone());
    }
    Beside {
        reporter: vendor[0].beside.reporter.clone(),
        gateway: vendor.iter().any(|c| c.beside.gateway),
        parent_span_id: vendor[0].beside.parent_span_id.clone(),
        stated: first(vendor, |c| c.beside.stated.clone()),
        key_alias: first(vendor, |c| c.beside.key_alias.clone()),
        service_tier: first(vendor, |c| c.beside.service_tier.clone()),
        extra,
        parts: vendor.iter().map(|report| Part::of(report)).collect(),
        ..Beside::default()
    }
}

/// Finds the row's workflow, and its user if only a span above names one.
pub(super) fn place(row: &mut Call, tree: &Tree<'_>, mapping: &Mapping) {
    let mut reports = reports_of(row);
    // The application's word goes before the gateway's, the inner span's before the outer's.
    reports.sort_by_key(|report| report.beside.gateway);
    let mut levels: Vec<Marks> = reports.iter().map(Marks::of).collect();
    let mut above: Vec<SpanNote> = Vec::new();
    for report in &reports {
        for span in tree.above(report) {
            let note = match span {
                Span::Note(note) => note.clone(),
                Span::Call(_, call) if reports.iter().any(|own| own.id == call.id) => continue,
                Span::Call(_, call) => noted(call),
            };
            levels.push(Marks {
                tags: note.tags.clone(),
                names: note.names.clone(),
            });
            let same = |known: &SpanNote| known.span_id == note.span_id && known.trace_id == note.trace_id;
            if !above.iter().any(same) {
                above.push(note);
            }
        }
    }
    if row.end_user.is_none() {
        row.end_user = above.iter().find_map(|note| note.end_user.clone());
        row.beside.user_from_above = row.end_user.is_some();
    }
    let telling =
        |note: &SpanNote| !note.tags.is_empty() || !note.names.is_empty() || note.end_user.is_some();
    row.beside.above = if above.iter().any(telling) {
        above
    } else {
        Vec::new()
    };
    let found = mapping.workflow(row, &levels);
    row.mapping_rule = found.as_ref().map(|mapped| mapped.rule.clone());
    row.workflow = found.map(|mapped| mapped.workflow);
}

/// A call above another one, as what the lower one keeps of it.
fn noted(call: &Call) -> SpanNote {
    SpanNote {
        trace_id: call.trace_id.clone().unwrap_or_default(),
        span_id: call.span_id.clone().unwrap_or_default(),
        parent_span_id: call.beside.parent_span_id.clone(),
        started_at: call.started_at,
        ended_at: call.ended_at.unwrap_or(call.started_at),
        tags: call.tags.clone(),
        names: call.beside.names.clone(),
        end_user: call.end_user.clone(),
    }
}
