//! The stages from a cut on: what fine-tuning changes.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::{Backbone, Stage, pool, primitive, run};
use crate::device::values;
use crate::error::{Error, Result};
use crate::head::HeadTensor;

/// The stages of a backbone from a cut on, and the pooling after them.
#[derive(Module, Debug)]
pub struct Suffix {
    cut: usize,
    stages: Vec<Stage>,
}

/// What was trained of a suffix, to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct TunedStages {
    /// The stage that they begin with.
    pub cut: usize,
    /// Weights of convolutions and norms by their place, such as `0.InvertedResidual.expand.conv.weight`; statistics of
    /// norms are those of the pretrained weights.
    pub tensors: Vec<HeadTensor>,
}

impl Suffix {
    /// The stage that it begins with.
    pub fn cut(&self) -> usize {
        self.cut
    }

    /// Number of its stages.
    pub fn len(&self) -> usize {
        self.stages.len()
    }

    /// Whether the cut is at the end.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// The pooled embedding of features at the cut.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` -> `[batch, embedding]`
    pub fn forward(&self, features: Tensor<4>) -> Tensor<2> {
        pool(run(self.stages.iter(), features))
    }

    /// Lets the last `open` stages learn and the others not. Running statistics never change: every norm is made to use
    /// those of the pretrained weights.
    pub fn unfreeze(mut self, open: usize) -> Self {
        let closed = self.stages.len().saturating_sub(open);
        let stages = self.stages.into_iter().enumerate();
        self.stages = stages.map(|(index, stage)| stage.set_require_grad(index >= closed)).collect();
        self
    }

    /// Its weights.
    ///
    /// # Errors
    /// `INTERNAL` where the device does not give the values back.
    pub fn tuned(&self) -> Result<TunedStages> {
        let mut names = Names::default();
        self.stages.visit(&mut names);
        Ok(TunedStages { cut: self.cut, tensors: names.tensors.into_iter().collect::<Result<_>>()? })
    }

    /// The same stages with other weights.
    ///
    /// # Errors
    /// `PROJECT_FORMAT` where these are of another cut or do not fit.
    pub fn with(self, tuned: &TunedStages) -> Result<Self> {
        let damaged =
            |what: String| Error::ProjectFormat { reason: format!("{what} of the fine-tuned stages") };
        if tuned.cut != self.cut {
            return Err(damaged(format!("there is no cut {}", tuned.cut)));
        }
        let mut take = Take { place: Place::default(), tensors: &tuned.tensors, taken: 0, missing: None };
        let stages = self.stages.map(&mut take);
        match take.missing {
            Some(name) => Err(damaged(format!("`{name}` is missing or has another shape"))),
            None if take.taken != tuned.tensors.len() => Err(damaged("there are tensors too many".into())),
            None => Ok(Self { cut: self.cut, stages }),
        }
    }
}

impl Backbone {
    /// The stages from `cut` on, of which there may be none.
    pub fn suffix(&self, cut: usize) -> Suffix {
        Suffix { cut: cut.min(self.len()), stages: self.stages.iter().skip(cut).cloned().collect() }
    }

    /// The same backbone with stages that were trained.
    ///
    /// # Errors
    /// As [`Suffix::with`].
    pub fn tuned(&self, tuned: &TunedStages) -> Result<Self> {
        let suffix = self.suffix(tuned.cut).with(tuned)?;
        let prefix = self.stages.iter().take(suffix.cut).cloned();
        Ok(Self { stages: prefix.chain(suffix.stages).collect(), stem: self.stem })
    }
}

/// Where a walk through a module is.
#[derive(Default)]
pub(super) struct Place(Vec<String>);

impl Place {
    pub(super) fn enter(&mut self, name: &str) {
        self.0.push(name.into());
    }

    pub(super) fn exit(&mut self) {
        self.0.pop();
    }

    fn name(&self) -> String {
        self.0.join(".")
    }

    /// Statistics of norms are never trained.
    pub(super) fn is_statistic(&self) -> bool {
        self.0.last().is_some_and(|name| name.starts_with("running_"))
    }
}

/// Collects tensors by their place.
#[derive(Default)]
struct Names {
    place: Place,
    tensors: Vec<Result<HeadTensor>>,
}

impl ModuleVisitor for Names {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.place.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.place.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.place.is_statistic() {
            let (name, tensor) = (self.place.name(), param.val());
            let shape = tensor.dims().to_vec();
            self.tensors.push(values(tensor).map(|values| HeadTensor { name, shape, values }));
        }
    }
}

/// Puts tensors in their places.
struct Take<'a> {
    place: Place,
    tensors: &'a [HeadTensor],
    taken: usize,
    missing: Option<String>,
}

impl ModuleMapper for Take<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.place.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.place.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.place.is_statistic() {
            return param;
        }
        let (name, shape) = (self.place.name(), param.val().dims());
        let fits = |tensor: &&HeadTensor| {
            tensor.name == name
                && tensor.shape == shape
                && tensor.values.len() == shape.iter().product::<usize>()
        };
        match self.tensors.iter().find(fits) {
            Some(tensor) => {
                self.taken += 1;
                let values = tensor.values.clone();
                param.map(|_| primitive::tensor(values, shape))
            }
            None => {
                self.missing.get_or_insert(name);
                param
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::super::sample;
    use super::*;
    use crate::weights::Tensors;

    #[test]
    fn stages_are_stored_and_put_back() {
        let load = |seed| Backbone::load(Tensors::read(&sample::weights(seed, |_| ())).unwrap()).unwrap();
        let (a, b) = (load(1), load(2));
        let tuned = b.suffix(17).tuned().unwrap();
        assert_eq!(tuned.tensors.len(), 3 * 3 + 3, "weight, gamma and beta of four layers");
        let mixed = a.tuned(&tuned).unwrap();
        assert_eq!(mixed.suffix(17).tuned().unwrap(), tuned);
        assert_eq!(mixed.suffix(3).tuned().unwrap().tensors[..9], a.suffix(3).tuned().unwrap().tensors[..9]);

        let code = |tuned: &TunedStages| a.tuned(tuned).unwrap_err().code();
        assert_eq!(code(&TunedStages { cut: 16, ..tuned.clone() }), "PROJECT_FORMAT");
        assert_eq!(code(&TunedStages { cut: 40, ..tuned.clone() }), "PROJECT_FORMAT");
        let mut fewer = tuned.clone();
        fewer.tensors.pop();
        assert_eq!(code(&fewer), "PROJECT_FORMAT");
        let mut other = tuned;
        other.tensors[0].shape = vec![1];
        assert_eq!(code(&other), "PROJECT_FORMAT");
    }

    #[test]
    fn prefix_and_suffix_are_the_whole() {
        let device = Device::flex();
        let backbone = Backbone::load(Tensors::read(&sample::weights(1, |_| ())).unwrap()).unwrap();
        let image = sample::image(2, 32, &device);
        let whole = backbone.embed(image.clone());
        for cut in [0, 5, 17, 19] {
            let found = backbone.suffix(cut).forward(backbone.forward(image.clone(), 0..cut));
            found.into_data().assert_eq(&whole.to_data(), true);
        }
    }
}
