//! Errors of OptimizeTokens.

use super::{CHANNELS, attempt, pictures, tokens};
use crate::support::lpips::{noise, tiny_network};
use splatgraph_pack_gpstoken::lpips::Backbone;
use splatgraph_sdk::{Error, Mask, Output, Tensor, Tokens, Value, serde_json::Value as Json, testing::json};

#[test]
fn unusable_inputs_are_errors_that_say_what_to_do() {
    let (first, image) = (tokens(5, &[5]), pictures(1));
    let error = |settings: Json, image: &Value, more: Vec<(&'static str, Value)>| {
        let error: Error = attempt(settings, &first, image, more).map(|_| ()).unwrap_err();
        format!("{}: {error}", error.input.clone().unwrap_or_default())
    };
    let plain = |settings: Json| error(settings, &image, Vec::new());
    insta::assert_snapshot!(error(json!({}), &noise(1, 20, 30, 1), Vec::new()), @"image: expected a picture of 32 x 24 pixels, into which the tokenizer decodes these tokens, got 30 x 20. Connect the picture of which the tokens were made");
    insta::assert_snapshot!(plain(json!({"squared": 0})), @"squared: expected finite weights for squared, absolute, ssim and perceptual, and not all 0, got [0.0, 0.0, 0.0, 0.0]. Set at least one above 0");
    insta::assert_snapshot!(plain(json!({"perceptual": 1})), @"lpips: expected the weights of LPIPS, as `perceptual` is above 0, got none");
    let network = tiny_network(Backbone::Alex);
    insta::assert_snapshot!(plain(json!({"perceptual": 1, "lpips": network.path()})), @"image: expected sides of at least 31 pixels, which the network `alex` needs, got 32 x 24 pixels. Use larger pictures");
    let mask = |size: [usize; 3], value: f32| {
        let mask = Tensor::from_vec(size, vec![value; size.iter().product()]).unwrap();
        vec![("weights", Mask::new(mask).unwrap().into_value().unwrap())]
    };
    insta::assert_snapshot!(error(json!({}), &image, mask([2, 24, 32], 1.0)), @"weights: expected 1 mask of 32 x 24 pixels, the picture's size, got 2 masks of 32 x 24. Put a ResizeMask in front");
    insta::assert_snapshot!(error(json!({}), &image, mask([1, 24, 32], -1.0)), @"weights: expected weights in 0..1, got -1");
    let textures = Tensor::from_vec([1, 5, CHANNELS], vec![3e38; 5 * CHANNELS]).unwrap();
    let error: Error =
        attempt(json!({}), &Tokens { textures, ..first.clone() }, &image, Vec::new()).map(|_| ()).unwrap_err();
    insta::assert_snapshot!(error, @"expected tokens whose picture has a finite loss, got NaN. Look for numbers that are too large in the tokens and in the picture");
    let none = tokens(5, &[]);
    let error: Error = attempt(json!({}), &none, &image, Vec::new()).map(|_| ()).unwrap_err();
    insta::assert_snapshot!(error, @"expected the tokens of at least one picture, got none");
}
