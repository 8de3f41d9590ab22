//! Measures of sets of pictures, through the nodes: against recorded values of pytorch-fid, torch-fidelity and NumPy.

use super::{Golden, folder};
use splatgraph_pack_gpstoken::{
    measures::{Convention, ImageFeatures, Source, Statistics},
    nodes::measure::{
        feature_statistics::feature_statistics, frechet_distance::frechet_distance, inception_score::inception_score,
        kernel_distance::kernel_distance, load_features::load_features, load_statistics::load_statistics,
        precision_recall::precision_recall, save_statistics::save_statistics,
    },
};
use splatgraph_sdk::{
    DType, Error, Input, Output, Record, Result, Tensor, Value,
    testing::{json, run},
};
use std::path::Path;

fn source(convention: Convention) -> Source {
    Source { convention, network: Some("tensorflow-2015".to_owned()), weights: Some("a".repeat(64)) }
}

/// Features whose three fields are these recorded tensors.
fn features_of([pool, spatial, logits]: [&Tensor; 3]) -> ImageFeatures {
    let (pool, spatial, logits) = (pool.clone(), spatial.clone(), logits.clone());
    ImageFeatures { source: source(Convention::Adm), pool, spatial, logits }
}

fn value(features: &ImageFeatures) -> Value {
    features.clone().into_value().unwrap()
}

fn recorded(golden: &Golden, name: &str) -> f64 {
    golden.tensor(&format!("value.{name}")).as_slice::<f64>().unwrap()[0]
}

#[track_caller]
fn assert_close(what: &str, found: &Value, golden: &Golden) {
    let (found, expected) = (found.as_float().unwrap(), recorded(golden, what));
    assert!((found - expected).abs() <= expected.abs() * 1e-5, "{what}: expected {expected}, got {found}");
}

fn statistics(features: &ImageFeatures) -> Value {
    run::<feature_statistics>(json!({}), [("features", value(features))]).unwrap().remove(0)
}

#[test]
fn measures_reproduce_the_recorded_values() {
    let golden = Golden::open("measures.safetensors");
    let set = |pool: &str| {
        let pool = golden.tensor(pool);
        features_of([pool, pool, golden.tensor("logits")])
    };
    let (generated, real) = (set("generated"), set("real"));
    let pair = |features: &ImageFeatures| [("features", value(features)), ("reference", value(&real))];
    assert_close("kid", &run::<kernel_distance>(json!({}), pair(&generated)).unwrap()[0], &golden);
    let found = run::<precision_recall>(json!({}), pair(&generated)).unwrap();
    assert_close("precision", &found[0], &golden);
    assert_close("recall", &found[1], &golden);
    let found = run::<inception_score>(json!({ "splits": 7 }), [("features", value(&generated))]).unwrap();
    assert_close("is", &found[0], &golden);
    assert_close("is_deviation", &found[1], &golden);

    let fid = |features, reference, which: &str| {
        run::<frechet_distance>(json!({ "features": which }), [("statistics", features), ("reference", reference)])
    };
    let found = fid(statistics(&generated), statistics(&real), "pool").unwrap();
    assert_close("fid", &found[0], &golden);
    assert_eq!(found[1].to_json().unwrap()["reference"]["pictures"], 300);
    let spatial = |name: &str| {
        let tensor = golden.tensor(name);
        statistics(&features_of([tensor, tensor, tensor]))
    };
    let found = fid(spatial("generated_spatial"), spatial("real_spatial"), "spatial").unwrap();
    assert_close("sfid", &found[0], &golden);
}

/// The rows of a set in `parts` files of uneven length, in folders, in an order that is not the set's.
fn write_parts(features: &ImageFeatures, parts: usize, folder: &Path) {
    let rows = features.count();
    let bound = |part: usize| part * part * rows / (parts * parts);
    for part in 0..parts {
        let some = |tensor: &Tensor| {
            let width = tensor.shape()[1];
            let values = tensor.as_slice::<f32>().unwrap()[bound(part) * width..bound(part + 1) * width].to_vec();
            Tensor::from_vec([values.len() / width, width], values).unwrap()
        };
        let features = ImageFeatures {
            pool: some(&features.pool),
            spatial: some(&features.spatial),
            logits: some(&features.logits),
            source: features.source.clone(),
        };
        let file = folder.join(format!("{}/{part}.safetensors", (parts - part) % 3));
        features.into_record().save(&file, DType::F32).unwrap();
    }
}

#[test]
fn any_split_and_merge_gives_equal_bits() {
    let golden = Golden::open("measures.safetensors");
    let pool = golden.tensor("generated");
    let features = features_of([pool, pool, golden.tensor("logits")]);
    let whole = Record::from_value(&statistics(&features)).unwrap();
    let bytes =
        |record: &Record| -> Vec<Vec<u8>> { record.fields.iter().map(|(_, tensor)| tensor.bytes().to_vec()).collect() };
    for parts in [1, 3, 16] {
        let temporary = tempfile::tempdir().unwrap();
        write_parts(&features, parts, temporary.path());
        let found = run::<feature_statistics>(json!({ "path": temporary.path() }), []).unwrap();
        let found = (Record::from_value(&found[0]).unwrap(), found[1].as_int().unwrap());
        assert_eq!((bytes(&found.0), found.1), (bytes(&whole), 300), "{parts} parts");
        assert_eq!(found.0.header, whole.header);
        let loaded = run::<load_features>(json!({ "path": temporary.path() }), []).unwrap();
        assert_eq!(loaded[1].as_int(), Some(300));
        // Statistics of statistics, beside features.
        let other = temporary.path().join("more/statistics.safetensors");
        found.0.save(&other, DType::F32).unwrap();
        let twice = run::<feature_statistics>(json!({ "path": temporary.path() }), []).unwrap();
        assert_eq!(twice[1].as_int(), Some(600));
        let twice = Statistics::from_value(&twice[0]).unwrap().pool.moments();
        let once = Statistics::from_record(whole.clone()).unwrap().pool.moments();
        assert_eq!(twice.mean, once.mean);
    }
}

#[test]
fn files_of_numpy_are_read_and_written() {
    let golden = Golden::open("measures.safetensors");
    let pool = golden.tensor("generated");
    let own = Statistics::of(&features_of([pool, pool, pool])).unwrap().pool.moments();
    for (file, tolerance, has_spatial) in [("statistics.npz", 1e-6, true), ("statistics_packed.npz", 1e-6, false)] {
        let path = folder().join(file);
        let inputs = json!({ "path": path, "convention": "pytorch-fid" });
        let found = run::<load_statistics>(inputs, []).unwrap().remove(0);
        let temporary = tempfile::tempdir().unwrap();
        let written = temporary.path().join("again.npz");
        run::<save_statistics>(json!({ "path": written }), [("statistics", found.clone())]).unwrap();
        let found = Statistics::from_value(&found).unwrap();
        let again = Statistics::from_npz(&written, Convention::PytorchFid).unwrap();
        assert_eq!(found, again);
        assert_eq!((found.spatial.is_some(), found.count), (has_spatial, None));
        let found = found.pool.moments();
        let near = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance);
        assert!(near(&found.mean, &own.mean) && near(&found.covariance, &own.covariance), "{file}");
    }
}

#[test]
fn what_cannot_be_compared_is_an_error_that_says_so() {
    let golden = Golden::open("measures.safetensors");
    let pool = golden.tensor("generated");
    let features = features_of([pool, pool, golden.tensor("logits")]);
    let other = |change: fn(&mut ImageFeatures)| {
        let mut other = features.clone();
        change(&mut other);
        other
    };
    let temporary = tempfile::tempdir().unwrap();
    let foreign = temporary.path().join("other.npz");
    std::fs::write(&foreign, b"not a zip").unwrap();
    let mixed = temporary.path().join("mixed");
    write_parts(&features, 1, &mixed);
    let of_other = other(|it| it.source.convention = Convention::CleanFid);
    of_other.clone().into_record().save(&mixed.join("z.safetensors"), DType::F32).unwrap();
    let spatial_free = run::<load_statistics>(json!({ "path": folder().join("statistics_packed.npz") }), []).unwrap();
    let distance = |which: &str, reference: Value| {
        run::<frechet_distance>(
            json!({ "features": which }),
            [("statistics", statistics(&features)), ("reference", reference)],
        )
    };
    let kid = |reference: &ImageFeatures| {
        run::<kernel_distance>(json!({}), [("features", value(&features)), ("reference", value(reference))])
    };
    let one = other(|it| {
        for tensor in [&mut it.pool, &mut it.spatial, &mut it.logits] {
            let width = tensor.shape()[1];
            *tensor = Tensor::from_vec([1, width], tensor.as_slice::<f32>().unwrap()[..width].to_vec()).unwrap();
        }
    });
    let results: Vec<Result<Vec<Value>>> = vec![
        distance("pool", statistics(&of_other)),
        distance("pool", statistics(&other(|it| it.source.weights = Some("b".repeat(64))))),
        distance("spatial", spatial_free[0].clone()),
        distance("pool", statistics(&one)),
        kid(&other(|it| it.source.network = Some("torchvision".to_owned()))),
        kid(&one),
        run::<precision_recall>(
            json!({ "neighbours": 300 }),
            [("features", value(&features)), ("reference", value(&features))],
        ),
        run::<inception_score>(json!({ "splits": 301 }), [("features", value(&features))]),
        run::<feature_statistics>(json!({ "path": mixed }), []),
        run::<feature_statistics>(json!({ "path": temporary.path().join("nothing") }), []),
        run::<feature_statistics>(json!({}), []),
        run::<load_statistics>(json!({ "path": foreign }), []),
    ];
    let texts: Vec<String> = results.into_iter().map(|result| text(&result.unwrap_err(), temporary.path())).collect();
    insta::assert_snapshot!(texts.join("\n"), @r#"
    expected features of the convention `adm`, got the convention `clean-fid`. Values of two conventions are not comparable: compute both with one of them
    expected features of the weights aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, got bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb. Compute both with one file of weights
    expected statistics with spatial features, got none. Only ADM's files and statistics of this pack have them; set features to "pool"
    expected statistics of at least 2 pictures, got fewer
    expected features of the network tensorflow-2015, got torchvision. Compute both with one file of weights
    expected at least 2 pictures on each side, got 300 and 1
    expected fewer neighbours than pictures on each side, 300 and 300, got 300
    expected at most as many parts as pictures, 300, got 301
    reading features: expected features of the convention `adm`, got the convention `clean-fid`. Values of two conventions are not comparable: compute both with one of them: FOLDER/mixed/z.safetensors
    reading features: expected a folder, got none at FOLDER/nothing
    expected a folder with features, or features; got neither
    reading statistics of features: expected a file of numpy.savez (.npz), got invalid Zip archive: Could not find EOCD: FOLDER/other.npz
    "#);
}

fn text(error: &Error, folder: &Path) -> String {
    error.to_string().replace(&folder.display().to_string(), "FOLDER").replace('\\', "/")
}
