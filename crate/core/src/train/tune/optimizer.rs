//! Steps of a module's parameters by their gradients, each stage at its own rate.

use super::options::{Optimizer, TuneOptions};
use crate::error::{Error, Result};
use crate::head::values;
use crate::train::adamw::AdamW;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor, TensorData};

/// What keeps the division of gradient clipping finite, as in PyTorch's `clip_grad_norm_`.
const CLIP_EPSILON: f64 = 1e-6;

/// The optimiser's choices, and what it remembers of each parameter.
pub struct Steps {
    optimizer: Optimizer,
    momentum: f32,
    nesterov: bool,
    clip: f64,
    weight_decay: f64,
    /// In the order of the module's walk.
    states: Vec<State>,
}

/// What is remembered of one parameter.
enum State {
    /// It had no gradient yet.
    New,
    Velocity(Vec<f32>),
    Moments(AdamW),
}

/// A parameter's gradient, with its place.
pub struct Slot {
    /// Stage of the suffix, none for the head.
    stage: Option<usize>,
    gradient: Option<Vec<f32>>,
}

impl Steps {
    /// An optimiser that has seen no gradient.
    pub fn new(options: &TuneOptions, weight_decay: f64) -> Self {
        Self {
            optimizer: options.optimizer,
            momentum: options.momentum as f32,
            nesterov: options.nesterov,
            clip: options.clip,
            weight_decay,
            states: Vec::new(),
        }
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

    fn update(&mut self, at: usize, values: &mut [f32], mut gradient: Vec<f32>, rate: f64, decay: f64) {
        let Some(state) = self.states.get_mut(at) else { return };
        if self.optimizer != Optimizer::Adamw {
            gradient.iter_mut().zip(&*values).for_each(|(g, value)| *g += decay as f32 * value);
        }
        if self.optimizer == Optimizer::Sgd {
            descend(state, values, gradient, rate as f32, self.momentum, self.nesterov);
            return;
        }
        if !matches!(state, State::Moments(_)) {
            *state = State::Moments(AdamW::new(values.len()));
        }
        if let State::Moments(moments) = state {
            let decay = if self.optimizer == Optimizer::Adamw { decay } else { 0.0 };
            moments.step(values, &gradient, rate, decay);
        }
    }
}

/// A step of gradient descent as PyTorch's `SGD` takes it, without dampening.
fn descend(
    state: &mut State,
    values: &mut [f32],
    gradient: Vec<f32>,
    rate: f32,
    momentum: f32,
    nesterov: bool,
) {
    let velocity = match state {
        State::Velocity(velocity) => {
            velocity.iter_mut().zip(&gradient).for_each(|(v, g)| *v = momentum * *v + g);
            velocity
        }
        _ => {
            *state = State::Velocity(gradient.clone());
            match state {
                State::Velocity(velocity) => velocity,
                _ => return,
            }
        }
    };
    for ((value, velocity), gradient) in values.iter_mut().zip(velocity).zip(gradient) {
        *value -= rate * if nesterov { gradient + momentum * *velocity } else { *velocity };
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
                    self.steps.update(at, &mut numbers, gradient, (self.rate)(stage), decay);
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
