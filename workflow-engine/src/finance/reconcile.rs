//! A vendor's invoice against our ledger, line by line.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::Zero;

use super::exact::Exact;

/// What a line is about: model and meter.
pub type Key = (String, String);

/// How a line of the two compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Both say the same.
    Matched,
    /// Both have it, with different amounts.
    AmountDiff,
    /// Only the invoice has it: calls that went around us, or a fee.
    MissingInLedger,
    /// Only our ledger has it.
    MissingInInvoice,
}

impl Kind {
    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::AmountDiff => "amount_diff",
            Self::MissingInLedger => "missing_in_ledger",
            Self::MissingInInvoice => "missing_in_invoice",
        }
    }
}

/// One line of both.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it is about.
    pub key: Key,
    /// The vendor's amount.
    pub invoice: Exact,
    /// Ours.
    pub ledger: Exact,
    /// How they compare.
    pub kind: Kind,
}

impl Line {
    /// Invoice − ledger.
    #[must_use]
    pub fn diff(&self) -> Exact {
        &self.invoice - &self.ledger
    }
}

/// Compares the two, lines sorted by key.
#[must_use]
pub fn reconcile(invoice: &BTreeMap<Key, Exact>, ledger: &BTreeMap<Key, Exact>) -> Vec<Line> {
    let keys: BTreeSet<&Key> = invoice.keys().chain(ledger.keys()).collect();
    let amount = |side: &BTreeMap<Key, Exact>, key: &Key| side.get(key).cloned().unwrap_or_else(Exact::zero);
    keys.into_iter()
        .map(|key| {
            let mut line = Line {
                key: key.clone(),
                invoice: amount(invoice, key),
                ledger: amount(ledger, key),
                kind: Kind::Matched,
            };
            if line.invoice != line.ledger {
                line.kind = match (invoice.contains_key(key), ledger.contains_key(key)) {
                    (true, false) => Kind::MissingInLedger,
                    (false, true) => Kind::MissingInInvoice,
                    _ => Kind::AmountDiff,
                };
            }
            line
        })
        .collect()
}
