//! The pack `stub`, which the tests of the host load. Each node does one trivial or one bad thing.

use splatgraph_sdk::{TemporaryFile, prelude::*};
use std::{
    io::{Read, Write},
    path::Path,
    thread,
    time::Duration,
};

/// A number.
#[node(category = "Number", outputs(value: "the number"))]
fn constant(
    /// Any whole number.
    #[input(default = 0, min = -1000, max = 1000)]
    value: i64,
) -> Result<i64> {
    Ok(value)
}

/// Adds two numbers.
#[node(category = "Number", outputs(sum: "a + b"))]
fn add(
    /// The first.
    a: i64,
    /// The second.
    #[input(default = 1)]
    b: i64,
) -> Result<i64> {
    Ok(a + b)
}

/// Which way to turn.
#[derive(Choice, Clone, Copy)]
pub enum Way {
    /// Against the clock.
    Left,
    /// With the clock.
    Right,
}

/// Has an input of every kind, all with defaults.
///
/// The second paragraph of its help.
#[node(category = "Test/Sockets", version = 3, outputs(text: "all of them"))]
fn every_kind(
    /// A share.
    #[input(default = 0.5, min = 0.0, max = 1.0)]
    share: f64,
    /// On or off.
    #[input(default = true)]
    on: bool,
    /// Words.
    #[input(default = "hello")]
    words: String,
    /// A way to turn.
    #[input(default = Way::Left)]
    way: Way,
    /// Numbers.
    numbers: Vec<i64>,
    /// Anything, or nothing.
    anything: Option<Value>,
) -> Result<String> {
    let way = match way {
        Way::Left => "left",
        Way::Right => "right",
    };
    Ok(format!("{share} {on} {words} {way} {numbers:?} {}", anything.is_some()))
}

/// Waits, checking for a cancel every few milliseconds.
#[node(category = "Time", outputs(ms: "how long"))]
fn sleep(
    /// How long, in milliseconds.
    #[input(default = 10, min = 0)]
    ms: u64,
    /// Passed on unchanged, to put this node into a chain.
    #[input(default = 0)]
    _after: i64,
    ctx: &Ctx,
) -> Result<i64> {
    for passed in 0..ms / 5 {
        ctx.step(passed as usize, (ms / 5) as usize)?;
        thread::sleep(Duration::from_millis(5));
    }
    Ok(ms as i64)
}

/// Runs until it is cancelled.
#[node(category = "Bad", outputs(never: "never given"))]
fn endless(ctx: &Ctx) -> Result<i64> {
    loop {
        ctx.check()?;
        thread::sleep(Duration::from_millis(5));
    }
}

/// Runs for ever, even if it is cancelled.
#[node(category = "Bad", outputs(never: "never given"))]
fn stubborn() -> Result<i64> {
    loop {
        thread::sleep(Duration::from_secs(1));
    }
}

/// Panics.
#[node(category = "Bad", outputs(never: "never given"))]
fn panics() -> Result<i64> {
    panic!("the stub panics on purpose");
}

/// Returns an error.
#[node(category = "Bad", outputs(never: "never given"))]
fn fails(
    /// The message of the error.
    #[input(default = "the stub fails on purpose")]
    message: String,
) -> Result<i64> {
    Err(Error::input("message", message))
}

/// Misses a model.
#[node(category = "Bad", outputs(never: "never given"))]
fn misses() -> Result<i64> {
    Err(Error::missing("the stub misses a model on purpose"))
}

/// A picture with a NaN in it.
#[node(category = "Bad", outputs(image: "not a picture"))]
fn nan_image() -> Result<Value> {
    let image = Tensor::from_vec([1, 1, 1, 3], vec![0.0f32, f32::NAN, 1.0])?;
    let record = Record { type_name: "IMAGE".into(), fields: vec![("image".into(), image)], ..Record::default() };
    Ok(record.into_value())
}

/// A picture of one colour.
#[node(category = "Picture", outputs(image: "the picture"))]
fn plain_image(
    /// Its width and height in pixels.
    #[input(default = 4, min = 1)]
    size: usize,
) -> Result<Image> {
    Image::new(Tensor::from_vec([1, size, size, 3], vec![0.5f32; size * size * 3])?)
}

/// The mean of a picture.
#[node(category = "Picture", outputs(mean: "over all pixels and channels"))]
fn mean(
    /// The picture.
    image: Image,
) -> Result<f64> {
    let pixels = image.image.as_slice::<f32>()?;
    Ok(pixels.iter().map(|&x| f64::from(x)).sum::<f64>() / pixels.len() as f64)
}

/// A tensor of 33,554,432 bytes.
#[node(category = "Memory", outputs(value: "a record with the field `data`"))]
fn make_tensor() -> Result<Value> {
    let data = Tensor::from_vec([8 << 20], vec![1.0f32; 8 << 20])?;
    Ok(Record { type_name: "DATA".into(), fields: vec![("data".into(), data)], ..Record::default() }.into_value())
}

/// Returns its input.
#[node(category = "Memory", outputs(value: "the same"))]
fn pass(
    /// Anything.
    value: Value,
) -> Result<Value> {
    Ok(value)
}

/// The address of a tensor.
#[node(category = "Memory", outputs(address: "of its first byte"))]
fn address(
    /// A record with the field `data`.
    value: Value,
) -> Result<i64> {
    Ok(value.field("data")?.bytes().as_ptr() as i64)
}

/// Reads a text file.
#[node(category = "File", outputs(text: "the text"))]
fn read_text(
    /// The file.
    #[input(path = read)]
    path: PathBuf,
) -> Result<String> {
    let wrong = |error: &dyn std::fmt::Display| Error::input("path", format!("{error}: {}", path.display()));
    let mut text = String::new();
    let mut file = splatgraph_sdk::open_file(&path).map_err(|error| wrong(&error))?;
    file.read_to_string(&mut text).map_err(|error| wrong(&error))?;
    Ok(text)
}

/// Writes a text file.
#[node(category = "File", output, outputs(path: "the file"))]
fn write_text(
    /// The text.
    text: Value,
    /// The file.
    #[input(path = write, extensions = ["txt", "json"])]
    path: PathBuf,
) -> Result<PathBuf> {
    let text = text.as_text().map(str::to_owned).or_else(|| Some(text.to_json()?.to_string())).unwrap_or_default();
    splatgraph_sdk::write_whole(&path, text.as_bytes()).map_err(|error| error.blame("path"))?;
    Ok(path)
}

/// Writes a picture as PNG, with the texts of the setting `png_text`.
#[node(category = "File", output, outputs(path: "the file"))]
fn save_picture(
    /// The picture.
    image: Image,
    /// The file.
    #[input(path = write, extensions = ["png"])]
    path: PathBuf,
    ctx: &Ctx,
) -> Result<PathBuf> {
    let [_, height, width, _] = image.image.dims()?;
    let pixels: Vec<u8> = image.image.as_slice::<f32>()?.iter().map(|x| (x * 255.0).round() as u8).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    for (key, text) in ctx.settings().get("png_text").and_then(serde_json::Value::as_object).into_iter().flatten() {
        encoder.add_itxt_chunk(key.clone(), text.as_str().unwrap_or_default().to_owned())?;
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    splatgraph_sdk::write_whole(&path, &bytes).map_err(|error| error.blame("path"))?;
    Ok(path)
}

/// Takes a model, but does not load it.
#[node(category = "File", outputs(model: "its path or name"))]
fn use_model(
    /// A model.
    #[input(path = model, builtin = ["tiny"], default = "tiny")]
    model: PathBuf,
) -> Result<PathBuf> {
    Ok(model)
}

/// The settings of the run, and a line for the log.
#[node(category = "Test", outputs(settings: "as the node sees them"))]
fn settings(ctx: &Ctx) -> Result<Json<serde_json::Value>> {
    ctx.warn("this is a warning");
    Ok(Json(ctx.settings().clone().into()))
}

/// Divides numbers by others, which makes NaN of two zeros.
#[node(category = "Bad", outputs(data: "a record without a standard type, which is not checked", mask: "without NaN"))]
fn divide(
    /// The divisors, a record with the field `data`.
    by: Option<Value>,
    /// The dividends.
    numbers: Vec<f64>,
) -> Result<(Value, Mask)> {
    let by = by.map(|by| by.field("data")).transpose()?.map(|by| by.to_f32());
    let numbers: Vec<f32> = numbers.iter().map(|x| *x as f32).collect();
    let divided = numbers.iter().enumerate().map(|(i, x)| by.as_ref().map_or(*x, |by| x / by[i])).collect();
    let data = Tensor::from_vec([numbers.len()], divided)?;
    let record = Record { type_name: "DATA".into(), fields: vec![("data".into(), data)], ..Record::default() };
    Ok((record.into_value(), Mask::new(Tensor::from_vec([2, 1, 2], vec![0.0f32, 1.0, 2.0, -1.0])?)?))
}

struct Unreachable;

impl Resident for Unreachable {
    const TYPE: &'static str = "UNREACHABLE";

    fn fields(&self) -> Vec<FieldInfo> {
        vec![FieldInfo { name: "data".into(), dtype: DType::F32, shape: vec![2] }]
    }

    fn device(&self) -> String {
        "stub:0".to_owned()
    }

    fn download(&self, _field: &str) -> Result<Tensor> {
        Err(Error::new("the stub's device is lost on purpose"))
    }
}

struct Model;

impl Resident for Model {
    const TYPE: &'static str = "MODEL";

    fn bytes(&self) -> (u64, u64) {
        (7, 0)
    }
}

/// Values that only this pack can read.
#[node(category = "Bad", outputs(model: "has no fields", unreachable: "has a field on a device that is lost", nan: "not a number"))]
fn opaque() -> Result<(Local<Model>, Local<Unreachable>, f64)> {
    Ok((Local::new(Model), Local::new(Unreachable), f64::NAN))
}

/// Several pictures.
#[node(category = "Picture", outputs(images: "two of them"))]
fn images() -> Result<Vec<Image>> {
    let image = |grey: f32| Image::new(Tensor::from_vec([1, 1, 1, 3], vec![grey; 3])?);
    Ok(vec![image(0.0)?, image(1.0)?])
}

/// Counts the letters of a text, and adds a line to a file each time.
#[node(category = "Text", outputs(letters: "how many"))]
fn letters(
    /// The text.
    text: String,
    /// A file that gets a line for each run; empty for no file.
    #[input(default = "")]
    tally: String,
) -> Result<i64> {
    use std::io::Write;
    if !tally.is_empty() {
        std::fs::File::options().create(true).append(true).open(&tally)?.write_all(b"run\n")?;
    }
    Ok(text.chars().count() as i64)
}

/// Divides two numbers.
#[node(category = "Number", outputs(ratio: "a / b"))]
fn ratio(
    /// The first.
    a: f64,
    /// The second.
    #[input(default = 1.0)]
    b: f64,
) -> Result<f64> {
    Ok(a / b)
}

/// Tokens whose numbers are all equal.
#[node(category = "Record", outputs(tokens: "the tokens"))]
fn make_tokens(
    /// How many.
    #[input(default = 2, min = 0)]
    count: usize,
    /// The number in every field.
    #[input(default = 0)]
    value: i64,
    /// The length of a texture.
    #[input(default = 3)]
    channels: usize,
) -> Result<Tokens> {
    let tensor = |last: usize| Tensor::from_vec([1, count, last], vec![value as f32; count * last]);
    Tokens::new(tensor(5)?, tensor(channels)?, None, Canvas::default())
}

/// Draws cards.
#[node(category = "Number", outputs(cards: "a number for each card"))]
fn draw(
    /// The seed of the first card. Each further one has the next seed.
    #[input(default = 0)]
    seed: u64,
    /// How many cards.
    #[input(default = 1, min = 1, counts_from = "seed")]
    count: u64,
) -> Result<String> {
    Ok(format!("{:?}", (seed..seed + count).collect::<Vec<_>>()))
}

/// Ends the process at the text `die`.
#[node(category = "Test", outputs(text: "the text"))]
fn die(
    /// A text.
    text: String,
) -> Result<String> {
    if text == "die" {
        std::process::abort();
    }
    Ok(text)
}

/// Writes a text file, with a pause in the middle.
#[node(category = "File", output, outputs(path: "the file"))]
fn write_slowly(
    /// The text.
    text: String,
    /// The file.
    #[input(path = write, extensions = ["txt"], extensions_only)]
    path: PathBuf,
) -> Result<PathBuf> {
    let mut unfinished = TemporaryFile::new(path.parent().unwrap_or(Path::new("")))?;
    let (half, rest) = text.split_at(text.len() / 2);
    unfinished.file().write_all(half.as_bytes())?;
    thread::sleep(Duration::from_millis(3));
    unfinished.file().write_all(rest.as_bytes())?;
    unfinished.rename(&path)?;
    Ok(path)
}

/// Shows pictures that get brighter, if previews are wanted.
#[node(category = "Picture", outputs(shown: "how many it showed", picture: "a picture of one pixel"))]
fn show(
    /// How many.
    #[input(default = 4, min = 1)]
    count: usize,
    /// The number of pictures in each.
    #[input(default = 1, min = 1)]
    batch: usize,
    /// A pause after each, in milliseconds.
    #[input(default = 0)]
    ms: u64,
    ctx: &Ctx,
) -> Result<(usize, Image)> {
    let mut shown = 0;
    for step in 1..=count {
        ctx.step(step - 1, count)?;
        if ctx.wants_previews() {
            let grey = vec![step as f32 / count as f32; batch * 2 * 2 * 3];
            ctx.preview(&Image::new(Tensor::from_vec([batch, 2, 2, 3], grey)?)?.into_value()?);
            ctx.preview(&Value::int(7));
            shown += 1;
        }
        thread::sleep(Duration::from_millis(ms));
    }
    Ok((shown, Image::new(Tensor::from_vec([1, 1, 1, 3], vec![0.0f32; 3])?)?))
}

export_pack! {
    id: "stub",
    description: "Nodes for the host's tests",
    nodes: [
        constant, add, every_kind, sleep, endless, stubborn, panics, fails, misses, nan_image, plain_image, mean, make_tensor,
        pass, address, read_text, write_text, save_picture, use_model, settings,
        divide, opaque, images, letters, ratio, make_tokens, draw, die, write_slowly, show
    ]
}
