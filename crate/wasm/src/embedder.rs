//! The embedder in JavaScript.

use crate::convert::{JsResult, from_js, throw, to_js};
use crate::image::pixels;
use crate::options::augment;
use crate::tuner::Tuner;
use crate::weights;
use rekindle::{Augment, Device, Pixels, View, backbone};
use wasm_bindgen::prelude::*;

/// Weights, preprocessing and frozen prefix: pixels in, features out.
#[wasm_bindgen]
pub struct Embedder(pub(crate) rekindle::Embedder);

#[wasm_bindgen]
impl Embedder {
    /// Loads the weights onto a device. `description` says of a file of another tool how it was trained, and so does timm's
    /// `config` where it is silent. With `known`, the caller has seen that they are the file that they should be.
    pub async fn create(
        weights: Vec<u8>,
        device: JsValue,
        input_size: Option<u32>,
        description: JsValue,
        config: Option<String>,
        known: bool,
    ) -> JsResult<Embedder> {
        let device: Device = from_js(device)?;
        weights::open(&weights, device, input_size, &description, config, known).await.map(Embedder)
    }

    /// The same embedder with the stages that a project fine-tuned; undefined where it did not.
    pub async fn tuned(&self, tuner: &Tuner) -> JsResult<Option<Embedder>> {
        let Some(stages) = tuner.0.model().ok().and_then(|model| model.tuned.clone()) else {
            return Ok(None);
        };
        self.0.tuned(&stages).await.map(|embedder| Some(Embedder(embedder))).map_err(throw)
    }

    /// The device in use.
    pub fn device(&self) -> JsResult<JsValue> {
        to_js(self.0.device())
    }

    /// Origin and preprocessing of the weights.
    pub fn spec(&self) -> JsResult<JsValue> {
        to_js(self.0.spec())
    }

    /// Side of the input in pixels.
    #[wasm_bindgen(js_name = inputSize)]
    pub fn input_size(&self) -> u32 {
        self.0.input_size()
    }

    /// Number of features of a view.
    #[wasm_bindgen(js_name = featureLength)]
    pub fn feature_length(&self) -> usize {
        self.0.feature_len()
    }

    /// Number of stages, which is also the last cut.
    pub fn stages(&self) -> usize {
        self.0.stages()
    }

    /// The stages and what they cost.
    pub fn summary(&self) -> JsResult<JsValue> {
        to_js(&self.0.summary().map_err(throw)?)
    }

    /// Features of views of an image at a cut, one after the other; the embedding where no cut is given.
    pub async fn embed(
        &self,
        rgba: &[u8],
        width: u32,
        height: u32,
        views: JsValue,
        augment_options: JsValue,
        cut: Option<usize>,
    ) -> JsResult<Vec<f32>> {
        let views = self.views(rgba, width, height, views, &augment_options)?;
        self.0.embed_at(&views, cut.unwrap_or(self.0.stages())).await.map_err(throw)
    }

    /// The last feature map of the plain view of an image.
    pub fn map(&self, rgba: &[u8], width: u32, height: u32) -> JsResult<Vec<f32>> {
        let image = pixels(rgba, width, height)?;
        let plain = View { index: 0, seed: 0 };
        let view = self.0.view(&image, plain, &Augment::default()).map_err(throw)?;
        self.0.map(&view).map_err(throw)
    }

    /// The classifier that the weights were trained with, from its file; from the weights' own file where none is given.
    pub fn classifier(&self, file: Option<Vec<u8>>) -> JsResult<Classifier> {
        let read = |file: Vec<u8>| backbone::Classifier::read(&file, self.0.spec());
        file.map_or_else(|| self.0.classifier().cloned(), read).map(Classifier).map_err(throw)
    }

    /// The views themselves as RGBA, one after the other.
    pub fn preview(
        &self,
        rgba: &[u8],
        width: u32,
        height: u32,
        views: JsValue,
        augment_options: JsValue,
    ) -> JsResult<Vec<u8>> {
        let views = self.views(rgba, width, height, views, &augment_options)?;
        Ok(views.iter().flat_map(Pixels::to_rgba).collect())
    }
}

/// The classifier that the weights were trained with.
#[wasm_bindgen]
pub struct Classifier(backbone::Classifier);

#[wasm_bindgen]
impl Classifier {
    /// The likeliest classes of an image, from its last feature map: `{ label, probability }`.
    pub fn classify(&self, map: &[f32], most: usize) -> JsResult<JsValue> {
        to_js(&self.0.classify(map, most).map_err(throw)?)
    }
}

impl Embedder {
    fn views(
        &self,
        rgba: &[u8],
        width: u32,
        height: u32,
        views: JsValue,
        augment_options: &JsValue,
    ) -> JsResult<Vec<Pixels>> {
        let (views, ranges): (Vec<View>, Augment) = (from_js(views)?, augment(augment_options)?);
        let image = pixels(rgba, width, height)?;
        views.iter().map(|view| self.0.view(&image, *view, &ranges).map_err(throw)).collect()
    }
}
