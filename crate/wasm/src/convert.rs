//! Values and errors on their way to JavaScript.

use js_sys::{Error as JsError, JSON, Reflect};
use rekindle::Error;
use rekindle::train::Progress;
use serde::Serialize;
use wasm_bindgen::JsValue;

/// A result whose error is ready to be thrown.
pub type JsResult<T> = Result<T, JsValue>;

/// Makes a plain object of a value: fields in camel case, `None` as null.
pub fn to_js(value: &impl Serialize) -> JsResult<JsValue> {
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(|error| {
        throw(Error::Internal { reason: format!("a result could not be converted: {error}") })
    })
}

/// Reads a value that our own TypeScript made.
pub fn from_js<T: serde::de::DeserializeOwned>(value: JsValue) -> JsResult<T> {
    serde_wasm_bindgen::from_value(value)
        .map_err(|error| throw(Error::Internal { reason: format!("an argument could not be read: {error}") }))
}

/// The JSON of options. JSON and not `serde-wasm-bindgen`, which passes over names that a struct does not have: a misspelt option must be
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

/// Makes an `Error` with `name`, `code` and `details` of an error.
pub fn throw(error: Error) -> JsValue {
    let thrown = JsError::new(&error.to_string());
    thrown.set_name("RekindleError");
    let details = error
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .unwrap_or_else(|_| js_sys::Object::new().into());
    for (key, value) in [("code", error.code().into()), ("details", details)] {
        // Setting a property of a new object cannot fail.
        let _ = Reflect::set(&thrown, &key.into(), &value);
    }
    thrown.into()
}

/// What a step did: the row of an epoch that it ended, null where it did not, undefined where there was none left.
pub fn progress(progress: &Progress) -> JsResult<JsValue> {
    match progress {
        Progress::Step => Ok(JsValue::NULL),
        Progress::Epoch(row) => to_js(row),
        Progress::Finished => Ok(JsValue::UNDEFINED),
    }
}
