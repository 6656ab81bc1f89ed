//! Fine-tuning in JavaScript: all that the build `tune` is for.

use crate::convert::{JsResult, from_js, progress, throw, to_js};
use crate::weights;
use rekindle::project::Project;
use rekindle::tuning_start::Start;
use rekindle::{Device, View};
use wasm_bindgen::prelude::*;

/// The pretrained stages.
#[wasm_bindgen]
pub struct FineTuner(rekindle::FineTuner);

/// A fine-tuning in work.
#[wasm_bindgen]
pub struct TuningRun(rekindle::fine_tuner::TuningRun);

#[wasm_bindgen]
impl FineTuner {
    /// Loads the weights, as the embedder of the other builds does, and shows that the processor derives known answers.
    pub async fn create(
        bytes: Vec<u8>,
        input_size: Option<u32>,
        description: JsValue,
        config: Option<String>,
        known: bool,
    ) -> JsResult<FineTuner> {
        let embedder = weights::open(&bytes, Device::Cpu, input_size, &description, config, known).await?;
        Device::test_tuning().map_err(throw)?;
        Ok(FineTuner(rekindle::FineTuner::new(&embedder)))
    }

    /// Goes on from what a tuner's `prepareTuning` gave.
    pub fn start(&self, project: Vec<u8>, samples: JsValue) -> JsResult<TuningRun> {
        let project = Project::read(&project).map_err(throw)?;
        let start = Start { project, samples: from_js(samples)? };
        self.0.start(start).map(TuningRun).map_err(throw)
    }
}

#[wasm_bindgen]
impl TuningRun {
    /// The cut whose features it reads: where training begins, or 0 where images are mixed.
    pub fn cut(&self) -> usize {
        self.0.cut()
    }

    /// The views whose features at the cut are to be cached before the first step: `{ example, views: { index, seed } }`.
    pub fn pending(&self) -> JsResult<JsValue> {
        to_js(&self.0.tuning.pending())
    }

    /// The views whose features the next step reads and that are not there, in the same form.
    pub fn wants(&self) -> JsResult<JsValue> {
        to_js(&self.0.tuning.wants())
    }

    /// Takes the features of views at the cut.
    #[wasm_bindgen(js_name = putFeatures)]
    pub fn put_features(&mut self, example: u32, views: JsValue, features: &[f32]) -> JsResult<()> {
        let views: Vec<u32> = from_js::<Vec<View>>(views)?.iter().map(|view| view.index).collect();
        self.0.tuning.put(example, &views, features).map_err(throw)
    }

    /// Takes one step. Gives the epoch's row after its last step, null after any other, undefined when there is none left.
    pub fn step(&mut self) -> JsResult<JsValue> {
        progress(&self.0.tuning.step().map_err(throw)?)
    }

    /// The project with what was found best, for a tuner's `finishTuning`.
    pub fn finish(self) -> JsResult<Vec<u8>> {
        self.0.finish().and_then(|project| project.write()).map_err(throw)
    }
}
