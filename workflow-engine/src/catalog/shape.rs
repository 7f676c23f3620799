//! Walks a parsed file along the schema: unknown keys, wrong types, ranges, references and doubles, each where it stands.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    fault::{CatalogFault, nearest},
    scalar::{a, scalar},
    schema::{CATALOG, Field, Kind, Table},
};

/// What a walk found.
pub(super) struct Shape {
    /// What could be read, in the form that the catalog's types are read from.
    pub(super) value: Value,
    /// Whether something that must be there could not be read, so that `value` is no catalog.
    pub(super) torn: bool,
    /// Everything that is wrong.
    pub(super) faults: Vec<CatalogFault>,
    /// Where each field stands.
    pub(super) spots: Spots,
}

/// The line of each field, by its path.
#[derive(Default)]
pub(super) struct Spots(BTreeMap<String, usize>, BTreeMap<String, (usize, usize)>);

impl Spots {
    /// The line of `path`, or of the nearest thing around it that stands in the file.
    pub(super) fn line(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return *line;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return 1,
            }
        }
    }

    /// Line and column of the first letter of the text at `path`, for faults inside it.
    pub(super) fn text(&self, path: &str) -> (usize, usize) {
        self.1.get(path).copied().unwrap_or((1, 1))
    }
}

/// Walks `root`, the parsed form of `text`.
pub(super) fn walk(text: &str, root: &Spanned<DeTable<'_>>) -> Shape {
    let starts = std::iter::once(0)
        .chain(
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at + 1),
        )
        .collect();
    let mut walk = Walk {
        text,
        starts,
        ids: ids(root.get_ref()),
        seen: HashMap::new(),
        faults: Vec::new(),
        spots: Spots::default(),
        torn: false,
    };
    let value = walk.table("", root.get_ref(), &CATALOG);
    Shape {
        value,
        torn: walk.torn,
        faults: walk.faults,
        spots: walk.spots,
    }
}

/// The ids of every list, whatever else is wrong with its rows: so that one slip makes one fault.
fn ids(root: &DeTable<'_>) -> HashMap<&'static str, Vec<String>> {
    let mut ids = HashMap::new();
    for field in CATALOG.fields {
        let Kind::Rows(table) = field.kind else { continue };
        let Some(id) = table.id else { continue };
        let rows = root.get(field.name).and_then(|rows| rows.get_ref().as_array());
        let names = rows
            .into_iter()
            .flat_map(|rows| rows.iter())
            .filter_map(|row| row.get_ref().as_table()?.get(id)?.get_ref().as_str())
            .map(str::to_owned)
            .collect();
        ids.insert(field.name, names);
    }
    ids
}

struct Walk<'t> {
    text: &'t str,
    starts: Vec<usize>,
    ids: HashMap<&'static str, Vec<String>>,
    /// Line of the first row with that id, by list and id.
    seen: HashMap<(String, String), usize>,
    faults: Vec<CatalogFault>,
    spots: Spots,
    torn: bool,
}

impl Walk<'_> {
    fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    fn fault(&mut self, line: usize, path: &str, what: String, nearest: Option<&str>) {
        self.faults.push(CatalogFault {
            line,
            column: 0,
            path: path.to_owned(),
            what,
            nearest: nearest.map(str::to_owned),
        });
    }

    /// Reads one table; what cannot be read is left out.
    fn table(&mut self, path: &str, table: &DeTable<'_>, schema: &'static Table) -> Value {
        let mut out = serde_json::Map::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let here = join(path, name);
            let line = self.line(key.span().start);
            self.spots.0.entry(here.clone()).or_insert(line);
            let field = schema.fields.iter().find(|field| field.name == name);
            let kind = field.map(|field| &field.kind).or(schema.rest.as_ref());
            let Some(kind) = kind else {
                self.unknown(line, &here, name, schema);
                continue;
            };
            match self.value(&here, value, kind) {
                Some(read) => {
                    out.insert(name.to_owned(), read);
                }
                None => self.torn |= field.is_some_and(|field| field.needed),
            }
        }
        for Field { name, doc, .. } in schema.fields.iter().filter(|field| field.needed) {
            if !table.contains_key(*name) {
                self.torn = true;
                let line = self.spots.line(path);
                self.fault(line, &join(path, name), format!("must be given. {doc}"), None);
            }
        }
        Value::Object(out)
    }

    fn unknown(&mut self, line: usize, path: &str, name: &str, schema: &'static Table) {
        if matches!(name, "last_editor" | "last_edited_at") {
            let what = "is filled in when the catalog is applied; leave it out".to_owned();
            return self.fault(line, path, what, None);
        }
        let known = schema.fields.iter().map(|field| field.name);
        match nearest(name, known.clone()) {
            Some(name) => self.fault(line, path, "no such field".to_owned(), Some(name)),
            None => {
                let known: Vec<_> = known.collect();
                self.fault(
                    line,
                    path,
                    format!("no such field; known here: {}", known.join(", ")),
                    None,
                );
            }
        }
    }

    fn value(&mut self, path: &str, value: &Spanned<DeValue<'_>>, kind: &'static Kind) -> Option<Value> {
        let line = self.line(value.span().start);
        let read = match (kind, value.get_ref()) {
            (Kind::One(table), DeValue::Table(inner)) => return Some(self.table(path, inner, table)),
            (Kind::Map(each), DeValue::Table(inner)) => return Some(self.map(path, inner, each)),
            (Kind::Rows(table), DeValue::Array(rows)) => return Some(self.rows(path, rows, table)),
            (Kind::List(each), DeValue::Array(items)) => {
                let read = items.iter().enumerate();
                let read =
                    read.filter_map(|(index, item)| self.value(&format!("{path}[{index}]"), item, each));
                return Some(Value::Array(read.collect()));
            }
            (Kind::Rules, DeValue::String(rules)) => {
                self.begins(path, value.span().start);
                return Some(Value::from(rules.as_ref()));
            }
            (Kind::Ref(list), DeValue::String(id)) => {
                self.reference(line, path, list, id);
                return Some(Value::from(id.as_ref()));
            }
            (kind, value) => scalar(kind, value),
        };
        read.map_err(|what| self.fault(line, path, what, None)).ok()
    }

    /// Remembers where the text inside the quotes at `at` begins; TOML drops a line break right after them.
    fn begins(&mut self, path: &str, at: usize) {
        let (line, rest) = (self.line(at), &self.text[at..]);
        let quotes = rest
            .bytes()
            .take_while(|byte| matches!(byte, b'"' | b'\''))
            .count()
            .min(3);
        let place = match rest[quotes..].starts_with(['\n', '\r']) {
            true => (line + 1, 1),
            false => (line, at - self.starts[line - 1] + quotes + 1),
        };
        self.spots.1.insert(path.to_owned(), place);
    }

    fn map(&mut self, path: &str, table: &DeTable<'_>, each: &'static Kind) -> Value {
        let mut out = serde_json::Map::new();
        for (key, value) in table {
            let here = join(path, key.get_ref());
            let line = self.line(key.span().start);
            self.spots.0.insert(here.clone(), line);
            if let Some(read) = self.value(&here, value, each) {
                out.insert(key.get_ref().to_string(), read);
            }
        }
        Value::Object(out)
    }

    fn rows(&mut self, path: &str, rows: &[Spanned<DeValue<'_>>], schema: &'static Table) -> Value {
        let mut out = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let here = format!("{path}[{index}]");
            let line = self.line(row.span().start);
            self.spots.0.insert(here.clone(), line);
            let Some(inner) = row.get_ref().as_table() else {
                self.torn = true;
                self.fault(
                    line,
                    &here,
                    format!("must be a table, not {}", a(row.get_ref())),
                    None,
                );
                continue;
            };
            let read = self.table(&here, inner, schema);
            if let Some((id, Value::String(name))) =
                schema.id.and_then(|id| Some((id, read.get(id)?.clone())))
            {
                self.unique(path, &join(&here, id), name);
            }
            out.push(read);
        }
        Value::Array(out)
    }

    fn unique(&mut self, list: &str, path: &str, name: String) {
        let line = self.spots.line(path);
        match self.seen.get(&(list.to_owned(), name.clone())) {
            Some(first) => {
                let what =
                    format!("\"{name}\" is there already, on line {first}; each needs a name of its own");
                self.fault(line, path, what, None);
            }
            None => {
                self.seen.insert((list.to_owned(), name), line);
            }
        }
    }

    fn reference(&mut self, line: usize, path: &str, list: &'static str, id: &str) {
        let known = self.ids.get(list).cloned().unwrap_or_default();
        if known.iter().any(|known| known == id) {
            return;
        }
        let near = nearest(id, known.iter().map(String::as_str)).map(str::to_owned);
        let thing = match list {
            "people" => "person",
            "cost_centers" => "cost centre",
            "data_classes" => "data class",
            list => list.strip_suffix('s').unwrap_or(list),
        };
        let mut what = format!("no {thing} \"{id}\"");
        if near.is_none() {
            match known.is_empty() {
                true => what += &format!("; the file has no [[{list}]]"),
                false => what += &format!("; known: {}", some_of(&known)),
            }
        }
        self.fault(line, path, what, near.as_deref());
    }
}

/// The first few names of a list.
fn some_of(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(8).map(String::as_str).collect();
    let more = if names.len() > shown.len() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
