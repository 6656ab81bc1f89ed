//! The architectures that can be loaded.

use burn::tensor::Device;

use super::{
    Backbone, Loader, Source, Stage, efficientnet, mobilenet_v1, mobilenet_v2, mobilenet_v3, resnet,
    squeezenet, vgg,
};
use crate::error::{Error, Result};

/// What is known of an architecture before its weights are there.
#[derive(Debug, Clone, Copy)]
pub struct Architecture {
    /// Name as the pretrained spec writes it: torchvision's, or timm's where torchvision has none.
    pub name: &'static str,
    /// timm's name, where it is another.
    pub alias: Option<&'static str>,
    /// How many stages there are, which is also the last cut.
    pub stages: usize,
    /// Length of the pooled embedding.
    pub embedding_len: usize,
    /// Side of the square input in pixels that the usual weights were trained for.
    pub input_size: u32,
    /// Numbers to learn without the classifier, in thousands.
    pub parameters_k: u32,
    /// Share of ImageNet's validation images that the whole network names right, in percent, as torchvision states it for its
    /// `IMAGENET1K_V1` weights; none where torchvision has no weights. With other weights it is another.
    pub imagenet_top1: Option<f32>,
    /// Multiply-adds of one image of `input_size` without the classifier, in millions, from the layers' shapes.
    pub multiply_adds_m: u32,
    stages_of: fn(&mut Loader<'_>) -> Result<Vec<Stage>>,
}

impl Architecture {
    /// Builds the stages from a source of tensors. `tensorflow` says that TensorFlow trained the weights, which changes
    /// paddings and epsilons.
    ///
    /// # Errors
    /// As the source gives them.
    pub fn build(&self, source: &mut dyn Source, device: &Device, tensorflow: bool) -> Result<Backbone> {
        let mut loader = Loader::new(source, device, tensorflow);
        Ok(Backbone { stages: (self.stages_of)(&mut loader)? })
    }
}

/// The fields of an entry, in the order of the table's columns.
macro_rules! catalogue {
    ($($name:literal, $alias:expr, $stages:literal, $embedding:literal, $input:literal, $parameters:literal,
       $multiply_adds:literal, $top1:expr, $build:expr;)*) => {
        /// Every architecture, the default first.
        pub const CATALOGUE: &[Architecture] = &[$(Architecture {
            name: $name,
            alias: $alias,
            stages: $stages,
            embedding_len: $embedding,
            input_size: $input,
            parameters_k: $parameters,
            multiply_adds_m: $multiply_adds,
            imagenet_top1: $top1,
            stages_of: $build,
        }),*];
    };
}

// name, timm's name, stages, embedding, input size, parameters / 1000, multiply-adds / 10^6, top-1, builder
catalogue! {
    "mobilenet_v2", Some("mobilenetv2_100"), 19, 1280, 224, 2224, 299, Some(71.9), |l| mobilenet_v2::build(l, 1.0);
    "mobilenetv2_035", None, 19, 1280, 224, 396, 58, None, |l| mobilenet_v2::build(l, 0.35);
    "mobilenetv2_050", None, 19, 1280, 224, 688, 96, None, |l| mobilenet_v2::build(l, 0.5);
    "mobilenetv2_075", None, 19, 1280, 224, 1355, 208, None, |l| mobilenet_v2::build(l, 0.75);
    "mobilenetv2_140", None, 19, 1792, 224, 4316, 580, None, |l| mobilenet_v2::build(l, 1.4);
    "mobilenetv1_100", None, 14, 1024, 224, 3207, 568, None, |l| mobilenet_v1::build(l, 1.0);
    "mobilenetv1_125", None, 14, 1280, 224, 4990, 878, None, |l| mobilenet_v1::build(l, 1.25);
    "mobilenet_v3_small", Some("mobilenetv3_small_100"), 13, 576, 224, 927, 55, Some(67.7), mobilenet_v3::small;
    "mobilenet_v3_large", Some("mobilenetv3_large_100"), 17, 960, 224, 2972, 214, Some(74.0), mobilenet_v3::large;
    "efficientnet_lite0", None, 18, 1280, 224, 3371, 384, None, |l| efficientnet::lite(l, [1.0, 1.0]);
    "efficientnet_lite1", None, 23, 1280, 240, 4136, 599, None, |l| efficientnet::lite(l, [1.0, 1.1]);
    "efficientnet_lite2", None, 23, 1280, 260, 4811, 858, None, |l| efficientnet::lite(l, [1.1, 1.2]);
    "efficientnet_lite3", None, 26, 1280, 280, 6916, 1382, None, |l| efficientnet::lite(l, [1.2, 1.4]);
    "efficientnet_lite4", None, 32, 1280, 300, 11726, 2552, None, |l| efficientnet::lite(l, [1.4, 1.8]);
    "efficientnet_b0", None, 18, 1280, 224, 4008, 385, Some(77.7), |l| efficientnet::build(l, [1.0, 1.0], 1e-5);
    "efficientnet_b1", None, 25, 1280, 240, 6513, 686, Some(78.6), |l| efficientnet::build(l, [1.0, 1.1], 1e-5);
    "efficientnet_b2", None, 25, 1408, 260, 7701, 992, Some(80.6), |l| efficientnet::build(l, [1.1, 1.2], 1e-5);
    "efficientnet_b3", None, 28, 1536, 300, 10696, 1826, Some(82.0), |l| efficientnet::build(l, [1.2, 1.4], 1e-5);
    "efficientnet_b4", None, 34, 1792, 380, 17549, 4392, Some(83.4), |l| efficientnet::build(l, [1.4, 1.8], 1e-5);
    "efficientnet_b5", None, 41, 2048, 456, 28341, 10264, Some(83.4), |l| efficientnet::build(l, [1.6, 2.2], 1e-3);
    "efficientnet_b6", None, 47, 2304, 528, 40736, 19065, Some(84.0), |l| efficientnet::build(l, [1.8, 2.6], 1e-3);
    "efficientnet_b7", None, 57, 2560, 600, 63787, 37743, Some(84.1), |l| efficientnet::build(l, [2.0, 3.1], 1e-3);
    "resnet18", None, 10, 512, 224, 11177, 1814, Some(69.8), |l| resnet::basic(l, [2, 2, 2, 2]);
    "resnet34", None, 18, 512, 224, 21285, 3663, Some(73.3), |l| resnet::basic(l, [3, 4, 6, 3]);
    "resnet50", None, 18, 2048, 224, 23508, 4087, Some(76.1), |l| resnet::bottleneck(l, [3, 4, 6, 3]);
    "resnet101", None, 35, 2048, 224, 42500, 7799, Some(77.4), |l| resnet::bottleneck(l, [3, 4, 23, 3]);
    "resnet152", None, 52, 2048, 224, 58144, 11512, Some(78.3), |l| resnet::bottleneck(l, [3, 8, 36, 3]);
    "vgg11", None, 13, 512, 224, 9220, 7485, Some(69.0), |l| vgg::vgg(l, [1, 1, 2, 2, 2], false);
    "vgg13", None, 15, 512, 224, 9405, 11185, Some(69.9), |l| vgg::vgg(l, [2, 2, 2, 2, 2], false);
    "vgg16", None, 18, 512, 224, 14715, 15347, Some(71.6), |l| vgg::vgg(l, [2, 2, 3, 3, 3], false);
    "vgg19", None, 21, 512, 224, 20024, 19508, Some(72.4), |l| vgg::vgg(l, [2, 2, 4, 4, 4], false);
    "vgg11_bn", None, 13, 512, 224, 9226, 7485, Some(70.4), |l| vgg::vgg(l, [1, 1, 2, 2, 2], true);
    "vgg13_bn", None, 15, 512, 224, 9411, 11185, Some(71.6), |l| vgg::vgg(l, [2, 2, 2, 2, 2], true);
    "vgg16_bn", None, 18, 512, 224, 14723, 15347, Some(73.4), |l| vgg::vgg(l, [2, 2, 3, 3, 3], true);
    "vgg19_bn", None, 21, 512, 224, 20035, 19508, Some(74.2), |l| vgg::vgg(l, [2, 2, 4, 4, 4], true);
    "alexnet", None, 8, 256, 224, 2470, 656, Some(56.5), vgg::alexnet;
    "squeezenet1_1", None, 12, 512, 224, 722, 263, Some(58.2), squeezenet::build;
}

/// timm's mark of weights that TensorFlow trained: `tf_efficientnet_b0`.
const TENSORFLOW: &str = "tf_";

/// Whether an architecture's name says that TensorFlow trained the weights.
pub fn is_tensorflow(name: &str) -> bool {
    name.starts_with(TENSORFLOW)
}

/// The architecture of this name, which may be timm's and begin with `tf_`.
///
/// # Errors
/// `WEIGHTS_FORMAT` where the catalogue has no such name.
pub fn find(name: &str) -> Result<&'static Architecture> {
    let plain = name.strip_prefix(TENSORFLOW).unwrap_or(name);
    let is_named = |entry: &&Architecture| entry.name == plain || entry.alias == Some(plain);
    CATALOGUE.iter().find(is_named).ok_or_else(|| {
        let known: Vec<_> = CATALOGUE.iter().map(|architecture| architecture.name).collect();
        Error::WeightsFormat {
            reason: format!("architecture `{name}` is unknown; known: {}", known.join(", ")),
        }
    })
}

/// What a device and a user's patience allow.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Multiply-adds for one view, in millions.
    pub multiply_adds_m: u32,
    /// Numbers to download, in thousands; at half precision each takes two bytes.
    pub parameters_k: u32,
}

/// The architecture with the best accuracy on ImageNet of those that fit the budget, the one with fewer multiply-adds of
/// equal ones; none where none fits. Those whose accuracy is not known are passed over.
pub fn recommend(budget: Budget) -> Option<&'static Architecture> {
    let fits = |entry: &&Architecture| {
        entry.multiply_adds_m <= budget.multiply_adds_m && entry.parameters_k <= budget.parameters_k
    };
    let known = |entry: &'static Architecture| Some((entry, entry.imagenet_top1?));
    let best = CATALOGUE.iter().filter(fits).filter_map(known).max_by(|(a, left), (b, right)| {
        left.total_cmp(right).then(b.multiply_adds_m.cmp(&a.multiply_adds_m))
    });
    best.map(|(entry, _)| entry)
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;
    use crate::backbone::sample;

    /// Stages, embedding, parameters in thousands, multiply-adds in millions.
    fn measured(entry: &Architecture) -> [usize; 4] {
        let (backbone, tensors) = sample::backbone_of(entry.name, 1);
        let learned = tensors.iter().filter(|(name, _)| !name.contains(".running_"));
        let parameters: usize = learned.map(|(_, (_, values))| values.len()).sum();
        let plan = block_on(backbone.lower(backbone.len())).unwrap();
        let side = entry.input_size as usize;
        let rounded = |count: usize, unit: f64| (count as f64 / unit).round() as usize;
        [
            backbone.len(),
            plan.maps(side).last().unwrap().len(),
            rounded(parameters, 1e3),
            rounded(plan.multiply_adds(side), 1e6),
        ]
    }

    #[test]
    fn the_table_says_what_the_networks_have() {
        let mut wrong = Vec::new();
        for entry in CATALOGUE {
            let said = [
                entry.stages,
                entry.embedding_len,
                entry.parameters_k as usize,
                entry.multiply_adds_m as usize,
            ];
            let found = measured(entry);
            if said != found {
                wrong.push(format!("{} is {found:?}", entry.name));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn the_best_network_that_fits_is_recommended() {
        let name = |multiply_adds_m, parameters_k| {
            recommend(Budget { multiply_adds_m, parameters_k }).map(|entry| entry.name)
        };
        assert_eq!(name(10, 100_000), None);
        assert_eq!(name(60, 100_000), Some("mobilenet_v3_small"));
        assert_eq!(name(299, 100_000), Some("mobilenet_v3_large"));
        assert_eq!(name(400, 100_000), Some("efficientnet_b0"));
        assert_eq!(name(400, 1_000), Some("mobilenet_v3_small"));
        assert_eq!(name(u32::MAX, u32::MAX), Some("efficientnet_b7"));
    }

    #[test]
    fn names_are_those_of_torchvision_and_timm() {
        for name in ["mobilenet_v2", "mobilenetv2_100"] {
            assert_eq!(find(name).unwrap().name, "mobilenet_v2");
        }
        assert_eq!(find("tf_efficientnet_lite0").unwrap().name, "efficientnet_lite0");
        assert!(is_tensorflow("tf_efficientnet_lite0") && !is_tensorflow("efficientnet_lite0"));
        assert_eq!(find("resnet19").unwrap_err().code(), "WEIGHTS_FORMAT");
    }
}
