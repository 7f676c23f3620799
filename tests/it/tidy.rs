//! Rules of the code base that neither the compiler nor clippy checks.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Which crate may depend on which. Reads top down: a crate sees only those above it.
const ALLOWED: &[(&str, &[&str])] = &[
    ("entities", &[]),
    ("migrations", &[]),
    ("workflow-engine", &["entities"]),
    ("integrations", &["workflow-engine"]),
    (
        "bot",
        &["entities", "integrations", "migrations", "workflow-engine"],
    ),
    (
        "tests",
        &["bot", "entities", "integrations", "migrations", "workflow-engine"],
    ),
    ("xtask", &["tests", "workflow-engine"]),
];

/// Folders of the engine that stay pure, and what they may not name.
const PURE: &[&str] = &[
    "values", "change", "approval", "policy", "shadow", "evidence", "usage", "finance", "ledger", "catalog",
];
const IMPURE: &[&str] = &[
    "sea_orm",
    "sqlx",
    "tokio",
    "reqwest",
    "axum",
    "SystemTime",
    "Utc::now",
    "Instant::now",
    "std::fs",
    "std::net",
    "std::env",
    "getrandom",
    "rand::",
    "entities::",
];

#[test]
fn crates_depend_only_downwards() {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(tests::root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let may = allowed
            .get(name)
            .unwrap_or_else(|| panic!("{name}: say in tidy.rs what it may depend on"));
        for dep in package["dependencies"].as_array().unwrap() {
            let dep = dep["name"].as_str().unwrap();
            assert!(
                !allowed.contains_key(dep) || may.contains(&dep),
                "{name} must not depend on {dep}"
            );
        }
    }
}

#[test]
fn every_file_opens_with_its_purpose() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("//! "),
            "{}: say in the first line what it is for",
            path.display()
        );
    }
}

#[test]
fn the_pure_folders_name_no_database_clock_network_or_randomness() {
    let engine = tests::root().join("workflow-engine/src");
    for path in sources() {
        let Ok(inside) = path.strip_prefix(&engine) else {
            continue;
        };
        let folder = inside
            .iter()
            .next()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if PURE.contains(&folder.as_str()) {
            names_nothing_impure(&path);
        }
    }
}

fn names_nothing_impure(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    // Tests may read vectors from files.
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let is_tests = path.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        name.contains("test") || name.contains("vectors") || name == "properties.rs"
    }) || path.iter().any(|part| part == "tests" || part == "vectors");
    if is_tests {
        return;
    }
    for (number, line) in code.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        for word in IMPURE {
            assert!(
                !line.contains(word),
                "{}:{}: `{word}` in a pure folder",
                path.display(),
                number + 1
            );
        }
    }
}

/// `engine/` may hold a transaction that it hands to the store; the text of SQL stands in `store/` alone.
#[test]
fn only_the_store_and_the_migrations_speak_sql() {
    let engine = tests::root().join("workflow-engine/src");
    for path in sources() {
        let Ok(inside) = path.strip_prefix(&engine) else {
            continue;
        };
        if inside.starts_with("store") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let mut forbidden = vec![
            "sqlx::",
            "Statement::from_s",
            "\"SELECT ",
            "\"INSERT ",
            "\"UPDATE ",
            "\"DELETE ",
        ];
        if !inside.starts_with("engine") {
            forbidden.push("sea_orm::");
        }
        for word in forbidden {
            let named = code
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(word));
            assert!(
                !named,
                "{}: `{word}` belongs in workflow-engine/src/store",
                path.display()
            );
        }
    }
}

#[test]
fn the_readme_shows_the_machine_as_it_is() {
    let readme = fs::read_to_string(tests::root().join("README.md")).unwrap();
    assert!(
        readme.contains(&workflow_engine::change::diagram::diagram()),
        "put the output of `cargo xtask diagram` into README.md"
    );
}

#[test]
fn the_map_names_what_exists_and_every_crate() {
    let map = fs::read_to_string(tests::root().join("docs/architecture.md")).unwrap();
    for path in map
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.contains('/') && !word.starts_with('/'))
    {
        assert!(
            tests::root().join(path).exists(),
            "docs/architecture.md names `{path}`, which is not there"
        );
    }
    for (name, _) in ALLOWED {
        assert!(
            map.contains(&format!("`{name}/")),
            "docs/architecture.md says nothing of {name}"
        );
    }
}

#[test]
fn every_outside_crate_has_a_line_that_says_why() {
    let manifest = fs::read_to_string(tests::root().join("Cargo.toml")).unwrap();
    let why = fs::read_to_string(tests::root().join("docs/dependencies.md")).unwrap();
    let section = manifest.split("[workspace.dependencies]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    for line in section.lines() {
        let Some((name, value)) = line.split_once(" = ") else {
            continue;
        };
        if line.starts_with('#') || value.contains("path =") {
            continue;
        }
        assert!(
            why.contains(&format!("`{name}`")),
            "docs/dependencies.md does not say why `{name}` and not another"
        );
    }
}

#[test]
fn every_refusal_has_its_page() {
    let code = fs::read_to_string(tests::root().join("workflow-engine/src/change/refusal.rs")).unwrap();
    for word in code
        .split("=> \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
    {
        let page = tests::root().join(format!("docs/errors/{word}.md"));
        assert!(page.exists(), "docs/errors/{word}.md is missing");
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![tests::root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() && name != "target" && name != "node_modules" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    found
}
