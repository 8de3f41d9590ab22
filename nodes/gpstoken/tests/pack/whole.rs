//! Tests of configuration A with its decoder. They need the whole set of recorded runs; see `tests/goldens/README.md`.

use super::{Golden, assert_near, image_of, nodes::Chain};
use splatgraph_pack_gpstoken::splat::Tiles;
use splatgraph_sdk::{Image, testing::json};
use std::path::PathBuf;

/// The folder of the whole set, and the chain of nodes with its weights. A test is skipped if the folder does not exist.
pub(super) fn whole_set() -> Option<(PathBuf, Chain)> {
    let Some(folder) = std::env::var_os("SPLATGRAPH_GOLDENS").map(PathBuf::from) else {
        println!(
            "skipped: configuration A's decoder is too large for the project; SPLATGRAPH_GOLDENS names no folder with it"
        );
        return None;
    };
    let chain = Chain::load(json!({"model": folder.join("weights_A.safetensors")}));
    Some((folder, chain))
}

/// Pictures with the authors' values -1..1, channels first.
pub(super) fn decoded(image: &Image) -> Vec<f32> {
    let [batch, height, width, _] = image.image.dims().unwrap();
    let values = image.image.as_slice::<f32>().unwrap();
    let plane = |b: usize, c: usize| values[b * height * width * 3..][..height * width * 3].iter().skip(c).step_by(3);
    (0..batch).flat_map(|b| (0..3).flat_map(move |c| plane(b, c).map(|v| v * 2.0 - 1.0))).collect()
}

/// Every `n`-th row and column of `[planes, height, width]`.
pub(super) fn every(values: &[f32], [height, width]: [usize; 2], n: usize) -> Vec<f32> {
    let rows = values.chunks_exact(width).enumerate().filter(|(line, _)| (line % height) % n == 0);
    rows.flat_map(|(_, row)| row.iter().step_by(n).copied()).collect()
}

/// Converts values to bytes like SaveImage with `rounding` = "truncate".
fn bytes(image: &Image) -> Vec<u8> {
    image.image.as_slice::<f32>().unwrap().iter().map(|v| (v.clamp(0.0, 1.0) * 255.0) as u8).collect()
}

#[track_caller]
fn assert_bytes(what: &str, actual: &[u8], recorded: &[u8]) {
    assert_eq!(actual.len(), recorded.len());
    let worst = actual.iter().zip(recorded).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    let equal = actual.iter().zip(recorded).filter(|(a, b)| a == b).count() as f64 / actual.len() as f64;
    println!("{what}: {:.4} % of the bytes are equal, the others differ by {worst} at most", equal * 100.0);
    assert!(worst <= 1 && equal >= 0.999);
}

#[test]
fn a_picture_and_its_bytes_agree() {
    let Some((folder, chain)) = whole_set() else { return };
    let golden = Golden::at(&folder.join("tokA_full.safetensors"));
    let run = chain.run(image_of(&["chelsea_256.png"]), json!({"tokens": 64}), Tiles::Merged);
    run.assert_tokens(golden.f32("gpstokens"));
    assert_near("map", run.map(), golden.f32("rendered"), 5e-4);
    assert_near("decoded", &decoded(&run.image), golden.f32("decoded"), 9e-5);
    assert_bytes("png", &bytes(&run.image), golden.tensor("png").as_slice().unwrap());
}

#[test]
fn a_batch_agrees() {
    let Some((folder, chain)) = whole_set() else { return };
    let golden = Golden::at(&folder.join("tokA_batch2.safetensors"));
    let run = chain.run(image_of(&["china_256.png", "astronaut_256.png"]), json!({"tokens": 64}), Tiles::Merged);
    run.assert_tokens(golden.f32("gpstokens"));
    assert_near("map", &every(run.map(), [64, 64], 2), golden.f32("rendered"), 5e-4);
    assert_near("decoded", &every(&decoded(&run.image), [256, 256], 4), golden.f32("decoded"), 9e-5);
}

#[test]
fn other_numbers_of_tokens_agree() {
    let Some((folder, chain)) = whole_set() else { return };
    let golden = Golden::at(&folder.join("tokA_variable.safetensors"));
    for (name, tokens, exponent) in
        [("n32.w2.5", 32, 2.5), ("n100.w2.0", 100, 2.0), ("n128.w2.5", 128, 2.5), ("n256.w2.5", 256, 2.5)]
    {
        let run =
            chain.run(image_of(&["china_256.png"]), json!({"tokens": tokens, "exponent": exponent}), Tiles::Merged);
        run.assert_tokens(golden.f32(&format!("{name}.gpstokens")));
        assert_near("map", &every(run.map(), [64, 64], 2), golden.f32(&format!("{name}.rendered.sub2")), 5e-4);
        assert_near(
            "decoded",
            &every(&decoded(&run.image), [256, 256], 4),
            golden.f32(&format!("{name}.decoded.sub4")),
            9e-5,
        );
    }
}

#[test]
fn four_tiles_agree_merged_and_separate() {
    let Some((folder, chain)) = whole_set() else { return };
    let golden = Golden::at(&folder.join("tokA_np2.safetensors"));
    let settings = json!({"tokens": 64, "exponent": golden.f32("weight")[0]});
    let merged = chain.run(image_of(&["china_512.png"]), settings.clone(), Tiles::Merged);
    merged.assert_tokens(golden.f32("adjusted"));
    assert_near("map", &every(merged.map(), [128, 128], 2), golden.f32("rendered.sub2"), 5e-4);
    let picture = decoded(&merged.image);
    assert_near("decoded", &every(&picture, [512, 512], 4), golden.f32("decoded.sub4"), 9e-5);
    let seam: Vec<f32> = (0..3)
        .flat_map(|c| (248..264).flat_map(move |y| (192..320).map(move |x| (c * 512 + y) * 512 + x)))
        .map(|at| picture[at])
        .collect();
    assert_near("seam", &seam, golden.f32("decoded_seam"), 9e-5);
    let all = bytes(&merged.image);
    let part: Vec<u8> = (192..320).flat_map(|y| all[(y * 512 + 192) * 3..(y * 512 + 320) * 3].to_vec()).collect();
    assert_bytes("png at the seam", &part, golden.tensor("png_seam").as_slice().unwrap());

    let separate = decoded(&chain.run(image_of(&["china_512.png"]), settings, Tiles::Separate).image);
    let tiles: Vec<f32> = [[0, 0], [1, 0], [0, 1], [1, 1]]
        .into_iter()
        .flat_map(|[column, row]| {
            (0..3).flat_map(move |c| {
                (0..256).flat_map(move |y| (0..256).map(move |x| (c * 512 + row * 256 + y) * 512 + column * 256 + x))
            })
        })
        .map(|at| separate[at])
        .collect();
    assert_near("separately", &every(&tiles, [256, 256], 4), golden.f32("decoded_separately.sub4"), 9e-5);
}

#[test]
fn edited_tokens_agree() {
    let Some((folder, chain)) = whole_set() else { return };
    let golden = Golden::at(&folder.join("token_edits.safetensors"));
    for edit in ["move", "grow", "mirror_x", "swap_features", "drop", "append", "shuffle"] {
        let run = chain.decode_tokens(&golden, &format!("{edit}.tokens"));
        assert_near(edit, &every(run.map(), [64, 64], 2), golden.f32(&format!("{edit}.rendered.sub2")), 5e-4);
        assert_near(
            edit,
            &every(&decoded(&run.image), [256, 256], 4),
            golden.f32(&format!("{edit}.decoded.sub4")),
            9e-5,
        );
    }
}
