//! Holds the source tree to its ranks: a module imports lower ranks only, drivers and frameworks stay where they belong, files stay readable.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules from the lowest rank up. An area may import the areas before it.
const RANKS: [&str; 30] = [
    "kernel",
    "ledger",
    "storage",
    "web",
    "codes",
    "regions",
    "organisations",
    "cooperatives",
    "persons",
    "managers",
    "assessments",
    "certifications",
    "enterprises",
    "trainings",
    "financing",
    "programmes",
    "statistics",
    "timeline",
    "feed",
    "proofs",
    "datasets",
    "audit",
    "config",
    "place",
    "batches",
    "app",
    "openapi",
    "maintenance",
    "mirror",
    "demo",
];
/// `app` and `openapi` describe the same routes and know each other; that is the one pair.
const PAIRS: [(&str, &str); 1] = [("app", "openapi")];
const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 50, "the source tree was not found");
    found
}

fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Modules named by `crate::module` or inside `use crate::{a, b}`, comments left out.
fn imports(text: &str) -> Vec<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let group = rest.strip_prefix('{').map(|rest| rest.split('}').next().unwrap_or_default());
        let names = group.unwrap_or(rest);
        let names: Vec<&str> = if group.is_some() { names.split(',').collect() } else { vec![names] };
        for name in names {
            let name: String = name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push(name);
        }
    }
    found
}

#[test]
fn modules_import_lower_ranks_only() {
    let rank: BTreeMap<&str, usize> = RANKS.iter().enumerate().map(|(rank, name)| (*name, rank)).collect();
    let mut upward = Vec::new();
    for (path, text) in sources() {
        let module = module_of(&path);
        let Some(own) = rank.get(module.as_str()) else {
            assert!(["lib", "main"].contains(&module.as_str()), "{} has no rank", path.display());
            continue;
        };
        for import in imports(&text) {
            let pair = PAIRS
                .iter()
                .any(|(one, other)| (*one == module && *other == import) || (*other == module && *one == import));
            if rank.get(import.as_str()).is_some_and(|other| other > own) && !pair {
                upward.push(format!("{} imports crate::{import}", path.display()));
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn drivers_and_frameworks_stay_where_they_belong() {
    let mut strangers = Vec::new();
    for (path, text) in sources() {
        let module = module_of(&path);
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let code: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        // `web::Service` opens read transactions, `keys.rs` looks keys up: both are reads at the edge of storage.
        let diesel = module == "storage" || file == "views.rs" || ["service.rs", "keys.rs"].contains(&file.as_str());
        if code.contains("diesel::") && !diesel {
            strangers.push(format!("{} mentions diesel", path.display()));
        }
        let actix = ["web", "app", "openapi", "main"].contains(&module.as_str()) || file == "http.rs";
        if code.contains("actix_web::") && !actix {
            strangers.push(format!("{} mentions actix", path.display()));
        }
    }
    assert!(strangers.is_empty(), "{strangers:#?}");
}

#[test]
fn module_files_hold_prose_and_no_logic() {
    for (path, text) in sources().into_iter().filter(|(path, _)| path.ends_with("mod.rs")) {
        assert!(text.starts_with("//!"), "{} does not begin with what it is about", path.display());
    }
}

#[test]
fn files_and_functions_stay_readable() {
    let mut long = Vec::new();
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        let without_tests = lines.iter().position(|line| *line == "#[cfg(test)]").unwrap_or(lines.len());
        if without_tests > FILE_LINES_MAX {
            long.push(format!("{}: {without_tests} lines", path.display()));
        }
        let mut begun: Option<(usize, usize)> = None;
        for (number, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let trimmed = line.trim_start();
            let begins = ["fn ", "pub fn ", "async fn ", "pub async fn ", "pub(super) fn "];
            if begun.is_none() && begins.iter().any(|start| trimmed.starts_with(start)) && !trimmed.ends_with(';') {
                begun = Some((number, indent));
            }
            if let Some((start, own)) = begun
                && indent == own
                && trimmed == "}"
            {
                if number - start > FUNCTION_LINES_MAX {
                    long.push(format!("{}:{}: function of {} lines", path.display(), start + 1, number - start));
                }
                begun = None;
            } else if begun.is_some_and(|(start, own)| number == start && indent == own && trimmed.ends_with('}')) {
                begun = None;
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}
