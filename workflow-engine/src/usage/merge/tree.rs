//! Who stands above whom in the traces at hand.

use std::collections::HashMap;

use crate::usage::call::Call;
use crate::usage::report::SpanNote;

/// More levels than any real trace has; a circle ends here.
const DEEPEST: usize = 64;

/// A span of the traces at hand.
#[derive(Clone, Copy)]
pub(super) enum Span<'a> {
    /// A call, by its place among the reports.
    Call(usize, &'a Call),
    /// A span that is no call.
    Note(&'a SpanNote),
}

impl<'a> Span<'a> {
    fn parent(self) -> Option<&'a str> {
        match self {
            Self::Call(_, call) => call.beside.parent_span_id.as_deref(),
            Self::Note(note) => note.parent_span_id.as_deref(),
        }
    }
}

/// Spans by trace and id.
pub(super) struct Tree<'a> {
    spans: HashMap<(&'a str, &'a str), Span<'a>>,
}

impl<'a> Tree<'a> {
    pub(super) fn of(reports: &'a [Call], notes: &'a [SpanNote]) -> Self {
        let mut spans = HashMap::with_capacity(reports.len() + notes.len());
        for note in notes {
            spans.insert((note.trace_id.as_str(), note.span_id.as_str()), Span::Note(note));
        }
        for (index, call) in reports.iter().enumerate() {
            if let (Some(trace), Some(span)) = (&call.trace_id, &call.span_id) {
                spans.insert((trace.as_str(), span.as_str()), Span::Call(index, call));
            }
        }
        Self { spans }
    }

    /// The spans above `call`, the nearest first, as far as they are known.
    pub(super) fn above(&self, call: &Call) -> Vec<Span<'a>> {
        let mut out = Vec::new();
        let Some(trace) = call.trace_id.as_deref() else {
            return out;
        };
        let mut parent = call.beside.parent_span_id.as_deref();
        while let Some(id) = parent.filter(|_| out.len() < DEEPEST) {
            let Some(span) = self.spans.get(&(trace, id)) else {
                break;
            };
            out.push(*span);
            parent = span.parent();
        }
        out
    }
}
