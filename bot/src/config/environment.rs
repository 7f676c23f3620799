//! `GOVERNOR_<SECTION>__<KEY>`, and `…_FILE` for a value that stands in a file.

use std::collections::BTreeMap;

use figment::{
    Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};

use super::Fault;

const PREFIX: &str = "GOVERNOR_";

/// What the environment sets, and which variable set which key.
pub(super) struct Overrides {
    values: Dict,
    /// Variable by key (`server.listen`), for errors.
    pub(super) names: BTreeMap<String, String>,
}

/// Reads the variables that name a section and a key; other `GOVERNOR_…` variables are not settings.
pub(super) fn overrides(
    known: &Figment,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Overrides, Fault> {
    let mut found = Overrides {
        values: Dict::new(),
        names: BTreeMap::new(),
    };
    for (name, value) in variables {
        let Some(path) = name.strip_prefix(PREFIX).filter(|path| path.contains("__")) else {
            continue;
        };
        let key = path.split("__").map(section_name).collect::<Vec<_>>().join(".");
        match key.strip_suffix("_file") {
            Some(key) if known.find_value(&format!("{key}_file")).is_err() => {
                let text = std::fs::read_to_string(&value)
                    .map_err(|error| Fault::secret_file(&name, &value, &error))?;
                found.set(key, Value::from(text.trim_end_matches(['\n', '\r'])), &name);
            }
            _ => found.set(&key, typed(known, &key, &value), &name),
        }
    }
    Ok(found)
}

/// `GATEWAYS` → `gateways`; ids of gateways have dashes, which variables cannot have, so `_` finds both (see `set`).
fn section_name(part: &str) -> String {
    part.to_ascii_lowercase()
}

/// The value in the type of what stands there already; text where nothing does (credentials of gateways and models).
fn typed(known: &Figment, key: &str, value: &str) -> Value {
    match known.find_value(key) {
        Ok(Value::Num(..) | Value::Bool(..) | Value::Array(..)) => {
            value.parse().unwrap_or_else(|_| Value::from(value))
        }
        _ => Value::from(value),
    }
}

impl Overrides {
    fn set(&mut self, key: &str, value: Value, name: &str) {
        // An id in a variable cannot have a dash: LITELLM_MAIN stands for litellm-main.
        let key = match key.split('.').collect::<Vec<_>>()[..] {
            ["gateways", id, field] => format!("gateways.{}.{field}", id.replace('_', "-")),
            _ => key.to_owned(),
        };
        self.names.insert(key.clone(), name.to_owned());
        let mut place = &mut self.values;
        let mut parts: Vec<&str> = key.split('.').collect();
        let Some(last) = parts.pop() else { return };
        for part in parts {
            let next = place
                .entry(part.to_owned())
                .or_insert_with(|| Value::from(Dict::new()));
            let Value::Dict(_, dict) = next else { return };
            place = dict;
        }
        place.insert(last.to_owned(), value);
    }
}

impl Provider for Overrides {
    fn metadata(&self) -> Metadata {
        Metadata::named("the environment")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}
