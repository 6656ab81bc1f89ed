//! The catalogue as a table.

use std::fmt::Write;

use rekindle::backbone::catalogue::CATALOGUE;

/// A line for each architecture.
pub fn table() -> String {
    let mut text = format!(
        "{:<20} {:>11} {:>14} {:>9} {:>6} {:>7}  usual weights\n",
        "name", "parameters", "multiply-adds", "embedding", "input", "top-1"
    );
    for entry in CATALOGUE {
        let weights = &entry.weights;
        let from = weights.hub.map(|hub| format!("hf:{hub}")).or(weights.address.map(str::to_owned));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<20} {:>9} k {:>12} M {:>9} {:>6} {:>7}  {}",
            entry.name,
            entry.parameters_k,
            entry.multiply_adds_m,
            entry.embedding_len,
            entry.input_size,
            weights.top1.map_or("-".into(), |top1| format!("{top1:.1} %")),
            from.unwrap_or_else(|| if weights.top1.is_some() { "in the npm package" } else { "none" }.into()),
        );
    }
    text
}
