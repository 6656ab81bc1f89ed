//! Options as a caller wrote them.

use crate::convert::{JsResult, throw, to_js};
use js_sys::JSON;
use rekindle::train::TrainOptions;
use rekindle::{Augment, Error};
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

/// JSON and not `serde-wasm-bindgen`, which passes over names that a struct does not have: a misspelt option must be
/// told. A value that is no number or infinite arrives as null, and is refused as such.
pub fn json(options: &JsValue) -> JsResult<String> {
    if options.is_undefined() || options.is_null() {
        return Ok("{}".into());
    }
    let refuse = || {
        throw(Error::OptionInvalid {
            option: "options".into(),
            found: format!("{options:?}"),
            expected: "a plain object".into(),
        })
    };
    JSON::stringify(options).ok().and_then(|text| text.as_string()).ok_or_else(refuse)
}
