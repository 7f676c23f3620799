//! A place in a JSON file: reads what must stand there, or says line and field of what does not.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::finance::exact::{self, Exact};

/// Why a file could not be read: one line for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct FileError {
    /// Line of the file, from 1.
    pub line: usize,
    /// The field, and what must stand there.
    pub what: String,
}

/// A value of the file and how it was reached.
pub(super) struct Node<'a> {
    file: &'a str,
    raw: &'a str,
    path: String,
}

impl<'a> Node<'a> {
    /// The whole file.
    pub(super) fn read(file: &'a str) -> Result<Self, FileError> {
        let raw: &RawValue = serde_json::from_str(file).map_err(|error| FileError {
            line: error.line().max(1),
            what: format!("not JSON: {error}"),
        })?;
        Ok(Self {
            file,
            raw: raw.get(),
            path: String::new(),
        })
    }

    /// The complaint that something else must stand here.
    pub(super) fn wrong(&self, expected: &str) -> FileError {
        let offset = (self.raw.as_ptr() as usize).saturating_sub(self.file.as_ptr() as usize);
        let before = self.file.get(..offset).unwrap_or_default();
        let field = if self.path.is_empty() {
            "the file".to_owned()
        } else {
            format!("`{}`", self.path)
        };
        FileError {
            line: before.matches('\n').count() + 1,
            what: format!("{field} must be {expected}"),
        }
    }

    /// Fields of an object, by name.
    pub(super) fn object(&self) -> Result<BTreeMap<String, Self>, FileError> {
        let fields: BTreeMap<String, &'a RawValue> =
            serde_json::from_str(self.raw).map_err(|_| self.wrong("an object"))?;
        Ok(fields
            .into_iter()
            .map(|(name, raw)| {
                let path = if self.path.is_empty() {
                    name.clone()
                } else {
                    format!("{}.{name}", self.path)
                };
                (name, self.inner(raw, path))
            })
            .collect())
    }

    /// Items of a list.
    pub(super) fn list(&self) -> Result<Vec<Self>, FileError> {
        let items: Vec<&'a RawValue> = serde_json::from_str(self.raw).map_err(|_| self.wrong("a list"))?;
        let items = items.into_iter().enumerate();
        Ok(items
            .map(|(index, raw)| self.inner(raw, format!("{}[{index}]", self.path)))
            .collect())
    }

    /// Exactly `N` items of a list.
    pub(super) fn items<const N: usize>(&self, expected: &str) -> Result<[Self; N], FileError> {
        self.list()?.try_into().map_err(|_| self.wrong(expected))
    }

    /// A field that must be there.
    pub(super) fn field(&self, name: &str) -> Result<Self, FileError> {
        self.optional(name)?
            .ok_or_else(|| self.wrong(&format!("an object with `{name}`")))
    }

    /// A field that may be absent or null.
    pub(super) fn optional(&self, name: &str) -> Result<Option<Self>, FileError> {
        Ok(self.object()?.remove(name).filter(|node| !node.is_null()))
    }

    /// Whether it is null.
    pub(super) fn is_null(&self) -> bool {
        self.raw == "null"
    }

    /// A text.
    pub(super) fn text(&self) -> Result<String, FileError> {
        serde_json::from_str(self.raw).map_err(|_| self.wrong("a text"))
    }

    /// An exact number, written as a number or as a decimal string.
    pub(super) fn exact(&self) -> Result<Exact, FileError> {
        let text: String = serde_json::from_str(self.raw).unwrap_or_else(|_| self.raw.to_owned());
        exact::parse(&text).ok_or_else(|| self.wrong("a decimal number"))
    }

    /// A whole number.
    pub(super) fn whole(&self) -> Result<i64, FileError> {
        serde_json::from_str(self.raw).map_err(|_| self.wrong("a whole number"))
    }

    /// A whole number of at least 0.
    pub(super) fn count(&self) -> Result<usize, FileError> {
        serde_json::from_str(self.raw).map_err(|_| self.wrong("a whole number of at least 0"))
    }

    /// A number for estimates, of at least 0.
    pub(super) fn float(&self) -> Result<f64, FileError> {
        let text: String = serde_json::from_str(self.raw).unwrap_or_else(|_| self.raw.to_owned());
        text.parse()
            .ok()
            .filter(|value: &f64| value.is_finite() && *value >= 0.0)
            .ok_or_else(|| self.wrong("a number of at least 0"))
    }

    fn inner(&self, raw: &'a RawValue, path: String) -> Self {
        Self {
            file: self.file,
            raw: raw.get(),
            path,
        }
    }
}
