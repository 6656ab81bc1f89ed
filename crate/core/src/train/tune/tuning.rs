//! One fine-tuning, pulled step by step: each takes a batch to learn from, to validate on or to embed.

use super::classifier::Classifier;
use super::layers::Layers;
use super::mixup::Mixup;
use super::optimizer::Steps;
use super::samples::{Pending, Sample, Store};
use crate::backbone::{Suffix, TunedStages};
use crate::device::values;
use crate::error::{Error, Result};
use crate::evaluate::{Metrics, Temperature};
use crate::head::{Head, softmax};
use crate::prefix::cache::Features;
use crate::seed;
use crate::train::descent::dropout;
use crate::train::report::trouble;
use crate::train::{
    Divergence, EpochRow, Phase, Progress, Strategy, Sums, Targets, TrainOptions, TuningReason,
};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use half::f16;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// What the head alone can do: where a fine-tuning starts, and what it must not fall behind.
pub struct Alone {
    /// The head on the pretrained embedding.
    pub head: Head,
    /// How it validates.
    pub validation: Option<Metrics>,
}

/// What a fine-tuning that was worth it leaves.
pub struct Tuned {
    /// The stages' weights.
    pub stages: TunedStages,
    /// The head on the embedding of these.
    pub head: Head,
    /// What the head's scores were divided by, so that its probabilities fit the validation examples.
    pub temperature: f32,
    /// How they validate.
    pub validation: Option<Metrics>,
    /// The epoch they are of, from 1.
    pub epoch: u32,
    /// Their embeddings of the plain views that were trained on, in the order of [`Tuning::plain`].
    pub embeddings: Vec<Features>,
    /// Their embeddings of the validation views.
    pub held_out: Vec<Features>,
}

/// What a fine-tuning comes to.
pub struct Outcome {
    /// One row an epoch.
    pub rows: Vec<EpochRow>,
    /// The best epoch, where it is to be kept.
    pub tuned: Option<Tuned>,
    /// Why it is, or not.
    pub reason: TuningReason,
}

/// The stages and the head to be kept.
struct Best {
    epoch: u32,
    suffix: Suffix,
    head: Head,
    temperature: f32,
    validation: Option<Metrics>,
}

/// What the next step does, with the number of the batch.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Learn(usize),
    Validate(usize),
    Embed(usize),
    Done,
}

/// A fine-tuning in work.
pub struct Tuning {
    options: TrainOptions,
    labels: Vec<String>,
    train: Vec<Sample>,
    validation: Vec<Sample>,
    store: Store,
    /// Nothing only while a step is taken.
    classifier: Option<Classifier>,
    steps: Steps,
    targets: Targets,
    rng: ChaCha8Rng,
    order: Vec<usize>,
    place: Place,
    taken: usize,
    sums: Sums,
    scores: Vec<f32>,
    rows: Vec<EpochRow>,
    alone: Option<Metrics>,
    best: Option<Best>,
    diverged: Option<Divergence>,
    embeddings: Vec<Features>,
}

impl Tuning {
    /// Begins with the pretrained stages and the head that was trained alone.
    ///
    /// # Errors
    /// `INTERNAL` for a head of examples.
    pub fn new(
        options: TrainOptions,
        labels: Vec<String>,
        [train, validation]: [Vec<Sample>; 2],
        store: Store,
        (suffix, alone): (Suffix, Alone),
        project_seed: u32,
    ) -> Result<Self> {
        let truth: Vec<usize> = train.iter().map(|sample| sample.class).collect();
        let mut tuning = Self {
            targets: Targets::new(&options, labels.len(), &truth),
            rng: ChaCha8Rng::seed_from_u64(seed::mix(project_seed, 0, seed::TUNING).into()),
            order: (0..train.len()).collect(),
            steps: Steps::new(&options.tune, options.weight_decay),
            classifier: None,
            place: Place::Learn(0),
            taken: 0,
            sums: Sums::default(),
            scores: Vec::new(),
            rows: Vec::new(),
            alone: alone.validation,
            best: None,
            diverged: None,
            embeddings: Vec::new(),
            options,
            labels,
            train,
            validation,
            store,
        };
        if tuning.validation.is_empty() && tuning.options.validation > 0.0 {
            // Nothing would tell whether it does harm.
            tuning.place = Place::Done;
        }
        let open = tuning.open_stages(suffix.len());
        tuning.classifier = Some(Classifier::new(suffix, Layers::of(&alone.head)?, open));
        tuning.shuffle();
        Ok(tuning)
    }

    /// The views whose features at the cut are to be cached before the first step, as far as they fit.
    pub fn pending(&self) -> Vec<Pending> {
        if self.place == Place::Done {
            return Vec::new();
        }
        self.store.to_keep(&[&self.validation[..], &self.train[..]].concat())
    }

    /// The views whose features the next step reads and that are not there.
    pub fn wants(&self) -> Vec<Pending> {
        self.store.missing(&self.batch())
    }

    /// Takes the features at the cut of views that [`Tuning::pending`] or [`Tuning::wants`] named.
    ///
    /// # Errors
    /// `INTERNAL` where the count of values is not that of the views.
    pub fn put(&mut self, example: u32, views: &[u32], features: &[f32]) -> Result<()> {
        self.store.put(example, views, features)
    }

    /// Takes one step, on views that [`Tuning::wants`] has no more wishes for.
    ///
    /// # Errors
    /// `INTERNAL` where features are missing. Where loss or gradients are not finite, or every gradient is zero, it ends with
    /// its best epoch, or with the head alone where none is done.
    pub fn step(&mut self) -> Result<Progress> {
        let batch = self.batch();
        let rows = self.store.rows(&batch)?;
        let progress = match self.place {
            Place::Learn(at) => self.learn(at, &batch, rows)?,
            Place::Validate(at) => self.validate(at, rows)?,
            Place::Embed(at) => self.embed(at, rows)?,
            Place::Done => Progress::Finished,
        };
        self.store.forget_fleeting();
        Ok(progress)
    }

    /// Where it diverged, if it did.
    pub fn diverged(&self) -> Option<&Divergence> {
        self.diverged.as_ref()
    }

    /// One row an epoch that is done.
    pub fn rows(&self) -> &[EpochRow] {
        &self.rows
    }

    /// The best epoch, where it does no harm: the head alone is what is left where that validates better.
    ///
    /// # Errors
    /// `NOT_TRAINED` where steps are left.
    pub fn finish(mut self) -> Result<Outcome> {
        if self.place != Place::Done {
            return Err(Error::NotTrained);
        }
        let (reason, keeps) = (self.reason(), self.keeps());
        let trained = self.plain().len().min(self.embeddings.len());
        let held_out = self.embeddings.split_off(trained);
        let kept = self.best.filter(|_| keeps);
        let tuned = |best: Best| -> Result<Tuned> {
            Ok(Tuned {
                stages: best.suffix.tuned()?,
                head: best.head,
                temperature: best.temperature,
                validation: best.validation,
                epoch: best.epoch,
                embeddings: self.embeddings,
                held_out,
            })
        };
        Ok(Outcome { rows: self.rows, tuned: kept.map(tuned).transpose()?, reason })
    }

    /// Why the best epoch is kept or not.
    fn reason(&self) -> TuningReason {
        match (&self.best, &self.alone) {
            (None, _) if self.diverged.is_some() => TuningReason::Diverged,
            (None, _) => TuningReason::NotCompared,
            (Some(Best { validation: Some(tuned), .. }), Some(alone)) => {
                if tuned.loss < alone.loss && tuned.accuracy >= alone.accuracy {
                    TuningReason::Better
                } else {
                    TuningReason::NotBetter
                }
            }
            (Some(_), _) => TuningReason::NotCompared,
        }
    }

    /// Whether the best epoch is to be kept.
    fn keeps(&self) -> bool {
        self.best.is_some() && matches!(self.reason(), TuningReason::Better | TuningReason::NotCompared)
    }

    fn epochs_done(&self) -> u32 {
        self.rows.len() as u32
    }

    fn batch_size(&self) -> usize {
        self.options.batch_size as usize
    }

    /// The views of the next step.
    fn batch(&self) -> Vec<Sample> {
        let size = self.batch_size();
        let part = |all: &[Sample], at: usize| all.iter().skip(at * size).take(size).copied().collect();
        match self.place {
            Place::Learn(at) => {
                let indices = self.order.iter().skip(at * size).take(size);
                indices.filter_map(|index| self.train.get(*index).copied()).collect()
            }
            Place::Validate(at) => part(&self.validation, at),
            Place::Embed(at) => part(&self.embedded(), at),
            Place::Done => Vec::new(),
        }
    }

    /// The plain views that are trained on.
    pub fn plain(&self) -> Vec<Sample> {
        self.train.iter().filter(|sample| sample.view.index == 0).copied().collect()
    }

    /// The views that what is kept has to embed.
    fn embedded(&self) -> Vec<Sample> {
        [self.plain(), self.validation.clone()].concat()
    }

    fn shuffle(&mut self) {
        self.order.shuffle(&mut self.rng);
    }

    fn learn(&mut self, at: usize, batch: &[Sample], mut rows: Vec<f32>) -> Result<Progress> {
        let (peak, options) = (self.rate(), self.options.tune.clone());
        let classifier = self.classifier.take().ok_or(Error::NotTrained)?;
        let truth: Vec<usize> = batch.iter().map(|sample| sample.class).collect();
        let mut shares = self.targets.shares(&truth);
        if self.options.tune.mixup > 0.0 {
            let mixup = Mixup::draw(self.options.tune.mixup, batch.len(), &mut self.rng);
            rows = mixup.mix(&rows);
            shares = mixup.mix(&shares);
        }
        let device = Classifier::device();
        let width = classifier.head().dropped();
        let factors = dropout(&self.options, batch.len() * width, &mut self.rng);
        let factors = factors.map(|f| Tensor::from_data(TensorData::new(f, [batch.len(), width]), &device));
        let features = self.store.tensor(rows, &device)?;
        let stages = classifier.suffix().len();
        let rate = |stage: Option<usize>| match stage {
            None => peak,
            Some(stage) => {
                let before_last = stages.saturating_sub(stage + 1) as i32;
                peak * options.backbone_rate * libm::pow(options.stage_decay, f64::from(before_last))
            }
        };
        let (classifier, found) = classifier.step((features, factors, shares), &mut self.steps, rate)?;
        self.classifier = Some(classifier);
        if let Some(reason) = trouble(found.loss, found.norm) {
            return Ok(self.diverge(reason));
        }
        self.sums.add(found.loss, &found.scores, &truth);
        self.taken += 1;
        if (at + 1) * self.batch_size() < self.train.len() {
            self.place = Place::Learn(at + 1);
            return Ok(Progress::Step);
        }
        self.place = Place::Validate(0);
        if self.validation.is_empty() { self.close_epoch() } else { Ok(Progress::Step) }
    }

    /// Goes on to the end with the best epoch, or with the head alone where there is none.
    fn diverge(&mut self, reason: String) -> Progress {
        self.diverged = Some(Divergence::new(Phase::Tune, self.epochs_done() + 1, reason));
        self.end();
        Progress::Step
    }

    fn validate(&mut self, at: usize, rows: Vec<f32>) -> Result<Progress> {
        let features = self.store.tensor(rows, &Device::flex())?;
        let scores = self.classifier()?.valid().forward(features, None);
        self.scores.extend(values(scores)?);
        if (at + 1) * self.batch_size() < self.validation.len() {
            self.place = Place::Validate(at + 1);
            return Ok(Progress::Step);
        }
        self.close_epoch()
    }

    fn close_epoch(&mut self) -> Result<Progress> {
        let sums = std::mem::take(&mut self.sums);
        let (temperature, validation) = self.judged()?;
        let epoch = self.epochs_done() + 1;
        let row = EpochRow {
            phase: Phase::Tune,
            epoch,
            train_loss: sums.loss(),
            train_accuracy: sums.accuracy(),
            validation_loss: validation.as_ref().map(|metrics| metrics.loss),
            validation_accuracy: validation.as_ref().map(|metrics| metrics.accuracy),
        };
        let loss = |metrics: &Option<Metrics>| metrics.as_ref().map(|m| m.loss);
        let better = match &self.best {
            Some(best) => validation.is_none() || loss(&validation) < loss(&best.validation),
            None => true,
        };
        if better {
            let whole = self.classifier()?.valid();
            let (suffix, head) = (whole.suffix().clone(), whole.head().head()?.cooled(temperature));
            self.best = Some(Best { epoch, suffix, head, temperature, validation });
        }
        self.rows.push(row.clone());
        self.begin_epoch()?;
        Ok(Progress::Epoch(row))
    }

    /// The temperature that fits the validation examples, and the metrics at it.
    fn judged(&mut self) -> Result<(f32, Option<Metrics>)> {
        let mut scores = std::mem::take(&mut self.scores);
        if self.validation.is_empty() {
            return Ok((1.0, None));
        }
        let truth: Vec<usize> = self.validation.iter().map(|sample| sample.class).collect();
        let temperature = Temperature::fit(&scores, &truth, self.labels.len()).value;
        scores.chunks_exact_mut(self.labels.len().max(1)).for_each(|row| softmax(row, temperature));
        Ok((temperature, Some(Metrics::new(&self.labels, &scores, &truth))))
    }

    /// Goes on with another epoch, or with what is left to do after the last.
    fn begin_epoch(&mut self) -> Result<()> {
        let waited = self.epochs_done() - self.best.as_ref().map_or(0, |best| best.epoch);
        let patience = self.options.patience;
        if self.epochs_done() >= self.options.tune.epochs || (patience > 0 && waited >= patience) {
            self.end();
            return Ok(());
        }
        self.shuffle();
        self.place = Place::Learn(0);
        if self.options.strategy == Strategy::Staged {
            let stages = self.classifier()?.suffix().len();
            let open = self.open_stages(stages);
            self.classifier = self.classifier.take().map(|classifier| classifier.unfreeze(open));
        }
        Ok(())
    }

    /// No more is learnt: what is kept has yet to embed.
    fn end(&mut self) {
        self.place = if self.keeps() { Place::Embed(0) } else { Place::Done };
    }

    fn embed(&mut self, at: usize, rows: Vec<f32>) -> Result<Progress> {
        let best = self.best.as_ref().ok_or(Error::NotTrained)?;
        let embeddings = values(best.suffix.forward(self.store.tensor(rows, &Device::flex())?))?;
        let half = |row: &[f32]| row.iter().map(|v| f16::from_f32(*v)).collect::<Features>();
        self.embeddings.extend(embeddings.chunks_exact(best.head.features()).map(half));
        let more = (at + 1) * self.batch_size() < self.embedded().len();
        self.place = if more { Place::Embed(at + 1) } else { Place::Done };
        Ok(Progress::Step)
    }

    fn classifier(&self) -> Result<&Classifier> {
        self.classifier.as_ref().ok_or(Error::NotTrained)
    }

    /// Parts of a gradual unfreezing: one a stage, as far as there are epochs.
    fn parts(&self, stages: usize) -> usize {
        stages.min(self.options.tune.epochs as usize).max(1)
    }

    /// The part of a gradual unfreezing that the epoch at hand is in, from 0.
    fn part(&self, stages: usize) -> usize {
        let parts = self.parts(stages);
        (self.rows.len() * parts / self.options.tune.epochs.max(1) as usize).min(parts - 1)
    }

    /// How many of the last stages learn in the epoch at hand.
    fn open_stages(&self, stages: usize) -> usize {
        match self.options.strategy {
            Strategy::Staged => (stages * (self.part(stages) + 1)).div_ceil(self.parts(stages)),
            _ => stages,
        }
    }

    /// The head's learning rate of the step at hand. A gradual unfreezing goes through the schedule once in each part, at
    /// half the rate of the one before, as fastai's `fine_tune` halves it.
    fn rate(&self) -> f64 {
        let tune = &self.options.tune;
        let per_epoch = self.train.len().div_ceil(self.batch_size()).max(1);
        let total = per_epoch * tune.epochs as usize;
        let (mut peak, mut step, mut length) = (tune.learning_rate, self.taken, total);
        if let (Strategy::Staged, Some(classifier)) = (self.options.strategy, &self.classifier) {
            let stages = classifier.suffix().len();
            let (parts, part) = (self.parts(stages), self.part(stages));
            let first = |part: usize| (part * tune.epochs as usize).div_ceil(parts) * per_epoch;
            (step, length) = (step.saturating_sub(first(part)), first(part + 1) - first(part));
            peak /= f64::from(1u32 << part.min(31));
        }
        peak * tune.schedule.rate_at(tune.warmup, step, length)
    }
}

#[cfg(test)]
mod tests;
