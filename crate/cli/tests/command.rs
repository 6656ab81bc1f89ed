//! The command as a person runs it.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::path::Path;
use std::process::{Command, Output};

use rekindle::train::{Progress, TrainOptions};
use rekindle::{Device, Embedder, Tuner};

fn rekindle(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rekindle")).args(arguments).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = rekindle(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_summary_has_a_line_for_each_stage_and_the_sums() {
    let text = printed(&["summary", "resnet18"]);
    assert_eq!(text.lines().count(), 1 + 10 + 1);
    assert!(text.lines().nth(1).unwrap().contains("convolution1"));
    assert!(text.lines().last().unwrap().contains("11176512"), "{text}");
    let smaller = printed(&["summary", "resnet18", "--input-size", "64"]);
    assert!(smaller.contains("64 x 32 x 32"), "{smaller}");
}

#[test]
fn a_summary_says_which_stages_are_frozen() {
    let column = |cut: &[&str]| -> Vec<bool> {
        let text = printed(&[&["summary", "resnet18"], cut].concat());
        let stages = text.lines().skip(1).take(10);
        stages.map(|line| line.split_whitespace().last() == Some("yes")).collect()
    };
    assert_eq!(column(&[]), [true; 10]);
    assert_eq!(column(&["--cut", "10"]), [true; 10]);
    assert_eq!(column(&["--cut", "0"]), [false; 10]);
    let eight = [[true; 8].as_slice(), &[false; 2]].concat();
    assert_eq!(column(&["--cut", "8"]), eight);
    assert_eq!(column(&["--cut", "residual7"]), eight, "that is stage 8");
    for cut in ["11", "-1", "residual9", ""] {
        let refused = rekindle(&["summary", "resnet18", &format!("--cut={cut}")]);
        assert_eq!(refused.status.code(), Some(1), "{cut}");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("from 0 to 10") || said.contains("one of convolution1"), "{said}");
    }
}

#[test]
fn the_catalogue_has_a_line_for_each_architecture() {
    let text = printed(&["backbones"]);
    assert!(text.lines().count() > 30);
    assert!(text.contains("hf:timm/resnet50.tv_in1k"));
}

#[test]
fn what_is_wrong_is_said_and_fails() {
    let unknown = rekindle(&["summary", "resnet19"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("resnet19"));
    let small = rekindle(&["summary", "alexnet", "--input-size", "16"]);
    assert_eq!(small.status.code(), Some(1));
    assert_eq!(rekindle(&["sumary"]).status.code(), Some(2));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert_eq!(rekindle(&["summary", file]).status.code(), Some(1));
}

/// A project on the weights of the npm package, of embeddings that are made up.
fn project(weights: &[u8]) -> Vec<u8> {
    let embedder = pollster::block_on(Embedder::new(weights, Device::Cpu, Some(64))).unwrap();
    let length = embedder.feature_len();
    let mut tuner = Tuner::new(embedder.spec().clone(), 64, length, 1);
    let options = TrainOptions { views: 1, ..TrainOptions::default() };
    for number in 0..12 {
        let id = tuner.add_example(["cat", "dog"][number % 2]).unwrap();
        let features: Vec<f32> = (0..length).map(|at| ((at + number) % (3 + number % 2)) as f32).collect();
        tuner.put_features(id, &[0], &options, &features).unwrap();
    }
    let mut training = tuner.start_run(&options).unwrap();
    while training.run.step().unwrap() != Progress::Finished {}
    tuner.finish_run(training).unwrap();
    tuner.save().unwrap()
}

#[test]
fn the_model_of_a_project_is_exported() {
    let packaged = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pkg/weights/mobilenet_v2.safetensors");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let weights = packaged.to_str().unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let saved = path("pets.rekindle");
    std::fs::write(&saved, project(&std::fs::read(&packaged).unwrap())).unwrap();

    let tensors = path("pets.safetensors");
    printed(&["export", &saved, "--weights", weights, "--format", "safetensors", "-o", &tensors]);
    // What was exported is a backbone again.
    assert!(printed(&["summary", &tensors]).contains("invertedResidual17"));
    let onnx = path("pets.onnx");
    printed(&["export", &saved, "--weights", weights, "-o", &onnx]);
    let bytes = std::fs::read(&onnx).unwrap();
    assert!(bytes.len() > 8_000_000, "the backbone's 2.2 million numbers are in it");
    assert!(bytes.windows(13).any(|text| text == b"probabilities"));

    let refused = |arguments: &[&str]| {
        let output = rekindle(arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = refused(&["export", &saved, "--weights", weights, "--format", "tflite", "-o", &onnx]);
    assert_eq!(code, Some(2));
    assert!(said.contains("onnx or safetensors"), "{said}");
    let (code, said) = refused(&["export", weights, "--weights", weights, "-o", &onnx]);
    assert_eq!(code, Some(1), "{said}");
    let (code, said) = refused(&["export", &saved, "--weights", &saved, "-o", &onnx]);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(std::fs::read(&onnx).unwrap(), bytes, "a failure leaves the file that is there");
}
