//! What `../abi-1.0-x86_64-linux.so` was built from. It touches each part of the interface once.

use splatgraph_sdk::prelude::*;

/// Which way.
#[derive(Choice)]
pub enum Direction {
    /// Times two.
    Double,
    /// Through two.
    Halve,
}

/// Changes a number.
#[node(category = "Frozen", outputs(number: "the changed number"))]
pub fn change(
    /// The number.
    #[input(min = -1000, max = 1000)]
    number: i64,
    /// Which way.
    #[input(default = Direction::Double)]
    direction: Direction,
    ctx: &Ctx,
) -> Result<i64> {
    ctx.step(1, 1)?;
    ctx.info("changing a number");
    Ok(match direction {
        Direction::Double => number * 2,
        Direction::Halve => number / 2,
    })
}

/// A picture of one tone.
#[node(category = "Frozen", outputs(image))]
pub fn tone(#[input(default = 0.25)] level: f32) -> Result<Image> {
    Image::new(Tensor::from_vec([1, 4, 4, 3], vec![level; 48])?)
}

/// The mean of a picture, a name, and the options that it was given.
#[node(category = "Frozen", outputs(mean, text, options))]
pub fn look(image: Image, name: Option<String>, options: Option<Json>) -> Result<(f64, String, Json)> {
    let values = image.image.as_slice::<f32>()?;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
    Ok((mean, name.unwrap_or_else(|| "nameless".into()), options.unwrap_or_default()))
}

/// How often this node ran.
#[derive(Default)]
pub struct Count(std::sync::atomic::AtomicI64);

#[node(category = "Frozen", outputs(count))]
impl Count {
    pub fn run(&self, any: Value) -> Result<i64> {
        let _ = any;
        Ok(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1)
    }
}

/// Fails.
#[node(category = "Frozen", outputs(never))]
pub fn fail(#[input(default = false)] panic: bool) -> Result<i64> {
    assert!(!panic, "the frozen pack panicked");
    bail!("the frozen pack failed")
}

export_pack! { id: "frozen", description: "Built once, loaded for ever", nodes: [change, tone, look, Count, fail] }
