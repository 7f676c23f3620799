//! What is wrong with a catalog file, said so that its author can put it right without asking.

use std::fmt;

/// One thing that is wrong with a catalog file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CatalogFault {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, in characters from 1; 0 where the line says enough.
    pub column: usize,
    /// The field, as a path from the top (`workflows[2].route`); empty where the file as a whole is meant.
    pub path: String,
    /// What is wrong, and what would be right.
    pub what: String,
    /// The known name that looks most like what was written.
    pub nearest: Option<String>,
}

/// All that is wrong with a catalog file, in the order of its lines. Shown one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CatalogFaults {
    /// The file's name, as it was given.
    pub file: String,
    /// At least one.
    pub faults: Vec<CatalogFault>,
}

impl fmt::Display for CatalogFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{}:{fault}", self.file)?;
        }
        Ok(())
    }
}

impl fmt::Display for CatalogFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            0 => write!(f, "{}: ", self.line)?,
            column => write!(f, "{}:{column}: ", self.line)?,
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.what)?;
        match &self.nearest {
            Some(name) => write!(f, "; did you mean \"{name}\"?"),
            None => Ok(()),
        }
    }
}

/// The one of `known` that `written` was most likely meant to be, if any is close.
#[must_use]
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    known
        .into_iter()
        .map(|name| {
            (
                strsim::normalized_damerau_levenshtein(&written, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.65)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_name_and_a_strange_word_finds_none() {
        let known = ["gpt-4o-0513", "gpt-4o-0806", "claude-sonnet"];
        assert_eq!(nearest("gpt-4o-0896", known), Some("gpt-4o-0806"));
        assert_eq!(nearest("llama", known), None);
    }
}
