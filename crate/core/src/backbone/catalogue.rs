//! The architectures that can be loaded.

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
    /// Multiply-adds of one image of `input_size` without the classifier, in millions, from the layers' shapes.
    pub multiply_adds_m: u32,
    /// The weights that are loaded where no others are asked for.
    pub weights: UsualWeights,
    stages_of: fn(&mut Loader<'_>) -> Result<Vec<Stage>>,
}

/// The weights of an architecture that are loaded where no others are asked for, all trained on ImageNet's thousand classes.
#[derive(Debug, Clone, Copy)]
pub struct UsualWeights {
    /// Their repository at the Hugging Face hub.
    pub hub: Option<&'static str>,
    /// Their address, where the hub has none.
    pub address: Option<&'static str>,
    /// Size of the file in bytes, to ten thousand; the classifier is in it. None where there are no weights.
    pub download_bytes: Option<u64>,
    /// SPDX name of their licence.
    pub license: Option<&'static str>,
    /// Share of ImageNet's validation images that the whole network names right at `input_size`, in percent.
    pub top1: Option<f32>,
    /// Who measured it: `timm` in `results/results-imagenet.csv` of huggingface/pytorch-image-models (at aa4b585), `torchvision`
    /// in the metadata of its weights (0.29).
    pub top1_source: Option<&'static str>,
}

/// torchvision's MobileNetV2, converted, without its classifier: what the npm package carries.
const SHIPPED: UsualWeights = UsualWeights {
    download_bytes: Some(4_678_392),
    license: Some("BSD-3-Clause"),
    top1: Some(71.878),
    top1_source: Some("torchvision"),
    ..NONE
};

/// Nobody publishes any.
const NONE: UsualWeights = UsualWeights {
    hub: None,
    address: None,
    download_bytes: None,
    license: None,
    top1: None,
    top1_source: None,
};

/// Weights of timm; those whose tag begins with `tv_` are torchvision's. `parameters_m` counts the classifier's too.
const fn timm(hub: &'static str, parameters_m: f32, top1: f32, license: &'static str) -> UsualWeights {
    UsualWeights {
        hub: Some(hub),
        address: None,
        download_bytes: Some((parameters_m * 100.0 + 0.5) as u64 * 40_000),
        license: Some(license),
        top1: Some(top1),
        top1_source: Some("timm"),
    }
}

/// Weights of torchvision that timm has not.
const fn torchvision(address: &'static str, parameters_m: f32, top1: f32) -> UsualWeights {
    let like = timm("", parameters_m, top1, "BSD-3-Clause");
    UsualWeights { hub: None, address: Some(address), top1_source: Some("torchvision"), ..like }
}

impl Architecture {
    /// Builds the stages from a source of tensors. `tensorflow` says that TensorFlow trained the weights, which changes
    /// paddings and epsilons.
    ///
    /// # Errors
    /// As the source gives them.
    pub fn build(&self, source: &mut dyn Source, tensorflow: bool) -> Result<Backbone> {
        let mut loader = Loader::new(source, tensorflow);
        let stages = (self.stages_of)(&mut loader)?;
        Ok(Backbone { stages, stem: loader.stem() })
    }
}

/// The fields of an entry, in the order of the table's columns.
macro_rules! catalogue {
    ($($name:literal, $alias:expr, $stages:literal, $embedding:literal, $input:literal, $parameters:literal,
       $multiply_adds:literal, $build:expr, $weights:expr;)*) => {
        /// Every architecture, the default first.
        pub const CATALOGUE: &[Architecture] = &[$(Architecture {
            name: $name,
            alias: $alias,
            stages: $stages,
            embedding_len: $embedding,
            input_size: $input,
            parameters_k: $parameters,
            multiply_adds_m: $multiply_adds,
            weights: $weights,
            stages_of: $build,
        }),*];
    };
}

// name, timm's name, stages, embedding, input size, parameters / 1000, multiply-adds / 10^6, builder, usual weights
catalogue! {
    "mobilenet_v2", Some("mobilenetv2_100"), 19, 1280, 224, 2224, 299, |l| mobilenet_v2::build(l, 1.0), SHIPPED;
    "mobilenetv2_035", None, 19, 1280, 224, 396, 58, |l| mobilenet_v2::build(l, 0.35), NONE;
    "mobilenetv2_050", None, 19, 1280, 224, 688, 96, |l| mobilenet_v2::build(l, 0.5), timm("timm/mobilenetv2_050.lamb_in1k", 1.97, 65.928, "Apache-2.0");
    "mobilenetv2_075", None, 19, 1280, 224, 1355, 208, |l| mobilenet_v2::build(l, 0.75), NONE;
    "mobilenetv2_140", None, 19, 1792, 224, 4316, 580, |l| mobilenet_v2::build(l, 1.4), timm("timm/mobilenetv2_140.ra_in1k", 6.11, 76.528, "Apache-2.0");
    "mobilenetv1_100", None, 14, 1024, 224, 3207, 568, |l| mobilenet_v1::build(l, 1.0), timm("timm/mobilenetv1_100.ra4_e3600_r224_in1k", 4.23, 75.388, "Apache-2.0");
    "mobilenetv1_125", None, 14, 1280, 224, 4990, 878, |l| mobilenet_v1::build(l, 1.25), timm("timm/mobilenetv1_125.ra4_e3600_r224_in1k", 6.27, 76.92, "Apache-2.0");
    "mobilenet_v3_small", Some("mobilenetv3_small_100"), 13, 576, 224, 927, 55, mobilenet_v3::small, timm("timm/mobilenetv3_small_100.lamb_in1k", 2.54, 67.636, "Apache-2.0");
    "mobilenet_v3_large", Some("mobilenetv3_large_100"), 17, 960, 224, 2972, 214, mobilenet_v3::large, timm("timm/mobilenetv3_large_100.ra_in1k", 5.48, 75.784, "Apache-2.0");
    "efficientnet_lite0", None, 18, 1280, 224, 3371, 384, |l| efficientnet::lite(l, [1.0, 1.0]), timm("timm/tf_efficientnet_lite0.in1k", 4.65, 74.846, "Apache-2.0");
    "efficientnet_lite1", None, 23, 1280, 240, 4136, 599, |l| efficientnet::lite(l, [1.0, 1.1]), timm("timm/tf_efficientnet_lite1.in1k", 5.42, 76.674, "Apache-2.0");
    "efficientnet_lite2", None, 23, 1280, 260, 4811, 858, |l| efficientnet::lite(l, [1.1, 1.2]), timm("timm/tf_efficientnet_lite2.in1k", 6.09, 77.47, "Apache-2.0");
    "efficientnet_lite3", None, 26, 1280, 300, 6916, 1606, |l| efficientnet::lite(l, [1.2, 1.4]), timm("timm/tf_efficientnet_lite3.in1k", 8.2, 79.808, "Apache-2.0");
    "efficientnet_lite4", None, 32, 1280, 380, 11726, 3942, |l| efficientnet::lite(l, [1.4, 1.8]), timm("timm/tf_efficientnet_lite4.in1k", 13.01, 81.54, "Apache-2.0");
    "efficientnet_b0", None, 18, 1280, 224, 4008, 385, |l| efficientnet::build(l, [1.0, 1.0], 1e-5), timm("timm/efficientnet_b0.ra_in1k", 5.29, 77.698, "Apache-2.0");
    "efficientnet_b1", None, 25, 1280, 224, 6513, 568, |l| efficientnet::build(l, [1.0, 1.1], 1e-5), timm("timm/efficientnet_b1.ft_in1k", 7.79, 77.592, "Apache-2.0");
    "efficientnet_b2", None, 25, 1408, 256, 7701, 858, |l| efficientnet::build(l, [1.1, 1.2], 1e-5), timm("timm/efficientnet_b2.ra_in1k", 9.11, 79.324, "Apache-2.0");
    "efficientnet_b3", None, 28, 1536, 288, 10696, 1588, |l| efficientnet::build(l, [1.2, 1.4], 1e-5), timm("timm/efficientnet_b3.ra2_in1k", 12.23, 81.472, "Apache-2.0");
    "efficientnet_b4", None, 34, 1792, 320, 17549, 3062, |l| efficientnet::build(l, [1.4, 1.8], 1e-5), timm("timm/efficientnet_b4.ra2_in1k", 19.34, 82.658, "Apache-2.0");
    "efficientnet_b5", None, 41, 2048, 456, 28341, 10264, |l| efficientnet::build(l, [1.6, 2.2], 1e-3), timm("timm/tf_efficientnet_b5.aa_in1k", 30.39, 83.696, "Apache-2.0");
    "efficientnet_b6", None, 47, 2304, 528, 40736, 19065, |l| efficientnet::build(l, [1.8, 2.6], 1e-3), timm("timm/tf_efficientnet_b6.aa_in1k", 43.04, 84.124, "Apache-2.0");
    "efficientnet_b7", None, 57, 2560, 600, 63787, 37743, |l| efficientnet::build(l, [2.0, 3.1], 1e-3), timm("timm/tf_efficientnet_b7.aa_in1k", 66.35, 84.424, "Apache-2.0");
    "resnet18", None, 10, 512, 224, 11177, 1814, |l| resnet::basic(l, [2, 2, 2, 2]), timm("timm/resnet18.tv_in1k", 11.69, 69.752, "BSD-3-Clause");
    "resnet34", None, 18, 512, 224, 21285, 3663, |l| resnet::basic(l, [3, 4, 6, 3]), timm("timm/resnet34.tv_in1k", 21.8, 73.298, "BSD-3-Clause");
    "resnet50", None, 18, 2048, 224, 23508, 4087, |l| resnet::bottleneck(l, [3, 4, 6, 3]), timm("timm/resnet50.tv_in1k", 25.56, 76.156, "BSD-3-Clause");
    "resnet101", None, 35, 2048, 224, 42500, 7799, |l| resnet::bottleneck(l, [3, 4, 23, 3]), timm("timm/resnet101.tv_in1k", 44.55, 77.404, "BSD-3-Clause");
    "resnet152", None, 52, 2048, 224, 58144, 11512, |l| resnet::bottleneck(l, [3, 8, 36, 3]), timm("timm/resnet152.tv_in1k", 60.19, 78.33, "BSD-3-Clause");
    "vgg11", None, 13, 512, 224, 9220, 7485, |l| vgg::vgg(l, [1, 1, 2, 2, 2], false), timm("timm/vgg11.tv_in1k", 132.86, 69.05, "BSD-3-Clause");
    "vgg13", None, 15, 512, 224, 9405, 11185, |l| vgg::vgg(l, [2, 2, 2, 2, 2], false), timm("timm/vgg13.tv_in1k", 133.05, 69.95, "BSD-3-Clause");
    "vgg16", None, 18, 512, 224, 14715, 15347, |l| vgg::vgg(l, [2, 2, 3, 3, 3], false), timm("timm/vgg16.tv_in1k", 138.36, 71.594, "BSD-3-Clause");
    "vgg19", None, 21, 512, 224, 20024, 19508, |l| vgg::vgg(l, [2, 2, 4, 4, 4], false), timm("timm/vgg19.tv_in1k", 143.67, 72.4, "BSD-3-Clause");
    "vgg11_bn", None, 13, 512, 224, 9226, 7485, |l| vgg::vgg(l, [1, 1, 2, 2, 2], true), timm("timm/vgg11_bn.tv_in1k", 132.87, 70.374, "BSD-3-Clause");
    "vgg13_bn", None, 15, 512, 224, 9411, 11185, |l| vgg::vgg(l, [2, 2, 2, 2, 2], true), timm("timm/vgg13_bn.tv_in1k", 133.05, 71.56, "BSD-3-Clause");
    "vgg16_bn", None, 18, 512, 224, 14723, 15347, |l| vgg::vgg(l, [2, 2, 3, 3, 3], true), timm("timm/vgg16_bn.tv_in1k", 138.37, 73.354, "BSD-3-Clause");
    "vgg19_bn", None, 21, 512, 224, 20035, 19508, |l| vgg::vgg(l, [2, 2, 4, 4, 4], true), timm("timm/vgg19_bn.tv_in1k", 143.68, 74.23, "BSD-3-Clause");
    "alexnet", None, 8, 256, 224, 2470, 656, vgg::alexnet, torchvision("https://download.pytorch.org/models/alexnet-owt-7be5be79.pth", 61.10, 56.522);
    "squeezenet1_1", None, 12, 512, 224, 722, 263, squeezenet::build, torchvision("https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth", 1.24, 58.178);
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

#[cfg(test)]
mod tests {

    use super::*;
    use crate::backbone::sample;

    /// Stages, embedding, parameters in thousands, multiply-adds in millions.
    fn measured(entry: &Architecture) -> [usize; 4] {
        let (backbone, tensors) = sample::backbone_of(entry.name, 1);
        let learned = tensors.iter().filter(|(name, _)| !name.contains(".running_"));
        let parameters: usize = learned.map(|(_, (_, values))| values.len()).sum();
        let plan = backbone.lower(backbone.len()).unwrap();
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
    fn names_are_those_of_torchvision_and_timm() {
        for name in ["mobilenet_v2", "mobilenetv2_100"] {
            assert_eq!(find(name).unwrap().name, "mobilenet_v2");
        }
        assert_eq!(find("tf_efficientnet_lite0").unwrap().name, "efficientnet_lite0");
        assert!(is_tensorflow("tf_efficientnet_lite0") && !is_tensorflow("efficientnet_lite0"));
        assert_eq!(find("resnet19").unwrap_err().code(), "WEIGHTS_FORMAT");
    }
}
