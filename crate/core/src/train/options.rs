//! What a caller can choose about a training, with the defaults and the ranges.

use super::rule::Rule;
use super::tune::{Optimizer, Schedule, TuneOptions};
use crate::error::{Error, Result};
use crate::image::Augment;
use serde::{Deserialize, Serialize};

/// What is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// A new head on the frozen backbone's embedding.
    Head,
    /// The head, then the backbone's last stages with it, as [`TuneOptions`] say.
    Partial,
    /// The head, then the whole backbone with it.
    Full,
    /// As `Partial`, the stages let loose one after the other from the last, at lower rates each time (Howard and Ruder
    /// 2018; fastai's `fine_tune`).
    Staged,
}

/// How a head is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Solver {
    /// A linear head by L-BFGS on all views at once, to the optimum of the cross-entropy with L2 on the weights: multinomial
    /// logistic regression, its strength and the temperature of its probabilities chosen by cross-validation. An iteration
    /// is an epoch. `batch_size`, `patience`, `dropout`, `mixup` and what gradients go by do not matter. A head
    /// with a hidden layer is trained by AdamW.
    Lbfgs,
    /// No training: an image is of the class whose mean embedding is nearest by angle. Only the temperature is fitted, by
    /// cross-validation. For a few examples a class; the options that do not matter to `Lbfgs` do not matter here, nor do
    /// `epochs`, `label_smoothing` and `class_weights`.
    Prototype,
    /// No training either: an image is of the class whose nearest examples are nearest by angle, 1, 3 or 5 of each class. How
    /// many and the temperature are chosen by cross-validation. The head keeps the plain views of at most 2000 examples. What
    /// does not matter to `Prototype` does not matter here. Only where the strategy is `head`.
    Neighbours,
    /// `Lbfgs`, unless `Prototype`, or with at most five examples of each class and the strategy `head` `Neighbours`, has a
    /// cross-entropy in cross-validation that is lower by more than two standard errors of the difference.
    Auto,
    /// By AdamW on batches; the head of the best validation loss is kept.
    Adamw,
    /// The same by Adam, weight decay as L2 on the loss.
    Adam,
    /// The same by gradient descent with momentum, weight decay as L2 on the loss.
    Sgd,
}

impl Solver {
    /// Whether it goes by batches.
    fn is_stepwise(self) -> bool {
        matches!(self, Self::Adamw | Self::Adam | Self::Sgd)
    }
}

/// How much each class counts in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// Every class the same, however many examples it has: `examples / (classes * count)`, as in scikit-learn.
    Balanced,
    /// Every example the same.
    None,
}

/// What a caller can choose about a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TrainOptions {
    /// What is trained.
    pub strategy: Strategy,
    /// How the head is trained.
    pub solver: Solver,
    /// Times that every view is trained on, 1 to 10000; the most where the solver ends by itself.
    pub epochs: u32,
    /// Views of each example, 1 to 100; the first is the plain one, the others are augmented.
    pub views: u32,
    /// Views a step, 1 to 4096.
    pub batch_size: u32,
    /// Peak of the learning rate, above 0, at most 1.
    pub learning_rate: f64,
    /// How the learning rate goes.
    pub schedule: Schedule,
    /// Part of the steps in which the rate rises from zero in a straight line, 0 to 0.5.
    pub warmup: f64,
    /// Momentum of `sgd`, 0 to below 1.
    pub momentum: f64,
    /// Whether the momentum is Nesterov's.
    pub nesterov: bool,
    /// Parameter of the Beta distribution that pairs of views are mixed by, 0 to 1; 0 mixes none. The features are mixed, as
    /// in manifold mixup (Verma et al. 2019).
    pub mixup: f64,
    /// Weight decay, 0 to 10: decoupled in AdamW, L2 on the loss in the others.
    pub weight_decay: f64,
    /// Probability taken from the true class and spread over all (Szegedy et al. 2016), 0 to below 1.
    pub label_smoothing: f64,
    /// Part of the output layer's inputs that a step leaves out, 0 to below 1.
    pub dropout: f64,
    /// Units of the hidden layer, 0 to 4096; 0 is a linear head.
    pub hidden: u32,
    /// Part of each class held out to validate, 0 to 0.5.
    pub validation: f64,
    /// Epochs without a better validation loss after which the run stops; 0 never stops early. At most 10000.
    pub patience: u32,
    /// How much each class counts.
    pub class_weights: ClassWeights,
    /// Ranges of the random transforms.
    pub augment: Augment,
    /// How stages are trained where the strategy is not `head`. `batch_size`, `weight_decay`, `label_smoothing`, `dropout`,
    /// `class_weights` and `patience` hold there too.
    pub tune: TuneOptions,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            strategy: Strategy::Head,
            solver: Solver::Lbfgs,
            epochs: 50,
            views: 4,
            batch_size: 32,
            learning_rate: 3e-4,
            schedule: Schedule::Cosine,
            warmup: 0.0,
            momentum: 0.9,
            nesterov: true,
            mixup: 0.0,
            weight_decay: 0.01,
            label_smoothing: 0.0,
            dropout: 0.0,
            hidden: 0,
            validation: 0.2,
            patience: 10,
            class_weights: ClassWeights::Balanced,
            augment: Augment::default(),
            tune: TuneOptions::default(),
        }
    }
}

impl TrainOptions {
    /// Reads options as a caller wrote them.
    ///
    /// # Errors
    /// `OPTION_INVALID`, naming the option, for a name that is not known, a value of another type or one out of its range.
    pub fn read<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Self> {
        let options: Self = crate::error::read_option(source)?;
        options.validate()?;
        Ok(options)
    }

    /// The solver that these options lead to.
    pub fn used_solver(&self) -> Solver {
        match self.solver {
            solver if self.hidden == 0 || solver.is_stepwise() => solver,
            _ => Solver::Adamw,
        }
    }

    /// How gradients become steps, where the solver goes by them.
    pub(super) fn rule(&self) -> Rule {
        let optimizer = match self.solver {
            Solver::Adam => Optimizer::Adam,
            Solver::Sgd => Optimizer::Sgd,
            _ => Optimizer::Adamw,
        };
        Rule { optimizer, momentum: self.momentum as f32, nesterov: self.nesterov }
    }

    /// The cut in a backbone of these stages; none where the head alone is trained.
    ///
    /// # Errors
    /// As [`TuneOptions::cut_of`], and for a solver that stages cannot be trained behind.
    pub fn cut_of(&self, stages: &[String]) -> Result<Option<usize>> {
        match self.strategy {
            Strategy::Head => Ok(None),
            _ if self.used_solver() == Solver::Neighbours => {
                let expected = "another solver where stages are trained, which would move the examples away from what the head \
                                keeps of them";
                refuse("solver", "neighbours".into(), expected.into())
            }
            Strategy::Full => Ok(Some(0)),
            Strategy::Partial | Strategy::Staged => self.tune.cut_of(stages).map(Some),
        }
    }

    /// What the augmented views depend on, as one text.
    pub(crate) fn augmentation(&self) -> Result<String> {
        serde_json::to_string(&self.augment).map_err(Error::internal)
    }

    fn validate(&self) -> Result<()> {
        whole("epochs", self.epochs, 1, 10_000)?;
        whole("views", self.views, 1, 100)?;
        whole("batchSize", self.batch_size, 1, 4096)?;
        whole("hidden", self.hidden, 0, 4096)?;
        whole("patience", self.patience, 0, 10_000)?;
        real("learningRate", self.learning_rate, |v| v > 0.0 && v <= 1.0, "above 0 and at most 1")?;
        real("weightDecay", self.weight_decay, |v| (0.0..=10.0).contains(&v), "from 0 to 10")?;
        real("warmup", self.warmup, |v| (0.0..=0.5).contains(&v), "from 0 to 0.5")?;
        real("momentum", self.momentum, |v| (0.0..1.0).contains(&v), "from 0 to below 1")?;
        real("mixup", self.mixup, |v| (0.0..=1.0).contains(&v), "from 0 to 1")?;
        real("labelSmoothing", self.label_smoothing, |v| (0.0..1.0).contains(&v), "from 0 to below 1")?;
        real("dropout", self.dropout, |v| (0.0..1.0).contains(&v), "from 0 to below 1")?;
        real("validation", self.validation, |v| (0.0..=0.5).contains(&v), "from 0 to 0.5")?;
        self.tune.validate()?;
        self.augment.validate()
    }
}

pub(super) fn whole(option: &str, value: u32, least: u32, most: u32) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    refuse(option, value.to_string(), format!("a whole number from {least} to {most}"))
}

pub(super) fn real(option: &str, value: f64, allowed: impl Fn(f64) -> bool, range: &str) -> Result<()> {
    if allowed(value) { Ok(()) } else { refuse(option, value.to_string(), format!("a number {range}")) }
}

fn refuse<T>(option: &str, found: String, expected: String) -> Result<T> {
    Err(Error::OptionInvalid { option: option.to_owned(), found, expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<TrainOptions> {
        TrainOptions::read(&mut serde_json::Deserializer::from_str(json))
    }

    fn refused(json: &str) -> (String, String) {
        match read(json) {
            Err(Error::OptionInvalid { option, expected, .. }) => (option, expected),
            other => panic!("{json} gave {other:?}"),
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        assert_eq!(read("{}").unwrap(), TrainOptions::default());
        assert_eq!(read(r#"{"epochs": 3}"#).unwrap().epochs, 3);
    }

    #[test]
    fn a_misspelt_option_is_named_with_the_right_names() {
        let (option, expected) = refused(r#"{"epoch": 3}"#);
        assert_eq!(option, "epoch");
        assert!(expected.contains("`epochs`") && expected.contains("`learningRate`"), "{expected}");
    }

    #[test]
    fn every_number_out_of_its_range_is_named_with_the_range() {
        for (json, option, range) in [
            (r#"{"epochs": 0}"#, "epochs", "1 to 10000"),
            (r#"{"views": 101}"#, "views", "1 to 100"),
            (r#"{"batchSize": 0}"#, "batchSize", "1 to 4096"),
            (r#"{"hidden": 5000}"#, "hidden", "0 to 4096"),
            (r#"{"patience": 10001}"#, "patience", "0 to 10000"),
            (r#"{"learningRate": 0}"#, "learningRate", "above 0"),
            (r#"{"weightDecay": -1}"#, "weightDecay", "0 to 10"),
            (r#"{"warmup": 0.6}"#, "warmup", "0 to 0.5"),
            (r#"{"momentum": 1}"#, "momentum", "0 to below 1"),
            (r#"{"mixup": 2}"#, "mixup", "0 to 1"),
            (r#"{"labelSmoothing": 1}"#, "labelSmoothing", "0 to below 1"),
            (r#"{"dropout": 1.0}"#, "dropout", "0 to below 1"),
            (r#"{"validation": 0.6}"#, "validation", "0 to 0.5"),
            (r#"{"tune": {"epochs": 0}}"#, "tune.epochs", "1 to 1000"),
            (r#"{"tune": {"cacheMb": 5000}}"#, "tune.cacheMb", "0 to 4096"),
            (r#"{"tune": {"learningRate": 0}}"#, "tune.learningRate", "above 0"),
            (r#"{"tune": {"backboneRate": 1.1}}"#, "tune.backboneRate", "above 0"),
            (r#"{"tune": {"stageDecay": 0}}"#, "tune.stageDecay", "above 0"),
            (r#"{"tune": {"momentum": 1}}"#, "tune.momentum", "0 to below 1"),
            (r#"{"tune": {"clip": -1}}"#, "tune.clip", "0 to 1000"),
            (r#"{"tune": {"warmup": 0.6}}"#, "tune.warmup", "0 to 0.5"),
            (r#"{"tune": {"mixup": 2}}"#, "tune.mixup", "0 to 1"),
        ] {
            let (found, expected) = refused(json);
            assert_eq!(found, option);
            assert!(expected.contains(range), "{expected}");
        }
        let nan = TrainOptions { dropout: f64::NAN, ..TrainOptions::default() };
        assert_eq!(nan.validate().unwrap_err().code(), "OPTION_INVALID");
    }

    #[test]
    fn a_cut_that_the_backbone_does_not_have_is_refused() {
        let stages: Vec<String> = (0..19).map(|stage| format!("stage{stage}")).collect();
        let cut = |json: &str| read(json).unwrap().cut_of(&stages);
        assert_eq!(cut("{}").unwrap(), None);
        assert_eq!(cut(r#"{"strategy": "partial"}"#).unwrap(), Some(17));
        assert_eq!(cut(r#"{"strategy": "full"}"#).unwrap(), Some(0));
        assert_eq!(cut(r#"{"strategy": "staged", "tune": {"cut": 0}}"#).unwrap(), Some(0));
        assert_eq!(cut(r#"{"strategy": "partial", "tune": {"lastStages": 0}}"#).unwrap(), Some(19));
        let named = |name: &str| cut(&format!(r#"{{"strategy": "partial", "tune": {{"cut": "{name}"}}}}"#));
        assert_eq!(named("stage12").unwrap(), Some(12));
        match named("stage19").unwrap_err() {
            Error::OptionInvalid { option, found, expected } => {
                assert_eq!((option.as_str(), found.as_str()), ("tune.cut", "stage19"));
                assert!(expected.contains("stage0, stage1,") && expected.ends_with("stage18"), "{expected}");
            }
            other => panic!("{other}"),
        }
        for json in [r#"{"tune": {"lastStages": 20}}"#, r#"{"tune": {"cut": 20}}"#] {
            let options = TrainOptions { strategy: Strategy::Partial, ..read(json).unwrap() };
            assert_eq!(options.cut_of(&stages).unwrap_err().code(), "OPTION_INVALID");
        }
    }

    #[test]
    fn a_value_of_another_type_is_named() {
        assert_eq!(refused(r#"{"epochs": 1.5}"#).0, "epochs");
        assert_eq!(refused(r#"{"classWeights": "equal"}"#).0, "classWeights");
        assert_eq!(refused(r#"{"solver": "newton"}"#).0, "solver");
        for cut in ["true", "1.5", "-1", "[]"] {
            let (option, expected) = refused(&format!(r#"{{"tune": {{"cut": {cut}}}}}"#));
            assert_eq!((option.as_str(), expected.as_str()), ("tune.cut", "a stage's number or name"));
        }
        assert_eq!(refused(r#"{"augment": {"flip": "yes"}}"#).0, "augment.flip");
        assert_eq!(refused(r#"{"augment": {"flop": 1}}"#).0, "augment.flop");
    }
}
