//! Tests of selections and edits of tokens.

mod errors;
mod goldens;
mod pairs;
mod properties;
mod selections;
mod transforms;

use super::{Golden, only};
use splatgraph_pack_gpstoken::nodes::edit::{
    delete_tokens::delete_tokens, duplicate_tokens::duplicate_tokens, edit_tokens::edit_tokens,
    select_tokens::select_tokens, transform_tokens::transform_tokens,
};
use splatgraph_sdk::{
    Canvas, Input, Output, Result, Selection, Tensor, Tokens, Value,
    serde_json::Value as Json,
    testing::{json, run},
};

/// splitmix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, below: usize) -> usize {
        (self.next() % below as u64) as usize
    }

    /// A number between `low` and `high` with the precision of f32.
    fn within(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * ((self.next() >> 40) as f32 / (1u32 << 24) as f32)
    }

    fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for i in (1..count).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }

    /// Random tokens on a canvas of `[width, height]` tiles.
    fn tokens(&mut self, [batch, count, channels]: [usize; 3], grid: [u32; 2]) -> Tokens {
        let gaussian = |random: &mut Self| {
            let sigma = |random: &mut Self| random.within(-5.0, -1.0).exp();
            [
                sigma(random),
                sigma(random),
                random.within(-0.95, 0.95),
                random.within(-1.0, 1.0),
                random.within(-1.0, 1.0),
            ]
        };
        let gaussians: Vec<f32> = (0..batch * count).flat_map(|_| gaussian(self)).collect();
        let textures = (0..batch * count * channels).map(|_| self.within(-3.0, 3.0)).collect();
        let header = Canvas { grid, canvas: grid.map(|tiles| tiles * 256), ..Canvas::default() };
        tokens([batch, count, channels], gaussians, textures, None, header)
    }

    fn selection(&mut self, [batch, count]: [usize; 2], soft: bool) -> Selection {
        let value = |random: &mut Self| match (random.below(3), soft) {
            (0, _) => 0.0,
            (1, true) => random.within(0.0, 1.0),
            _ => 1.0,
        };
        let values = (0..batch * count).map(|_| value(self)).collect();
        Selection::new(Tensor::from_vec([batch, count], values).unwrap()).unwrap()
    }
}

fn tokens(
    [batch, count, channels]: [usize; 3],
    gaussians: Vec<f32>,
    textures: Vec<f32>,
    counts: Option<Vec<i64>>,
    header: Canvas,
) -> Tokens {
    Tokens::new(
        Tensor::from_vec([batch, count, 5], gaussians).unwrap(),
        Tensor::from_vec([batch, count, channels], textures).unwrap(),
        counts.map(|counts| Tensor::from_vec([batch], counts).unwrap()),
        header,
    )
    .unwrap()
}

/// The tokens of the recorded picture of configuration A: 64, with 16 channels.
fn recorded() -> Tokens {
    of_rows(Golden::open("tokA_full.safetensors").f32("gpstokens"), 21)
}

fn of_rows(rows: &[f32], width: usize) -> Tokens {
    let rows = rows.chunks_exact(width);
    let gaussians = rows.clone().flat_map(|row| row[..5].to_vec()).collect();
    let textures = rows.clone().flat_map(|row| row[5..].to_vec()).collect();
    tokens([1, rows.len(), width - 5], gaussians, textures, None, Canvas::default())
}

/// The picture `b` alone.
fn alone(all: &Tokens, b: usize) -> Tokens {
    let [_, count, channels] = all.textures.dims().unwrap();
    tokens(
        [1, count, channels],
        gaussians(all)[b * count..][..count].concat(),
        all.textures.as_slice::<f32>().unwrap()[b * count * channels..][..count * channels].to_vec(),
        all.counts.as_ref().map(|counts| vec![counts.as_slice::<i64>().unwrap()[b]]),
        all.header.clone(),
    )
}

fn gaussians(tokens: &Tokens) -> &[[f32; 5]] {
    tokens.gaussians.as_slice::<f32>().unwrap().as_chunks::<5>().0
}

fn textures(tokens: &Tokens) -> &[f32] {
    tokens.textures.as_slice().unwrap()
}

fn counts(tokens: &Tokens) -> Option<Vec<i64>> {
    tokens.counts.as_ref().map(|counts| counts.as_slice().unwrap().to_vec())
}

/// Every bit of every number, `-0` and padding included.
fn bits(tokens: &Tokens) -> (Vec<usize>, Vec<u32>, Vec<u32>, Option<Vec<i64>>) {
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    (tokens.textures.shape().to_vec(), bits(gaussians(tokens).as_flattened()), bits(textures(tokens)), counts(tokens))
}

fn values(selection: &Selection) -> &[f32] {
    selection.selected.as_slice().unwrap()
}

fn value<T: Output + Clone>(of: &T) -> Value {
    of.clone().into_value().unwrap()
}

fn select(tokens: &Tokens, criteria: Json) -> Selection {
    Selection::from_value(&run::<select_tokens>(criteria, [("tokens", value(tokens))]).unwrap()[0]).unwrap()
}

fn edited<N: splatgraph_sdk::Node>(tokens: &Tokens, selection: Option<&Selection>, inputs: Json) -> Result<Vec<Value>> {
    let selection = selection.map(|selection| ("selection", value(selection)));
    run::<N>(inputs, [("tokens", value(tokens))].into_iter().chain(selection))
}

fn transformed(tokens: &Tokens, selection: Option<&Selection>, inputs: Json) -> Tokens {
    Tokens::from_value(&only(edited::<transform_tokens>(tokens, selection, inputs).unwrap())).unwrap()
}

fn deleted(tokens: &Tokens, selection: &Selection, inputs: Json) -> Tokens {
    Tokens::from_value(&only(edited::<delete_tokens>(tokens, Some(selection), inputs).unwrap())).unwrap()
}

fn duplicated(tokens: &Tokens, selection: Option<&Selection>, inputs: Json) -> (Tokens, Selection) {
    let outputs = edited::<duplicate_tokens>(tokens, selection, inputs).unwrap();
    (Tokens::from_value(&outputs[0]).unwrap(), Selection::from_value(&outputs[1]).unwrap())
}

fn list_applied(tokens: &Tokens, edits: Json) -> Tokens {
    let outputs = run::<edit_tokens>(json!({ "edits": edits }), [("tokens", value(tokens))]);
    Tokens::from_value(&only(outputs.unwrap())).unwrap()
}
