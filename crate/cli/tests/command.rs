//! The command as a person runs it.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::process::{Command, Output};

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
