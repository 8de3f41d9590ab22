//! The gradient of the splat.

use super::{Gradients, Tape, Value};
use crate::splat::{splat_pixels, splat_pixels_backward};

impl<'a> Tape<'a> {
    /// Splats the tokens of a picture: `gaussians` `[1, N, 5]` and `textures` `[1, N, C]` to a map `[rows, columns, C]`. `map` has columns
    /// and rows; `support` is a token's reach in sigmas.
    pub fn splat(&mut self, gaussians: &Value<'a>, textures: &Value<'a>, map: [usize; 2], support: f32) -> Value<'a> {
        let host = self.host();
        let mut out = host.map([map[1], map[0]], textures.channels());
        splat_pixels(host.level, gaussians.values(), textures.values(), map, support, out.values_mut());
        let tokens = [gaussians.clone(), textures.clone()];
        self.push(out, &[gaussians, textures], false, move |gradients: &mut Gradients<'a>, gradient| {
            let [mut of_gaussians, mut of_textures] =
                tokens.each_ref().map(|value| host.map(value.size(), value.channels()));
            let results = [of_gaussians.values_mut(), of_textures.values_mut()];
            let values = tokens.each_ref().map(Value::values);
            splat_pixels_backward(host.level, values, gradient.values(), map, support, results);
            host.put(gradient);
            gradients.add(&tokens[0], of_gaussians);
            gradients.add(&tokens[1], of_textures);
        })
    }
}
