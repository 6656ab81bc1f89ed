//! A head in training by gradients: a batch of views a step, in an order drawn anew each epoch.

use super::network::Network;
use super::tune::mixup::Mixup;
use super::{Standardisation, Sums, Targets, TrainOptions, Views};
use crate::dense::Dense;
use crate::head::Head;
use crate::seed;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The head in training, its views and their order.
pub struct Descent {
    options: TrainOptions,
    train: Views,
    targets: Targets,
    standardisation: Standardisation,
    rng: ChaCha8Rng,
    network: Network,
    order: Vec<usize>,
    steps: usize,
    sums: Sums,
}

impl Descent {
    /// Begins a training on views of `classes` classes.
    pub fn new(
        mut train: Views,
        by: &Standardisation,
        classes: usize,
        options: &TrainOptions,
        seed: u32,
    ) -> Self {
        train.keep_standardised(by);
        let mut rng = ChaCha8Rng::seed_from_u64(seed::mix(seed, 0, seed::TRAINING).into());
        let head = Head::new(train.length(), options.hidden as usize, classes, &mut rng);
        Self {
            targets: Targets::new(options, classes, &train.classes()),
            standardisation: by.clone(),
            order: (0..train.len()).collect(),
            steps: 0,
            sums: Sums::default(),
            options: options.clone(),
            train,
            rng,
            network: Network::new(head, options.rule(), options.weight_decay),
        }
    }

    /// Begins with this layer, where a linear head is trained.
    pub fn start_from(&mut self, layer: Dense) {
        if self.options.hidden == 0 {
            self.network = Network::new(Head::linear(layer), self.options.rule(), self.options.weight_decay);
        }
    }

    /// Takes one step; gives what the epoch's steps made of the views after its last.
    pub fn step(&mut self) -> Option<Sums> {
        let (size, per_epoch) = (self.options.batch_size as usize, self.steps_per_epoch());
        let place = self.steps % per_epoch;
        if place == 0 {
            self.order.shuffle(&mut self.rng);
        }
        let batch: Vec<usize> = self.order.iter().skip(place * size).take(size).copied().collect();
        self.update(&batch);
        self.steps += 1;
        let ends = self.steps.is_multiple_of(per_epoch) || !self.sums.loss().is_finite();
        ends.then(|| std::mem::take(&mut self.sums))
    }

    /// The head as it is.
    pub fn head(&self) -> Head {
        self.network.head().clone()
    }

    fn steps_per_epoch(&self) -> usize {
        self.train.len().div_ceil(self.options.batch_size as usize).max(1)
    }

    /// One step on a batch.
    fn update(&mut self, batch: &[usize]) {
        let classes: Vec<usize> = batch.iter().map(|index| self.train.class(*index)).collect();
        let mut rows = self.train.standardised(batch, &self.standardisation);
        let mut shares = self.targets.shares(&classes);
        if self.options.mixup > 0.0 {
            let mixup = Mixup::draw(self.options.mixup, batch.len(), &mut self.rng);
            (rows, shares) = (mixup.mix(&rows), mixup.mix(&shares));
        }
        let factors = dropout(&self.options, batch.len() * self.network.dropped(), &mut self.rng);
        let rate = self.learning_rate();
        let (value, scores) = self.network.step(rows, factors.as_deref(), &shares, rate);
        self.sums.add(value, &scores, &classes);
    }

    fn learning_rate(&self) -> f64 {
        let total = self.steps_per_epoch() * self.options.epochs as usize;
        self.options.learning_rate * self.options.schedule.rate_at(self.options.warmup, self.steps, total)
    }
}

/// Factors of the output layer's inputs: zero for what a step leaves out, `1 / (1 - dropout)` for the rest; nothing where
/// nothing is left out.
pub fn dropout(options: &TrainOptions, count: usize, rng: &mut impl Rng) -> Option<Vec<f32>> {
    let rate = options.dropout as f32;
    let mut factor = || if rng.random::<f32>() < rate { 0.0 } else { 1.0 / (1.0 - rate) };
    (rate > 0.0).then(|| (0..count).map(|_| factor()).collect())
}
