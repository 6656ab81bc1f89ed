//! Stages of the backbone in training: a project with a head goes in, a project with trained stages comes out. It shares nothing
//! with the [`Tuner`](crate::Tuner), so that it may be elsewhere: in browsers it is a module of its own, fetched when it is wanted.

use std::sync::{Arc, Mutex, PoisonError};

use crate::backbone::Backbone;
use crate::embedder::Embedder;
use crate::error::{Error, Result};
use crate::evaluate::{Known, Unknown};
use crate::prefix::maps::MapCache;
use crate::prefix::{CpuPrefix, Map};
use crate::project::Project;
use crate::train::tune::{Alone, Sample, Store, Tuning};
use crate::train::{TuningReason, TuningReport};
use crate::tuning_start::Start;

/// The pretrained stages, and the features at a cut that are kept from one fine-tuning to the next.
#[derive(Debug)]
pub struct FineTuner {
    backbone: Backbone,
    maps: Vec<Map>,
    input_size: u32,
    kept: Arc<Mutex<MapCache>>,
}

/// A [`Tuning`] with what it started from.
pub struct TuningRun {
    /// The fine-tuning, to be stepped until it is finished.
    pub tuning: Tuning,
    project: Project,
    cut: usize,
    /// The first stage that is trained.
    first: usize,
}

impl FineTuner {
    /// With the stages of an embedder.
    pub fn new(embedder: &Embedder) -> Self {
        Self {
            backbone: embedder.backbone().clone(),
            maps: embedder.maps().to_vec(),
            input_size: embedder.input_size(),
            kept: Arc::default(),
        }
    }

    /// Goes on with the stages from the cut of the project's options on.
    ///
    /// # Errors
    /// `OPTION_INVALID` for a cut that the backbone does not have; `INTERNAL` where the strategy trains no stages.
    pub fn start(&self, Start { project, samples }: Start) -> Result<TuningRun> {
        let missing = |what: &str| Error::Internal { reason: format!("fine-tuning without {what}") };
        let model = &project.model;
        let options = model.report.options.clone();
        let cut = options.cut_of(&self.backbone.stage_names())?.ok_or_else(|| missing("a cut"))?;
        let read_at = options.tune.read_at(cut);
        let map = *self.maps.get(read_at).ok_or_else(|| missing("a map at the cut"))?;
        let all = || samples.train.iter().chain(&samples.validation);
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).use_for(
            read_at,
            &options.augmentation()?,
            options.tune.cache_bytes(),
            |example| all().any(|sample| sample.example == example),
        );
        let mut store = Store::new(map, Arc::clone(&self.kept));
        if read_at < cut {
            let plan = self.backbone.lower(cut)?;
            store = store.before(CpuPrefix::compile(&plan, self.input_size as usize)?);
        }
        let alone = Alone { head: model.head.clone(), validation: model.report.validation.clone() };
        let start = (self.backbone.suffix(cut), alone);
        let views = [samples.train, samples.validation];
        let tuning = Tuning::new(options, model.labels.clone(), views, store, start, project.seed)?;
        Ok(TuningRun { tuning, project, cut: read_at, first: cut })
    }
}

impl TuningRun {
    /// The cut whose features it reads: where training begins, or the images where they are mixed.
    pub fn cut(&self) -> usize {
        self.cut
    }

    /// The project with what was found best: stages and head, or the head alone where that validates better.
    ///
    /// # Errors
    /// `NOT_TRAINED` where steps are left.
    pub fn finish(self) -> Result<Project> {
        let Self { tuning, mut project, first, .. } = self;
        let diverged = tuning.diverged().cloned();
        let plain: Vec<Sample> = tuning.plain();
        let outcome = tuning.finish()?;
        let model = &mut project.model;
        let report = &mut model.report;
        if outcome.reason != TuningReason::NotCompared || outcome.tuned.is_some() {
            report.stopped_early = outcome.rows.len() < report.options.tune.epochs as usize;
        }
        report.epochs.extend(outcome.rows);
        report.diverged = diverged.or(report.diverged.take());
        report.tuning = Some(TuningReport {
            cut: first,
            kept: outcome.tuned.is_some(),
            reason: Some(outcome.reason),
            head_validation: report.validation.clone(),
        });
        if let Some(tuned) = outcome.tuned {
            report.best_epoch = tuned.epoch;
            report.validation = tuned.validation;
            // It judged heads on the pretrained embedding, not these stages: they would have to be trained five times more.
            report.cross_validation = None;
            report.temperature = tuned.temperature;
            let known: Vec<Known> =
                plain.iter().zip(&tuned.embeddings).map(|(s, row)| s.known(row)).collect();
            let held_out = tuned.held_out.iter().map(|row| &row[..]);
            model.unknown = Unknown::fit_held_out(tuned.head.features(), &known, held_out);
            (model.head, model.tuned) = (tuned.head, Some(tuned.stages));
        }
        Ok(project)
    }
}
