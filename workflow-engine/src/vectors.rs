//! Known answers of the shared folder, for unit tests: found by `GOVERNOR_SHARED`, else beside the repository.

use std::path::PathBuf;

use serde_json::Value;

/// The shared reference folder, or `None` (said on stdout) where it is absent.
pub(crate) fn shared() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let found = std::env::vars()
        .find(|(name, _)| name == "GOVERNOR_SHARED")
        .map(|(_, path)| path)
        .into_iter()
        .chain([beside.to_owned(), "/work/shared".to_owned()])
        .map(PathBuf::from)
        .find(|path| path.join("vectors").is_dir());
    if found.is_none() {
        println!("skipped: no shared folder with known answers");
    }
    found
}

/// The file `vectors/NAME` as text, or `None` where there is no shared folder.
pub(crate) fn text(name: &str) -> Option<String> {
    let path = shared()?.join("vectors").join(name);
    Some(std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display())))
}

/// The JSON file `vectors/NAME`, or `None` where there is no shared folder.
pub(crate) fn load(name: &str) -> Option<Value> {
    Some(serde_json::from_str(&text(name)?).expect("a known-answer file is JSON"))
}

/// A number of a known-answer file.
pub(crate) fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is not a number"))
}

/// The numbers of an array of a known-answer file.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(number).collect()
}

/// Fails unless `got` is `expected` to within `tolerance`, relative to the larger of 1 and the expected size.
#[track_caller]
pub(crate) fn close(got: f64, expected: f64, tolerance: f64) {
    let scale = if expected.abs() < 1e-4 {
        expected.abs().max(1e-12)
    } else {
        expected.abs().max(1.0)
    };
    assert!(
        (got - expected).abs() <= tolerance * scale,
        "got {got:e}, expected {expected:e}"
    );
}

/// [`close`] on the two limits of an interval.
#[track_caller]
pub(crate) fn close_limits(got: [f64; 2], expected: &Value, tolerance: f64) {
    close(got[0], number(&expected[0]), tolerance);
    close(got[1], number(&expected[1]), tolerance);
}

/// The gzipped file `data/NAME` as text, or `None` where there is no shared folder.
pub(crate) fn unzipped(name: &str) -> Option<String> {
    let file = std::fs::File::open(shared()?.join("data").join(name)).expect("a data file");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut text).expect("gzipped text");
    Some(text)
}
