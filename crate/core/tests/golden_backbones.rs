//! Every architecture against torchvision's and timm's own models: `tests/golden/backbones/README.md` says what is compared.
//! The errors are in `docs/verification.md`; `REKINDLE_WRITE=1 cargo nextest run -p rekindle --test golden_backbones` writes them anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

#[path = "made_up/formula.rs"]
mod formula;
mod verification;

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use formula::{Formula, formula};
use rekindle::backbone::catalogue::{self, CATALOGUE};
use rekindle::prefix::{Arithmetic, CpuPrefix};
use safetensors::SafeTensors;

struct Expected(Vec<u8>);

impl Expected {
    fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/backbones");
        Self(std::fs::read(folder.join("expected.safetensors")).unwrap())
    }

    fn cases(&self) -> Vec<String> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let names =
            file.names().into_iter().filter_map(|name| name.strip_suffix(".stages")).map(String::from);
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    fn values(&self, name: &str) -> Vec<f32> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let data = file.tensor(name).unwrap();
        data.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }
}

/// The largest difference, in parts of `scale`.
fn difference(found: &[f32], expected: &[f32], scale: f32) -> f32 {
    assert_eq!(found.len(), expected.len());
    found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs() / scale)
        .fold(0.0, |most, error| if error > most || error.is_nan() { error } else { most })
}

/// The largest errors over all stages of the module, and of the plan's embedding.
fn errors(expected: &Expected, case: &str) -> [f32; 3] {
    let (library, arch) = case.split_once('/').unwrap();
    let side = if arch.starts_with("tf_") { 75 } else { 64 };
    let tensorflow = catalogue::is_tensorflow(arch);
    let device = Device::flex();
    let architecture = catalogue::find(arch).unwrap();
    let backbone = architecture.build(&mut Formula { timm: library == "timm" }, tensorflow).unwrap();
    let image: Vec<f32> = formula("image", 3 * side * side).map(|unit| unit as f32 * 2.0).collect();
    let mut map = Tensor::<4>::from_data(TensorData::new(image, [1, 3, side, side]), &device);
    let interleaved: Vec<f32> = map.clone().permute([0, 2, 3, 1]).into_data().try_to_vec().unwrap();

    let rows = expected.values(&format!("{case}.stages"));
    let rows = rows.as_chunks::<18>().0;
    assert_eq!(backbone.len(), rows.len(), "{case}");
    let mut module = 0.0f32;
    for (stage, [largest, mean, sample @ ..]) in rows.iter().enumerate() {
        map = backbone.forward(map, stage..stage + 1);
        let values: Vec<f32> = map.to_data().try_to_vec().unwrap();
        let found: Vec<f32> = (0..16).map(|index| values[index * values.len() / 16]).collect();
        let found_mean = values.iter().map(|value| f64::from(value.abs())).sum::<f64>() / values.len() as f64;
        let error = difference(&found, sample, *largest).max((found_mean as f32 - mean).abs() / mean);
        assert!(error < 1e-3, "{case}, stage {stage}: {error}");
        module = module.max(error);
    }
    let embedding = expected.values(&format!("{case}.embedding"));
    let plan = backbone.lower(backbone.len()).unwrap();
    let scale = embedding.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let [float, integer] = [Arithmetic::Float, Arithmetic::Integer].map(|arithmetic| {
        let found = CpuPrefix::compile_for(&plan, side, arithmetic).unwrap().run(&interleaved).unwrap();
        difference(&found, &embedding, scale)
    });
    [module, float, integer]
}

const SECTION: &str = "golden_backbones";
const PARTS: usize = 4;

fn check(part: usize) {
    let expected = Expected::read();
    let cases = expected.cases();
    let row = |case: &String| {
        let [module, plan, integers] = errors(&expected, case);
        assert!(plan < 1e-3, "{case}, the plan's embedding: {plan}");
        assert!(integers < 1e-3, "{case}, the plan's embedding in whole numbers: {integers}");
        (case.clone(), vec![module, plan, integers])
    };
    if !verification::writing() {
        let rows: Vec<_> = cases.iter().skip(part).step_by(PARTS).map(row).collect();
        verification::check(SECTION, &rows);
    } else if part == 0 {
        let rows: Vec<_> = cases.iter().map(row).collect();
        verification::write(
            SECTION,
            &["model", "module, worst stage", "plan, embedding", "in whole numbers"],
            &rows,
        );
    }
}

/// Every architecture of the catalogue that a library has is compared, and the document has what is compared and nothing else.
#[test]
fn no_architecture_is_left_out() {
    let cases = Expected::read().cases();
    for entry in CATALOGUE {
        let compared = |case: &String| {
            let (_, arch) = case.split_once('/').unwrap();
            catalogue::find(arch).is_ok_and(|found| found.name == entry.name)
        };
        assert!(cases.iter().any(compared), "{} is not in tests/golden/backbones", entry.name);
    }
    if !verification::writing() {
        let names: Vec<_> = verification::written(SECTION).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, cases, "run this test with REKINDLE_WRITE=1");
    }
}

// In four parts, so that a test runner spreads them over processors.
#[test]
fn a_first_quarter_agrees() {
    check(0);
}

#[test]
fn a_second_quarter_agrees() {
    check(1);
}

#[test]
fn a_third_quarter_agrees() {
    check(2);
}

#[test]
fn a_last_quarter_agrees() {
    check(3);
}
