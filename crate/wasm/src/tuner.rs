//! The project and its runs in JavaScript.

use crate::convert::{JsResult, from_js, progress, throw, to_js};
use crate::embedder::Embedder;
use crate::options::train_options;
use rekindle::image::Traits;
use rekindle::project::Project;
use rekindle::tuner::Training;
use rekindle::{Error, View};
use wasm_bindgen::prelude::*;

/// A project in work: examples by number, cached features, model.
#[wasm_bindgen]
pub struct Tuner(pub(crate) rekindle::Tuner);

/// A training in work. Freeing it leaves the project as it was.
#[wasm_bindgen]
pub struct Run(Training);

/// A search in work for what is wrong with the examples.
#[wasm_bindgen]
pub struct Checkup(rekindle::health::Checkup);

/// What a fine-tuning goes on from, in the build that is made for it.
#[wasm_bindgen(getter_with_clone)]
pub struct TuningStart {
    /// The project file with the head that was trained alone.
    pub project: Vec<u8>,
    /// The views that it reads: `{ train, validation }`.
    pub samples: JsValue,
}

/// The weights and the side of the input in pixels that a project file was made with: `{ spec, inputSize }`.
#[wasm_bindgen(js_name = projectMadeWith)]
pub fn project_made_with(project: &[u8]) -> JsResult<JsValue> {
    to_js(&Project::read(project).map_err(throw)?.made_with())
}

#[wasm_bindgen]
impl Tuner {
    /// An empty project on the embeddings of `embedder`.
    #[wasm_bindgen(constructor)]
    pub fn new(embedder: &Embedder, seed: u32) -> Tuner {
        let embedder = &embedder.0;
        let (size, length) = (embedder.input_size(), embedder.feature_len());
        Tuner(rekindle::Tuner::new(embedder.spec().clone(), size, length, seed).with_backbone(embedder))
    }

    /// The project of a file that was made with the same weights and input size.
    pub fn open(project: &[u8], embedder: &Embedder) -> JsResult<Tuner> {
        let embedder = &embedder.0;
        let (size, length) = (embedder.input_size(), embedder.feature_len());
        let tuner = rekindle::Tuner::open(project, embedder.spec().clone(), size, length).map_err(throw)?;
        Ok(Tuner(tuner.with_backbone(embedder)))
    }

    /// Adds a class without examples.
    #[wasm_bindgen(js_name = addClass)]
    pub fn add_class(&mut self, label: &str) -> JsResult<()> {
        self.0.add_class(label).map_err(throw)
    }

    /// Adds an example and gives its number.
    #[wasm_bindgen(js_name = addExample)]
    pub fn add_example(&mut self, label: &str) -> JsResult<u32> {
        self.0.add_example(label).map_err(throw)
    }

    /// Puts an example into a group, or into none.
    #[wasm_bindgen(js_name = setGroup)]
    pub fn set_group(&mut self, id: u32, group: Option<String>) -> JsResult<()> {
        self.0.set_group(id, group.as_deref()).map_err(throw)
    }

    /// Keeps what [`traits`](crate::image::traits) gave for an example.
    #[wasm_bindgen(js_name = putTraits)]
    pub fn put_traits(&mut self, id: u32, traits: &[u8]) -> JsResult<()> {
        self.0.put_traits(id, Traits::from_bytes(traits).map_err(throw)?);
        Ok(())
    }

    /// Removes an example.
    #[wasm_bindgen(js_name = removeExample)]
    pub fn remove_example(&mut self, id: u32) -> JsResult<()> {
        self.0.remove_example(id).map_err(throw)
    }

    /// Moves an example to another class.
    #[wasm_bindgen(js_name = relabelExample)]
    pub fn relabel_example(&mut self, id: u32, label: &str) -> JsResult<()> {
        self.0.relabel_example(id, label).map_err(throw)
    }

    /// Gives a class another label.
    #[wasm_bindgen(js_name = renameClass)]
    pub fn rename_class(&mut self, label: &str, to: &str) -> JsResult<()> {
        self.0.rename_class(label, to).map_err(throw)
    }

    /// Removes a class with its examples and gives their numbers.
    #[wasm_bindgen(js_name = removeClass)]
    pub fn remove_class(&mut self, label: &str) -> JsResult<Vec<u32>> {
        self.0.remove_class(label).map_err(throw)
    }

    /// All examples: `{ id, label, group }`.
    pub fn examples(&self) -> JsResult<JsValue> {
        to_js(&self.0.dataset().examples())
    }

    /// The classes: `{ label, count }`.
    pub fn classes(&self) -> JsResult<JsValue> {
        to_js(&self.0.dataset().classes())
    }

    /// The views that have no features yet: `{ example, views: { index, seed } }`.
    pub fn pending(&mut self, options: &JsValue) -> JsResult<JsValue> {
        to_js(&self.0.pending(&train_options(options)?).map_err(throw)?)
    }

    /// Keeps the features of views.
    #[wasm_bindgen(js_name = putFeatures)]
    pub fn put_features(
        &mut self,
        example: u32,
        views: JsValue,
        options: &JsValue,
        features: &[f32],
    ) -> JsResult<()> {
        let views: Vec<u32> = from_js::<Vec<View>>(views)?.iter().map(|view| view.index).collect();
        self.0.put_features(example, &views, &train_options(options)?, features).map_err(throw)
    }

    /// The plain views that have no features yet, as [`Tuner::pending`].
    #[wasm_bindgen(js_name = pendingPlain)]
    pub fn pending_plain(&self) -> JsResult<JsValue> {
        to_js(&self.0.pending_plain())
    }

    /// Keeps the features of the plain view of an example.
    #[wasm_bindgen(js_name = putPlain)]
    pub fn put_plain(&mut self, example: u32, features: &[f32]) -> JsResult<()> {
        self.0.put_plain(example, features).map_err(throw)
    }

    /// Begins to look for what is wrong with the examples.
    #[wasm_bindgen(js_name = startCheckup)]
    pub fn start_checkup(&self, options: &JsValue) -> JsResult<Checkup> {
        self.0.start_checkup(&train_options(options)?).map(Checkup).map_err(throw)
    }

    /// Begins a training on the cached features.
    #[wasm_bindgen(js_name = startRun)]
    pub fn start_run(&self, options: &JsValue) -> JsResult<Run> {
        self.0.start_run(&train_options(options)?).map(Run).map_err(throw)
    }

    /// Takes over the best head of a training, and gives its report.
    #[wasm_bindgen(js_name = finishRun)]
    pub fn finish_run(&mut self, run: Run) -> JsResult<JsValue> {
        to_js(&self.0.finish_run(run.0).map_err(throw)?)
    }

    /// Takes the model on to the examples that there are now; false where there are not two classes with examples.
    pub fn follow(&mut self, options: &JsValue) -> JsResult<bool> {
        self.0.follow(&train_options(options)?).map_err(throw)
    }

    /// What a fine-tuning goes on from after a finished training of the head.
    #[wasm_bindgen(js_name = prepareTuning)]
    pub fn prepare_tuning(&self, run: Run) -> JsResult<TuningStart> {
        let start = self.0.prepare_tuning(run.0).map_err(throw)?;
        let project = start.project.write().map_err(throw)?;
        Ok(TuningStart { project, samples: to_js(&start.samples)? })
    }

    /// Takes over the model of the project that a fine-tuning gave, and gives its report.
    #[wasm_bindgen(js_name = finishTuning)]
    pub fn finish_tuning(&mut self, project: &[u8]) -> JsResult<JsValue> {
        let project = Project::read(project).map_err(throw)?;
        to_js(&self.0.finish_tuning(project).map_err(throw)?)
    }

    /// The last training's report; undefined before the first.
    pub fn report(&self) -> JsResult<JsValue> {
        match self.0.model() {
            Ok(model) => to_js(&model.report),
            Err(Error::NotTrained) => Ok(JsValue::UNDEFINED),
            Err(error) => Err(throw(error)),
        }
    }

    /// Classifies embeddings, one after the other.
    pub fn predict(&self, features: &[f32]) -> JsResult<JsValue> {
        to_js(&self.0.predict(features).map_err(throw)?)
    }

    /// How much each pixel of an image of this size speaks for a class, from the image's last feature map.
    pub fn explain(
        &self,
        embedder: &Embedder,
        map: &[f32],
        width: u32,
        height: u32,
        label: Option<String>,
    ) -> JsResult<Vec<f32>> {
        let saliency = self.0.explain(map, label.as_deref()).map_err(throw)?;
        Ok(saliency.over(width, height, embedder.0.seen(width, height)))
    }

    /// Judges the model on embeddings whose labels are known.
    pub fn evaluate(&self, features: &[f32], labels: Vec<String>) -> JsResult<JsValue> {
        to_js(&self.0.evaluate(features, &labels).map_err(throw)?)
    }

    /// The project file.
    pub fn save(&self) -> JsResult<Vec<u8>> {
        self.0.save().map_err(throw)
    }

    /// The trained model with its backbone as `onnx` or `safetensors`.
    pub fn export(&self, format: String) -> JsResult<Vec<u8>> {
        let format = format.parse().map_err(throw)?;
        self.0.export(format).map_err(throw)
    }
}

#[wasm_bindgen]
impl Checkup {
    /// Takes one step; false where there is none left.
    pub fn step(&mut self) -> bool {
        self.0.step()
    }

    /// What was found: `{ findings, learningCurve }`.
    pub fn finish(self) -> JsResult<JsValue> {
        to_js(&self.0.finish())
    }
}

#[wasm_bindgen]
impl Run {
    /// Takes one step. Gives the epoch's row after its last step, null after any other, undefined when there is none left.
    pub fn step(&mut self) -> JsResult<JsValue> {
        progress(&self.0.run.step().map_err(throw)?)
    }
}
