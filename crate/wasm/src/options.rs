//! Options as a caller wrote them.

use crate::convert::{JsResult, json, throw, to_js};
use rekindle::Augment;
use rekindle::train::TrainOptions;
use wasm_bindgen::prelude::*;

/// The options with which a training is done where none are given.
#[wasm_bindgen(js_name = defaultTrainOptions)]
pub fn default_train_options() -> JsResult<JsValue> {
    to_js(&TrainOptions::default())
}

/// The options with defaults filled in.
#[wasm_bindgen(js_name = checkTrainOptions)]
pub fn check_train_options(options: JsValue) -> JsResult<JsValue> {
    to_js(&train_options(&options)?)
}

/// Reads training options.
pub fn train_options(options: &JsValue) -> JsResult<TrainOptions> {
    TrainOptions::read(&mut serde_json::Deserializer::from_str(&json(options)?)).map_err(throw)
}

/// Reads ranges of the random transforms; undefined gives the defaults.
pub fn augment(options: &JsValue) -> JsResult<Augment> {
    Augment::read(&mut serde_json::Deserializer::from_str(&json(options)?)).map_err(throw)
}
