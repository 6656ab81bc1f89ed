//! Image files and decoded pixels.

use crate::convert::{JsResult, throw, to_js};
use rekindle::Pixels;
use rekindle::image::Traits;
use wasm_bindgen::prelude::*;

/// Reads the header of an image file, whole bytes given.
#[wasm_bindgen]
pub fn probe(bytes: &[u8]) -> JsResult<JsValue> {
    to_js(&rekindle::image::probe::probe(bytes).map_err(throw)?)
}

/// What an image tells of copies and of what it shows, for the tuner's `putTraits`.
#[wasm_bindgen]
pub fn traits(rgba: &[u8], width: u32, height: u32) -> JsResult<Vec<u8>> {
    Ok(Traits::of(&pixels(rgba, width, height)?).map_err(throw)?.to_bytes())
}

/// Pixels of what a canvas gives: RGBA with straight alpha.
pub fn pixels(rgba: &[u8], width: u32, height: u32) -> JsResult<Pixels> {
    Pixels::from_rgba(width, height, rgba).map_err(throw)
}
