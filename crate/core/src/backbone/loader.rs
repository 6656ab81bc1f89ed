//! Tensors on their way into an architecture, and the constants that its weights were trained with.

use super::blocks::{ConvNorm, ConvShape};
use super::names::{Lineage, Names};
use crate::error::Result;
use crate::prefix::{Activation, Padding};
use crate::weights::Tensors;

/// Where tensors come from.
pub trait Source {
    /// Whether there is a tensor of this name.
    fn has(&self, name: &str) -> bool;

    /// Gives the tensor of this name and shape, once.
    ///
    /// # Errors
    /// `WEIGHTS_MISMATCH` where it is absent or has another shape; `WEIGHTS_FORMAT` where its numbers cannot be used.
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>>;
}

impl Source for Tensors<'_> {
    fn has(&self, name: &str) -> bool {
        Tensors::has(self, name)
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        Tensors::take(self, name, shape)
    }
}

/// What an architecture is built from.
pub struct Loader<'a> {
    source: &'a mut dyn Source,
    /// Whether TensorFlow trained the weights: other padding, another epsilon.
    tensorflow: bool,
    epsilon: f64,
    stem: Option<&'static str>,
}

impl<'a> Loader<'a> {
    /// Builds from `source`. `tensorflow` says that the architecture's name does.
    pub fn new(source: &'a mut dyn Source, tensorflow: bool) -> Self {
        let mut loader = Self { source, tensorflow, epsilon: 0.0, stem: None };
        loader.use_constants_of(Lineage::Torchvision, 1e-5);
        loader
    }

    /// The names that the source has: `usual`, or those of `others` that it has the first layer of. Sets the constants of
    /// that lineage; `epsilon` is torchvision's.
    pub fn names(
        &mut self,
        usual: &'static Names,
        others: &[&'static Names],
        epsilon: f64,
    ) -> &'static Names {
        let has = |names: &&&'static Names| self.source.has(&format!("{}.weight", names.stem[0]));
        let names = others.iter().find(has).copied().unwrap_or(usual);
        self.use_constants_of(names.lineage, epsilon);
        self.stem = names.stem.first().copied();
        names
    }

    /// The first layer of the names that were found; none where all libraries have the same.
    pub fn stem(&self) -> Option<&'static str> {
        self.stem
    }

    /// torchvision's epsilon depends on the architecture, timm's is PyTorch's default, TensorFlow's is 1e-3.
    fn use_constants_of(&mut self, lineage: Lineage, torchvision: f64) {
        self.tensorflow |= lineage == Lineage::EfficientnetPytorch;
        self.epsilon = match lineage {
            _ if self.tensorflow => 1e-3,
            Lineage::Torchvision => torchvision,
            Lineage::Timm | Lineage::EfficientnetPytorch => 1e-5,
        };
    }

    /// The tensor of this name and shape.
    ///
    /// # Errors
    /// As the source gives them.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.source.take(name, shape)
    }

    /// A convolution without bias, a norm and an activation.
    ///
    /// # Errors
    /// As [`Loader::take`].
    pub fn layer(
        &mut self,
        names: &[String; 2],
        shape: ConvShape,
        activation: Activation,
    ) -> Result<ConvNorm> {
        let [conv, norm] = names;
        ConvNorm::load(self, [conv, norm], shape, activation)
    }

    /// What is added to a norm's variance.
    pub fn epsilon(&self) -> f64 {
        self.epsilon
    }

    /// The padding of a convolution of this size that does not shrink the map.
    pub fn padding(&self, kernel: usize) -> Padding {
        if self.tensorflow { Padding::Same } else { Padding::Even(kernel.saturating_sub(1) / 2) }
    }
}
