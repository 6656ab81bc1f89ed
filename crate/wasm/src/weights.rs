//! Weights files, opened.

use crate::convert::{JsResult, json, throw};
use rekindle::weights::Description;
use rekindle::{Device, Embedder};
use wasm_bindgen::JsValue;

/// Loads the weights onto a device. `description` says of a file of another tool how it was trained, and so does timm's
/// `config` where it is silent. With `known`, the caller has seen that they are the file that they should be.
pub async fn open(
    weights: &[u8],
    device: Device,
    input_size: Option<u32>,
    description: &JsValue,
    config: Option<String>,
    known: bool,
) -> JsResult<Embedder> {
    console_error_panic_hook::set_once();
    if known {
        return Embedder::of_known(weights, device, input_size).await.map_err(throw);
    }
    let mut description = Description::from_json(&json(description)?).map_err(throw)?;
    if let Some(config) = config {
        description = description.or(Description::from_timm(&config).map_err(throw)?);
    }
    Embedder::open(weights, &description, device, input_size).await.map_err(throw)
}
