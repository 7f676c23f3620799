//! What is wrong with the settings, in one line: where, what, and what to write instead.

use std::{collections::BTreeMap, fmt, path::Path};

use figment::error::Kind;

/// A setting that cannot be used. Displays as one line that names the file or variable, the line and the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Fault {
    place: String,
    what: String,
}

impl Fault {
    pub(super) fn missing_file(path: &Path) -> Self {
        let what = if path.is_dir() {
            "it is a folder; `--config FILE` names the settings"
        } else {
            "there is no such file; `--config FILE` names the settings"
        };
        Self::new(path.display(), what)
    }

    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::new(path.display(), format!("cannot be read: {error}"))
    }

    pub(super) fn secret_file(variable: &str, path: &str, error: &std::io::Error) -> Self {
        Self::new(
            variable,
            format!("names the file {path}, which cannot be read: {error}"),
        )
    }

    pub(super) fn not_toml(file: Option<&Path>, text: &str, error: &toml::de::Error) -> Self {
        let line = error
            .span()
            .map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
        Self::new(place(file, line), format!("is not TOML: {}", error.message()))
    }

    pub(super) fn invalid(key: &str, why: &str, origin: &Origin<'_>) -> Self {
        Self::new(origin.place(key), format!("`{key}` cannot be used: {why}"))
    }

    pub(super) fn from_figment(error: &figment::Error, origin: &Origin<'_>) -> Self {
        let path = error.path.join(".");
        let (key, what) = match &error.kind {
            Kind::UnknownField(field, known) => {
                let key = if path.is_empty() || path.ends_with(field.as_str()) {
                    if path.is_empty() {
                        field.clone()
                    } else {
                        path.clone()
                    }
                } else {
                    format!("{path}.{field}")
                };
                let what = format!(
                    "`{key}` is no setting; {}",
                    section_of(&key).unwrap_or_else(|| nearest(field, known))
                );
                (key, what)
            }
            Kind::MissingField(field) => {
                let key = format!("{path}.{field}");
                let what = format!("`{key}` is missing");
                (key, what)
            }
            kind if path == "server.listen" => (
                path.clone(),
                format!("`{path}` cannot be used: {kind}; write address and port, 127.0.0.1:7070"),
            ),
            kind => (path.clone(), format!("`{path}` cannot be used: {kind}")),
        };
        Self::new(origin.place(&key), what)
    }

    fn new(place: impl fmt::Display, what: impl Into<String>) -> Self {
        Self {
            place: place.to_string(),
            what: what.into(),
        }
    }
}

/// Where settings came from, to say where a wrong one stands.
pub(super) struct Origin<'a> {
    pub(super) file: Option<&'a Path>,
    pub(super) text: Option<&'a str>,
    /// Variable by key.
    pub(super) variables: BTreeMap<String, String>,
}

impl Origin<'_> {
    /// The variable that set `key`, or file and line.
    fn place(&self, key: &str) -> String {
        if let Some(name) = self.variables.get(key) {
            return name.clone();
        }
        place(self.file, self.text.and_then(|text| line_of(text, key)))
    }
}

fn place(file: Option<&Path>, line: Option<usize>) -> String {
    let file = file.map_or_else(|| "settings".to_owned(), |file| file.display().to_string());
    match line {
        Some(line) => format!("{file}:{line}"),
        None => file,
    }
}

/// Where a setting belongs that was written outside of its section.
fn section_of(key: &str) -> Option<String> {
    let defaults = super::DEFAULTS.parse::<toml::Table>().ok()?;
    let (section, _) = defaults.iter().find(|(_, section)| section.get(key).is_some())?;
    Some(format!("it belongs under [{section}]"))
}

/// The known name that is nearest to what was written, or all of them.
fn nearest(written: &str, known: &[&str]) -> String {
    let best = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(written, name), *name))
        .min()
        .filter(|(distance, name)| *distance <= name.len().div_ceil(2));
    match best {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// The line on which `section.key` (or the table `section`) stands in a TOML text.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let (section, field) = key.rsplit_once('.').unwrap_or(("", key));
    let mut table = String::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            table = name.trim().replace(['"', '\''], "");
            if table == key {
                return Some(index + 1);
            }
            continue;
        }
        let Some((name, _)) = line.split_once('=') else {
            continue;
        };
        let name = name.trim().replace(['"', '\''], "");
        if (table == section && name == field) || (table.is_empty() && name == key) {
            return Some(index + 1);
        }
    }
    None
}
