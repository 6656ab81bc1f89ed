//! What a backbone is made of, stage by stage.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use serde::Serialize;

use super::suffix::Place;
use super::{Backbone, Source, Stage, catalogue};
use crate::error::Result;

/// A backbone's stages and what they cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Side of the square input in pixels.
    pub input_size: usize,
    /// Length of the pooled embedding.
    pub embedding_length: usize,
    /// Numbers to learn.
    pub parameters: usize,
    /// Multiply-adds of one image.
    pub multiply_adds: usize,
    /// The stages, in order.
    pub stages: Vec<StageSummary>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageSummary {
    /// As [`Backbone::stage_names`].
    pub name: String,
    /// Channels that it gives; of the last one, the embedding's.
    pub channels: usize,
    /// Height and width of the map that it gives; 1 where it is pooled.
    pub side: usize,
    /// Numbers to learn.
    pub parameters: usize,
    /// Multiply-adds of one image.
    pub multiply_adds: usize,
}

/// A source of numbers for a network of which only the shapes matter.
struct Zeros;

impl Source for Zeros {
    fn has(&self, _: &str) -> bool {
        false
    }

    fn take(&mut self, _: &str, shape: &[usize]) -> Result<Vec<f32>> {
        Ok(vec![0.0; shape.iter().product()])
    }
}

impl Backbone {
    /// An architecture without weights, for its shapes.
    ///
    /// # Errors
    /// As [`catalogue::find`].
    pub fn blank(arch: &str) -> Result<Self> {
        catalogue::find(arch)?.build(&mut Zeros, catalogue::is_tensorflow(arch))
    }

    /// The stages with their shapes for square images of `side` pixels.
    ///
    /// # Errors
    /// `OPTION_INVALID` where the image is too small; else as [`Backbone::lower`].
    pub fn summary(&self, side: usize) -> Result<Summary> {
        let plan = self.lower(self.len())?;
        plan.checked_maps(side)?;
        let costs = plan.stage_multiply_adds(side);
        let maps = plan.cuts(side);
        let stages = self.stages.iter().zip(self.stage_names()).zip(maps.iter().skip(1).zip(costs));
        let stages: Vec<StageSummary> = stages
            .map(|((stage, name), (map, multiply_adds))| StageSummary {
                name,
                channels: map.channels,
                side: map.side,
                parameters: parameters(stage),
                multiply_adds,
            })
            .collect();
        Ok(Summary {
            input_size: side,
            embedding_length: maps.last().map_or(0, |map| map.len()),
            parameters: stages.iter().map(|stage| stage.parameters).sum(),
            multiply_adds: stages.iter().map(|stage| stage.multiply_adds).sum(),
            stages,
        })
    }
}

fn parameters(stage: &Stage) -> usize {
    let mut count = Count::default();
    stage.visit(&mut count);
    count.numbers
}

/// Counts what is learnt; running statistics are not.
#[derive(Default)]
struct Count {
    place: Place,
    numbers: usize,
}

impl ModuleVisitor for Count {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.place.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.place.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.place.is_statistic() {
            self.numbers += param.val().dims().iter().product::<usize>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{catalogue, sample};

    #[test]
    fn the_stages_add_up_to_what_the_catalogue_says() {
        for arch in ["mobilenet_v2", "mobilenet_v3_small", "resnet18", "squeezenet1_1", "vgg11"] {
            let (backbone, _) = sample::backbone_of(arch, 1);
            let entry = catalogue::find(arch).unwrap();
            let summary = backbone.summary(entry.input_size as usize).unwrap();
            let rounded = |count: usize, unit: f64| (count as f64 / unit).round() as u32;
            assert_eq!(rounded(summary.parameters, 1e3), entry.parameters_k, "{arch}");
            assert_eq!(rounded(summary.multiply_adds, 1e6), entry.multiply_adds_m, "{arch}");
            assert_eq!((summary.stages.len(), summary.embedding_length), (entry.stages, entry.embedding_len));
        }
    }

    #[test]
    fn stages_have_names_and_shapes() {
        let (backbone, _) = sample::backbone_of("resnet18", 1);
        let stages = backbone.summary(224).unwrap().stages;
        let row = |index: usize| {
            let stage = &stages[index];
            (stage.name.as_str(), stage.channels, stage.side, stage.parameters)
        };
        // As torchinfo counts them: 64 x 3 x 49 weights and the norm's 128 numbers.
        assert_eq!(row(0), ("convolution1", 64, 112, 9536));
        assert_eq!(row(1), ("maxPool1", 64, 56, 0));
        assert_eq!(row(2), ("residual1", 64, 56, 73984));
        assert_eq!(row(9), ("residual8", 512, 1, 4720640));
    }
}
