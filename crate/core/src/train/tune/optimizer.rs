//! Steps of a module's parameters by their gradients, each stage at its own rate.

use super::TuneOptions;
use crate::device::values;
use crate::error::{Error, Result};
use crate::train::rule::{Rule, State};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor, TensorData};

/// What keeps the division of gradient clipping finite, as in PyTorch's `clip_grad_norm_`.
const CLIP_EPSILON: f64 = 1e-6;

/// The optimiser's choices, and what it remembers of each parameter.
pub struct Steps {
    rule: Rule,
    clip: f64,
    weight_decay: f64,
    /// In the order of the module's walk.
    states: Vec<State>,
}

/// A parameter's gradient, with its place.
pub struct Slot {
    /// Stage of the suffix, none for the head.
    stage: Option<usize>,
    gradient: Option<Vec<f32>>,
}

impl Steps {
    /// An optimiser that has seen no gradient. Where the norm of all gradients is above `clip` they are scaled down to it; 0
    /// never does.
    pub fn new(options: &TuneOptions, weight_decay: f64) -> Self {
        let momentum = options.momentum as f32;
        let rule = Rule { optimizer: options.optimizer, momentum, nesterov: options.nesterov };
        Self { rule, clip: options.clip, weight_decay, states: Vec::new() }
    }

    /// Takes a step; `rate` gives the learning rate of a stage of the suffix, or of the head. A parameter without a gradient
    /// keeps every bit.
    ///
    /// # Errors
    /// `INTERNAL` where a device does not give the values back.
    pub fn step<M: Module>(
        &mut self,
        module: M,
        slots: Vec<Slot>,
        norm: f64,
        rate: impl Fn(Option<usize>) -> f64,
    ) -> Result<M> {
        let scale = if self.clip > 0.0 { (self.clip / (norm + CLIP_EPSILON)).min(1.0) } else { 1.0 };
        self.states.resize_with(slots.len(), || State::New);
        let mut step =
            Step { steps: self, slots: slots.into_iter(), at: 0, scale: scale as f32, rate, error: None };
        let module = module.map(&mut step);
        step.error.map_or(Ok(module), Err)
    }
}

#[cfg(test)]
impl Slot {
    /// The gradient, where there is one.
    pub fn gradient(self) -> Option<Vec<f32>> {
        self.gradient
    }
}

/// The gradients of a module's parameters, in the order of its walk, and the norm of them all.
///
/// # Errors
/// `INTERNAL` where a device does not give the values back.
pub fn collect(module: &impl Module, gradients: &Gradients) -> Result<(Vec<Slot>, f64)> {
    let mut collected = Collected { gradients, path: Vec::new(), slots: Vec::new(), error: None };
    module.visit(&mut collected);
    let Collected { slots, error, .. } = collected;
    let squares = slots.iter().filter_map(|slot| slot.gradient.as_ref()).flatten().map(|g| f64::from(g * g));
    let norm = squares.sum::<f64>().sqrt();
    error.map_or(Ok((slots, norm)), Err)
}

struct Collected<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    slots: Vec<Slot>,
    error: Option<Error>,
}

impl Collected<'_> {
    /// `suffix.stages.3.…` is of stage 3.
    fn stage(&self) -> Option<usize> {
        match &self.path[..] {
            [suffix, stages, index, ..] if suffix == "suffix" && stages == "stages" => index.parse().ok(),
            _ => None,
        }
    }
}

impl ModuleVisitor for Collected<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = match param.val().grad(self.gradients).map(values).transpose() {
            Ok(gradient) => gradient,
            Err(error) => {
                self.error = Some(error);
                None
            }
        };
        self.slots.push(Slot { stage: self.stage(), gradient });
    }
}

struct Step<'a, R> {
    steps: &'a mut Steps,
    slots: std::vec::IntoIter<Slot>,
    at: usize,
    scale: f32,
    rate: R,
    error: Option<Error>,
}

impl<R: Fn(Option<usize>) -> f64> ModuleMapper for Step<'_, R> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let at = self.at;
        self.at += 1;
        let Some(Slot { stage, gradient: Some(mut gradient) }) = self.slots.next() else { return param };
        gradient.iter_mut().for_each(|value| *value *= self.scale);
        // Biases and norms are vectors.
        let decay = if D > 1 { self.steps.weight_decay } else { 0.0 };
        param.map(|tensor| {
            let (dims, device) = (tensor.dims(), tensor.device());
            match values(tensor.clone().inner()) {
                Ok(mut numbers) => {
                    if let Some(state) = self.steps.states.get_mut(at) {
                        self.steps.rule.update(state, &mut numbers, &mut gradient, (self.rate)(stage), decay);
                    }
                    Tensor::from_data(TensorData::new(numbers, dims), &device).require_grad()
                }
                Err(error) => {
                    self.error = Some(error);
                    tensor
                }
            }
        })
    }
}
