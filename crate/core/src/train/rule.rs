//! How gradients become steps, on plain numbers.

use super::adamw::AdamW;
use super::tune::Optimizer;

/// An optimiser's choices.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Which optimiser it is.
    pub optimizer: Optimizer,
    /// Of gradient descent.
    pub momentum: f32,
    /// Whether the momentum is Nesterov's.
    pub nesterov: bool,
}

/// What is remembered of one list of parameters.
#[derive(Debug, Clone)]
pub enum State {
    /// It had no gradient yet.
    New,
    /// Of gradient descent.
    Velocity(Vec<f32>),
    /// Of Adam and AdamW.
    Moments(AdamW),
}

impl Rule {
    /// Takes a step; the gradient may be changed. Weight decay is decoupled in AdamW, and L2 on the loss in the others.
    pub fn update(&self, state: &mut State, values: &mut [f32], gradient: &mut [f32], rate: f64, decay: f64) {
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
            moments.step(values, gradient, rate, decay);
        }
    }
}

/// A step of gradient descent as PyTorch's `SGD` takes it, without dampening.
fn descend(
    state: &mut State,
    values: &mut [f32],
    gradient: &[f32],
    rate: f32,
    momentum: f32,
    nesterov: bool,
) {
    if let State::Velocity(velocity) = state {
        velocity.iter_mut().zip(gradient).for_each(|(v, g)| *v = momentum * *v + g);
    } else {
        *state = State::Velocity(gradient.to_vec());
    }
    let State::Velocity(velocity) = state else { return };
    for ((value, velocity), gradient) in values.iter_mut().zip(velocity).zip(gradient) {
        *value -= rate * if nesterov { gradient + momentum * *velocity } else { *velocity };
    }
}
