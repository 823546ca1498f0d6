//! Burn's fusion merges operations, and gives wrong maps for networks like ours, so none of our features may
//! enable it.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::process::{Command, Output};

use serde_json::Value;

/// The devices that features are named after, and both together.
const DEVICES: [&str; 3] = ["cuda", "wgpu", "cuda,wgpu"];

fn cargo(arguments: &[&str]) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

#[test]
fn no_feature_of_ours_switches_fusion_on() {
    let found = cargo(&["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let metadata: Value = serde_json::from_slice(&found.stdout).unwrap();
    let mut devices = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        for (feature, activates) in package["features"].as_object().unwrap() {
            let text = format!("{activates}");
            assert!(!text.contains("fusion"), "feature {feature} of {name} switches on {text}");
            if DEVICES.contains(&feature.as_str()) {
                devices.push(format!("{name}/{feature}"));
            }
        }
        for dependency in package["dependencies"].as_array().unwrap() {
            let (of, features) = (dependency["name"].as_str().unwrap(), dependency["features"].to_string());
            assert!(!features.contains("fusion"), "{name} wants {of} with {features}");
            // Burn's default features include fusion.
            let whole = of.starts_with("burn") && dependency["uses_default_features"].as_bool().unwrap();
            assert!(!whole, "{name} wants {of} with its default features");
        }
    }
    devices.sort();
    assert_eq!(devices, ["pidinet-burn/cuda", "pidinet-burn/wgpu", "pidinet-cli/cuda", "pidinet-cli/wgpu"]);
}

#[test]
fn burn_is_built_without_fusion_for_every_device() {
    for package in ["pidinet-burn", "pidinet-cli"] {
        for features in DEVICES {
            let tree = ["tree", "--offline", "--locked", "-p", package, "-F", features, "--prefix", "none"];
            let found = cargo(&[&tree[..], &["-e", "normal", "-f", "{p} {f}"]].concat());
            if !found.status.success() {
                // Crates for GPUs are fetched only where they are built.
                eprintln!("skipped: {}", String::from_utf8_lossy(&found.stderr));
                return;
            }
            let text = String::from_utf8(found.stdout).unwrap();
            assert!(text.contains("burn-cubecl v"), "{package} has no backend for {features}:\n{text}");
            let fusion: Vec<&str> = text.lines().filter(|line| line.contains("fusion")).collect();
            assert!(fusion.is_empty(), "{package} with {features}: {fusion:?}");
        }
    }
}
