//! The catalogue as programs and people read it: `pkg/src/catalogue.ts` and the table in `README.md` are written from the one in the
//! core. `REKINDLE_WRITE=1 cargo nextest run -p rekindle --test catalogue` writes them anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

use std::fmt::Write;
use std::path::Path;

use rekindle::backbone::catalogue::{Architecture, CATALOGUE};
use serde::Serialize;

/// What a file has from the first to the last of its lines that are written.
const BEGIN: &str = "<!-- written by crate/core/tests/catalogue.rs: begin -->\n";
const END: &str = "<!-- written by crate/core/tests/catalogue.rs: end -->\n";

#[track_caller]
fn is_written(path: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("REKINDLE_WRITE").is_some() {
        std::fs::write(&file, expected).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).unwrap() == expected,
        "{path} is not what the catalogue says: run this test with REKINDLE_WRITE=1"
    );
}

fn json(value: impl Serialize) -> String {
    serde_json::to_string(&value).unwrap().replace('"', "'")
}

fn typescript(entry: &Architecture) -> String {
    let weights = &entry.weights;
    let fields = [
        ("name", json(entry.name)),
        ("alias", json(entry.alias)),
        ("hub", json(weights.hub)),
        ("address", json(weights.address)),
        ("parameters", json(u64::from(entry.parameters_k) * 1000)),
        ("multiplyAdds", json(u64::from(entry.multiply_adds_m) * 1_000_000)),
        ("embeddingLength", json(entry.embedding_len)),
        ("inputSize", json(entry.input_size)),
        ("stages", json(entry.stages)),
        ("downloadBytes", json(weights.download_bytes)),
        ("license", json(weights.license)),
        ("top1", json(weights.top1)),
        ("top1Source", json(weights.top1_source)),
    ];
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("  {{ {} }},\n", fields.join(", "))
}

#[test]
fn the_package_has_the_catalogue() {
    let mut text = String::from(
        "/** Written by crate/core/tests/catalogue.rs from the catalogue of the core. */\n\
         import type { BackboneInfo } from './types.js';\n\n\
         // prettier-ignore\n\
         export const BACKBONES: readonly BackboneInfo[] = [\n",
    );
    CATALOGUE.iter().for_each(|entry| text.push_str(&typescript(entry)));
    is_written("pkg/src/catalogue.ts", &(text + "];\n"));
}

fn row(entry: &Architecture) -> String {
    let weights = &entry.weights;
    let name = match entry.alias {
        Some(alias) => format!("`{}`, `{alias}`", entry.name),
        None => format!("`{}`", entry.name),
    };
    let usual = match (weights.hub, weights.address) {
        (Some(hub), _) => format!("`hf:{hub}`"),
        (_, Some(address)) => address.rsplit('/').next().unwrap().to_owned(),
        _ if weights.top1.is_some() => "in the package".into(),
        _ => "none".into(),
    };
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let megabytes = |bytes: u64| format!("{:.0}", (bytes as f64 / 1e6).max(1.0));
    let top1 = weights.top1.zip(weights.top1_source).map(|(top1, source)| format!("{top1:.1} ({source})"));
    format!(
        "| {name} | {:.1} | {} | {} | {} | {} | {usual} | {} | {} | {} |\n",
        f64::from(entry.parameters_k) / 1e3,
        entry.multiply_adds_m,
        entry.embedding_len,
        entry.input_size,
        entry.stages,
        or_none(weights.download_bytes.map(megabytes)),
        or_none(weights.license.map(str::to_owned)),
        or_none(top1),
    )
}

/// How many architectures there are stands in sentences too, which are not written anew.
#[test]
fn the_documents_say_how_many_there_are() {
    let count = CATALOGUE.len();
    for (path, sentence) in [
        ("README.md", format!("All {count}, with parameters")),
        ("README.md", format!("All {count} architectures were")),
        ("pkg/README.md", format!("{count} architectures with")),
        ("docs/export.md", format!("runs all {count} architectures")),
    ] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path));
        assert!(text.unwrap().contains(&sentence), "{path} should say: {sentence}");
    }
}

#[test]
fn the_readme_has_the_catalogue() {
    let path = "README.md";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let text = std::fs::read_to_string(file).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let mut table = String::from(
        "| name | parameters, 10^6 | multiply-adds, 10^6 | embedding | input | stages | usual weights | MB | licence | top-1, % |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    CATALOGUE.iter().for_each(|entry| write!(table, "{}", row(entry)).unwrap());
    is_written(path, &format!("{before}{BEGIN}{table}{END}{after}"));
}
