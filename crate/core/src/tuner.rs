//! The one façade that the bindings drive.

mod checkup;
mod live;

use crate::backbone::Backbone;
use crate::dataset::{Dataset, Groups, Split};
use crate::embedder::Embedder;
use crate::error::{Error, Result};
use crate::evaluate::{Known, Metrics, Saliency, Suspect, Unknown, suspects};
use crate::export::{Export, Format};
use crate::image::{Traits, View};
use crate::model::{Model, Prediction};
use crate::prefix::cache::{FeatureCache, Features};
use crate::project::Project;
use crate::seed;
pub use crate::train::tune::Pending;
use crate::train::tune::Sample;
use crate::train::{CrossValidation, LabelledView, Report, Run, TrainOptions, Views, weight_variances};
use crate::tuning_start::{Samples, Start};
use crate::weights::Spec;

/// A project in work: examples, cached features, trained model. It knows examples by number and never sees a pixel.
///
/// To train: give [`Tuner::pending`] views to an [`Embedder`], [`Tuner::put_features`] what it gives,
/// [`Tuner::start_run`], [`Run::step`] until it is finished, [`Tuner::finish_run`]. To fine-tune stages of the backbone:
/// [`Tuner::prepare_tuning`] with the finished run instead, a [`FineTuner`](crate::FineTuner), [`Tuner::finish_tuning`].
#[derive(Debug, Clone)]
pub struct Tuner {
    spec: Spec,
    input_size: u32,
    feature_len: usize,
    seed: u32,
    dataset: Dataset,
    cache: FeatureCache,
    backbone: Option<Backbone>,
    model: Option<Model>,
}

impl Tuner {
    /// An empty project on embeddings of `feature_len` values.
    pub fn new(spec: Spec, input_size: u32, feature_len: usize, seed: u32) -> Self {
        Self {
            spec,
            input_size,
            feature_len,
            seed,
            dataset: Dataset::default(),
            cache: FeatureCache::default(),
            backbone: None,
            model: None,
        }
    }

    /// The project of a file: its classes and its model, without examples.
    ///
    /// # Errors
    /// `PROJECT_FORMAT` for a file that is damaged, too new, or made with other weights or another input size than these.
    pub fn open(file: &[u8], spec: Spec, input_size: u32, feature_len: usize) -> Result<Self> {
        let project = Project::read(file)?;
        project.check_made_for(&spec, input_size, feature_len)?;
        let mut tuner = Self::new(spec, input_size, feature_len, project.seed);
        for label in &project.classes {
            tuner.dataset.add_class(label)?;
        }
        tuner.model = Some(project.model);
        Ok(tuner)
    }

    /// The same project, which knows the stages of the embedder's backbone.
    pub fn with_backbone(mut self, embedder: &Embedder) -> Self {
        self.backbone = Some(embedder.backbone().clone());
        self
    }

    /// A `.rekindle` file: classes, pretrained spec, options, report, head.
    ///
    /// # Errors
    /// `NOT_TRAINED` before the first training.
    pub fn save(&self) -> Result<Vec<u8>> {
        self.project(self.model()?.clone()).write()
    }

    fn project(&self, model: Model) -> Project {
        Project {
            spec: self.spec.clone(),
            input_size: self.input_size,
            seed: self.seed,
            classes: self.dataset.labels().to_vec(),
            model,
        }
    }

    /// The trained model with its backbone, for other tools.
    ///
    /// # Errors
    /// `NOT_TRAINED` before the first training; `INTERNAL` without [`Tuner::with_backbone`]; else as [`Export::write`].
    pub fn export(&self, format: Format) -> Result<Vec<u8>> {
        let model = self.model()?;
        let missing = || Error::Internal { reason: "exporting without a backbone".into() };
        let backbone = self.backbone.as_ref().ok_or_else(missing)?;
        let tuned = model.tuned.as_ref().map(|stages| backbone.tuned(stages)).transpose()?;
        let export = Export {
            spec: &self.spec,
            input_size: self.input_size,
            backbone: tuned.as_ref().unwrap_or(backbone),
            tuned: tuned.is_some(),
            head: &model.head,
            labels: &model.labels,
        };
        export.write(format)
    }

    /// Examples and classes as they are.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Adds a class without examples. Errors as [`Dataset::add_class`].
    pub fn add_class(&mut self, label: &str) -> Result<()> {
        self.dataset.add_class(label)
    }

    /// Adds an example and returns its number. Errors as [`Dataset::add`].
    pub fn add_example(&mut self, label: &str) -> Result<u32> {
        self.dataset.add(label)
    }

    /// Puts an example into a group, or into none: a group is either learnt from or judged. Near-duplicates are grouped
    /// by themselves. Errors as [`Dataset::set_group`].
    pub fn set_group(&mut self, id: u32, group: Option<&str>) -> Result<()> {
        self.dataset.set_group(id, group)
    }

    /// Keeps what the pixels of an example tell: give it with the features of the plain view. It may move examples from
    /// one side of the split to the other, so ask for [`Tuner::pending`] views again.
    pub fn put_traits(&mut self, id: u32, traits: Traits) {
        self.dataset.set_traits(id, traits);
    }

    /// Removes an example and its features. Errors as [`Dataset::remove`].
    pub fn remove_example(&mut self, id: u32) -> Result<()> {
        self.dataset.remove(id)?;
        self.cache.remove(id);
        Ok(())
    }

    /// Moves an example to another class; its features stay. Errors as [`Dataset::relabel`].
    pub fn relabel_example(&mut self, id: u32, label: &str) -> Result<()> {
        self.dataset.relabel(id, label)
    }

    /// Renames a class, in the trained model too. Errors as [`Dataset::rename_class`].
    pub fn rename_class(&mut self, label: &str, to: &str) -> Result<()> {
        self.dataset.rename_class(label, to)?;
        if let Some(model) = &mut self.model {
            model.rename_class(label.trim(), to.trim());
        }
        Ok(())
    }

    /// Removes a class with its examples; the trained model knows it until the next training. Returns the examples'
    /// numbers. Errors as [`Dataset::remove_class`].
    pub fn remove_class(&mut self, label: &str) -> Result<Vec<u32>> {
        let ids = self.dataset.remove_class(label)?;
        ids.iter().for_each(|id| self.cache.remove(*id));
        Ok(ids)
    }

    /// The views that a training with these options reads and that have no features yet.
    ///
    /// # Errors
    /// `TOO_FEW_EXAMPLES` and `OPTION_INVALID` where a training would be refused anyway.
    pub fn pending(&mut self, options: &TrainOptions) -> Result<Vec<Pending>> {
        self.dataset.check_trainable()?;
        self.cut(options)?;
        self.cache.use_augmentation(&options.augmentation()?);
        let split = self.split(&Groups::of(&self.dataset), options);
        let missing = |id: u32, count: u32| Pending {
            example: id,
            views: (0..count)
                .filter(|view| self.cache.get(id, *view).is_none())
                .map(|index| self.view(id, index))
                .collect(),
        };
        let train = split.train.iter().map(|id| missing(*id, options.views));
        let validation = split.validation.iter().map(|id| missing(*id, 1));
        Ok(train.chain(validation).filter(|pending| !pending.views.is_empty()).collect())
    }

    /// Keeps the features of views that [`Tuner::pending`] named for the same options. Features of an example that was
    /// removed meanwhile, or of another augmentation, are dropped.
    ///
    /// # Errors
    /// `INTERNAL` where the count of values is not that of the views.
    pub fn put_features(
        &mut self,
        example: u32,
        views: &[u32],
        options: &TrainOptions,
        features: &[f32],
    ) -> Result<()> {
        self.check_count(views.len(), features)?;
        if self.dataset.get(example).is_some() {
            self.cache.use_augmentation(&options.augmentation()?);
            for (view, values) in views.iter().zip(features.chunks_exact(self.feature_len)) {
                self.cache.put(example, *view, values);
            }
        }
        Ok(())
    }

    /// Begins a training on the features that are cached. The project may change while it runs; the model stays as it is
    /// until [`Tuner::finish_run`].
    ///
    /// # Errors
    /// `TOO_FEW_EXAMPLES` as [`Dataset::check_trainable`]; `INTERNAL` where features are missing.
    pub fn start_run(&self, options: &TrainOptions) -> Result<Training> {
        self.dataset.check_trainable()?;
        let groups = Groups::of(&self.dataset);
        let split = self.split(&groups, options);
        let labels = self.dataset.labels().to_vec();
        let train = self.views(&split.train, options.views, &groups)?;
        let validation = self.views(&split.validation, 1, &groups)?;
        let plain = split.train.iter().map(|id| self.features(*id, 0)).collect::<Result<Vec<_>>>()?;
        let samples = Samples {
            train: self.samples(&split.train, options.views, &groups)?,
            validation: self.samples(&split.validation, 1, &groups)?,
        };
        let mut run = Run::new(options.clone(), labels.clone(), train, validation, self.seed);
        if let Some(head) = self.model.as_ref().and_then(|model| model.head_for(&labels)) {
            run.start_from(&head);
        }
        let validation_examples = split.validation.len();
        Ok(Training { run, options: options.clone(), labels, plain, samples, validation_examples })
    }

    /// Takes over the best head of a training.
    ///
    /// # Errors
    /// `NOT_TRAINED` where not one epoch is done.
    pub fn finish_run(&mut self, training: Training) -> Result<Report> {
        let model = self.head_alone(training)?;
        Ok(self.model.insert(model).report.clone())
    }

    /// What a [`FineTuner`](crate::FineTuner) goes on from where a training of the head alone has ended. The model stays as it is
    /// until [`Tuner::finish_tuning`].
    ///
    /// # Errors
    /// `NOT_TRAINED` as [`Tuner::finish_run`].
    pub fn prepare_tuning(&self, training: Training) -> Result<Start> {
        let samples = training.samples.clone();
        Ok(Start { project: self.project(self.head_alone(training)?), samples })
    }

    /// Takes over the model of a project that a fine-tuning gave.
    ///
    /// # Errors
    /// `PROJECT_FORMAT` where it is not of these weights.
    pub fn finish_tuning(&mut self, tuned: Project) -> Result<Report> {
        tuned.check_made_for(&self.spec, self.input_size, self.feature_len)?;
        Ok(self.model.insert(tuned.model).report.clone())
    }

    /// What a training of the head alone gives.
    fn head_alone(&self, training: Training) -> Result<Model> {
        let outcome = training.run.finish()?;
        let plain: Vec<&Sample> =
            training.samples.train.iter().filter(|sample| sample.view.index == 0).collect();
        let known: Vec<Known> = plain.iter().zip(&training.plain).map(|(s, row)| s.known(row)).collect();
        let report = Report {
            epochs: outcome.rows,
            best_epoch: outcome.best_epoch,
            stopped_early: outcome.stopped_early,
            train_examples: training.plain.len(),
            validation_examples: training.validation_examples,
            validation: outcome.validation,
            cross_validation: outcome.cross_validation,
            strength: outcome.strength,
            neighbours: outcome.neighbours,
            temperature: outcome.temperature,
            diverged: outcome.diverged,
            tuning: None,
            options: training.options,
            seed: self.seed,
        };
        Ok(Model {
            labels: training.labels,
            head: outcome.head,
            tuned: None,
            unknown: Unknown::fit(self.feature_len, &known),
            report,
        })
    }

    /// The trained model.
    ///
    /// # Errors
    /// `NOT_TRAINED` before the first training.
    pub fn model(&self) -> Result<&Model> {
        self.model.as_ref().ok_or(Error::NotTrained)
    }

    /// Classifies embeddings, `[images, feature_len]` row by row. Errors as [`Tuner::model`] and [`Model::predict`].
    pub fn predict(&self, features: &[f32]) -> Result<Vec<Prediction>> {
        self.model()?.predict(features)
    }

    /// Judges the model on labelled embeddings. Errors as [`Tuner::model`] and [`Model::evaluate`].
    pub fn evaluate(&self, features: &[f32], labels: &[String]) -> Result<Metrics> {
        self.model()?.evaluate(features, labels)
    }

    /// Where in an image a class was seen. Errors as [`Tuner::model`] and [`Model::explain`].
    pub fn explain(&self, map: &[f32], label: Option<&str>) -> Result<Saliency> {
        self.model()?.explain(map, label)
    }

    /// All examples that cross-validation judges, the likeliest to be mislabelled first. It reads plain views.
    ///
    /// # Errors
    /// `TOO_FEW_EXAMPLES` as [`Dataset::check_trainable`]; `INTERNAL` where features are missing: train first.
    pub fn suspects(&self, options: &TrainOptions) -> Result<Vec<Suspect>> {
        self.dataset.check_trainable()?;
        let ids: Vec<u32> = self.dataset.examples().iter().map(|example| example.id).collect();
        let plain = self.views(&ids, 1, &Groups::of(&self.dataset))?;
        let labels = self.dataset.labels();
        let mut judge = CrossValidation::doubting(plain, labels.len(), options, self.seed);
        while !judge.step() {}
        let held_out = judge.held_out();
        let places = held_out.views.iter().zip(&held_out.truth);
        let judged: Vec<(u32, usize)> =
            places.filter_map(|(place, class)| Some((*ids.get(*place)?, *class))).collect();
        Ok(suspects(labels, &judged, &held_out.probabilities))
    }

    /// The cut of these options; none where the head alone is trained. Errors as [`TrainOptions::cut_of`].
    fn cut(&self, options: &TrainOptions) -> Result<Option<usize>> {
        let stages = self.backbone.as_ref().map(Backbone::stage_names);
        options.cut_of(&stages.unwrap_or_default())
    }

    fn view(&self, id: u32, index: u32) -> View {
        View { index, seed: seed::mix(self.seed, id, index) }
    }

    fn split(&self, groups: &Groups, options: &TrainOptions) -> Split {
        Split::stratified(&self.dataset, groups, options.validation as f32, self.seed)
    }

    fn class(&self, id: u32) -> Result<usize> {
        let example = self.dataset.get(id);
        let class = example.and_then(|e| self.dataset.labels().iter().position(|label| *label == e.label));
        class.ok_or_else(|| Error::Internal { reason: format!("example {id} has no class") })
    }

    fn samples(&self, ids: &[u32], count: u32, groups: &Groups) -> Result<Vec<Sample>> {
        let mut samples = Vec::with_capacity(ids.len() * count as usize);
        for id in ids {
            let class = self.class(*id)?;
            samples.extend((0..count).map(|index| Sample {
                example: *id,
                view: self.view(*id, index),
                class,
                group: groups.group(*id),
            }));
        }
        Ok(samples)
    }

    fn views(&self, ids: &[u32], count: u32, groups: &Groups) -> Result<Views> {
        let mut views = Vec::with_capacity(ids.len() * count as usize);
        for id in ids {
            let class = self.class(*id)?;
            for view in 0..count {
                let features = self.features(*id, view)?;
                views.push(LabelledView { features, class, group: groups.group(*id), plain: view == 0 });
            }
        }
        Ok(Views::new(self.feature_len, views).with_prior(weight_variances(&self.spec)))
    }

    fn check_count(&self, views: usize, features: &[f32]) -> Result<()> {
        if features.len() == views * self.feature_len {
            return Ok(());
        }
        Err(Error::Internal { reason: format!("{} feature values for {views} views", features.len()) })
    }

    fn features(&self, id: u32, view: u32) -> Result<Features> {
        let missing = || Error::Internal { reason: format!("view {view} of example {id} was not embedded") };
        self.cache.get(id, view).cloned().ok_or_else(missing)
    }
}

/// A [`Run`] with what the project needs to take over its result.
pub struct Training {
    /// The run, to be stepped until it is finished.
    pub run: Run,
    options: TrainOptions,
    labels: Vec<String>,
    plain: Vec<Features>,
    samples: Samples,
    validation_examples: usize,
}

#[cfg(test)]
mod tests;
