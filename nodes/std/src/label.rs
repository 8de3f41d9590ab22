//! `std.Label`

use crate::{
    extent::{Extent, pictures},
    lettering::{Lettering, Surface},
    memory::{MAX_PIXELS, zeros},
};
use splatgraph_sdk::{prelude::*, read_whole};

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Position {
    /// In a strip under the picture, in the middle.
    Below,
    /// In a strip over the picture, in the middle.
    Above,
    /// On the picture, in the upper left corner.
    TopLeft,
    /// On the picture, in the upper right corner.
    TopRight,
    /// On the picture, in the lower left corner.
    BottomLeft,
    /// On the picture, in the lower right corner.
    BottomRight,
}

/// Writes a text under, over or onto a picture.
///
/// A strip makes the picture higher. All pictures of a batch get strips of one height, for the text with the most lines. On the
/// picture, the text stands on a box of the background's colour; an empty text has none.
///
/// A line that is too long for the picture is cut off and ends with an ellipsis (…); the size stays. A line break in the text begins a
/// new line.
///
/// The font in the pack, DejaVu Sans, has Latin, Greek, Cyrillic, Armenian and Georgian letters and mathematical signs. For other
/// scripts give a font file. Characters stand side by side from left to right, in the order of the text. So Hebrew, Arabic and Indic
/// scripts do not look right.
#[node(category = "Image", outputs(image: "The pictures with the texts, [B, H, W, 3]."))]
#[expect(clippy::too_many_arguments, reason = "the inputs of a node")]
pub fn label(
    /// The pictures.
    image: Image,
    /// The text for all pictures.
    text: Option<String>,
    /// In place of one text, a text for each picture of the batch.
    texts: Option<Vec<String>>,
    /// Where the text stands.
    #[input(default = Position::Below)]
    position: Position,
    /// The height of a line, in pixels.
    #[input(default = 20, min = 4, max = 1024)]
    size: u32,
    /// The colour of the text: #rrggbb, or #rrggbbaa with an alpha.
    #[input(default = "#000000")]
    colour: String,
    /// The colour of the strip or the box. With #rrggbb00, a text on the picture has no box. A strip does not use the alpha.
    #[input(default = "#ffffff")]
    background: String,
    /// A font file (.ttf or .otf) to use in place of DejaVu Sans.
    #[input(path = read, extensions = ["ttf", "otf"])]
    font: Option<PathBuf>,
    ctx: &Ctx,
) -> Result<Image> {
    let extent = Extent::of(&image, "image")?;
    let texts = match (text, texts) {
        (Some(text), None) => vec![text],
        (None, Some(texts)) if texts.len() == extent.batch => texts,
        (None, Some(texts)) => {
            let message = format!("expected a text for each of {}, got {}", pictures(extent.batch), texts.len());
            return Err(Error::input("texts", message));
        }
        (Some(_), Some(_)) => {
            return Err(Error::input("texts", "expected one of `text` and `texts`, got both; leave one out"));
        }
        (None, None) => {
            return Err(Error::input(
                "text",
                "expected a text, got none; give `text`, or `texts` with one for each picture",
            ));
        }
    };
    let (colour, background) = (parse("colour", &colour)?, parse("background", &background)?);
    let lettering = match &font {
        None => Lettering::built_in(size as f32)?,
        Some(path) => {
            let bytes = read_whole(path).map_err(|e| e.about_file("reading a font", path).blame("font"))?;
            Lettering::of_file(bytes, size as f32).map_err(|e| e.about_file("reading a font", path).blame("font"))?
        }
    };
    let texts: Vec<Vec<String>> = texts.iter().map(|text| lines(text)).collect();
    if let Some(missing) = lettering.missing(texts.iter().flatten()) {
        ctx.warn(format!("the font has no characters for {missing}; give another file as `font`"));
    }
    let labels = Labels { lettering, position, colour, background };
    labels.write(&image, extent, &texts, ctx)
}

/// The lines of a text. Other control characters than line breaks become spaces.
fn lines(text: &str) -> Vec<String> {
    let line = |line: &str| line.trim_end_matches('\r').replace(|c: char| c.is_control(), " ");
    text.split('\n').map(line).collect()
}

/// A colour, red, green, blue and alpha in 0..1.
fn parse(input: &str, text: &str) -> Result<[f32; 4]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let channel = |at: usize| digits.and_then(|digits| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
    let colour = match digits.map(str::len) {
        Some(6) => [channel(0), channel(2), channel(4), Some(255)],
        Some(8) => [channel(0), channel(2), channel(4), channel(6)],
        _ => [None; 4],
    };
    let [Some(red), Some(green), Some(blue), Some(alpha)] = colour else {
        return Err(Error::input(
            input,
            format!("expected a colour as #rrggbb or #rrggbbaa, such as #ff0000 for red, got {text:?}"),
        ));
    };
    Ok([red, green, blue, alpha].map(|level| f32::from(level) / 255.0))
}

/// How to write onto pictures.
struct Labels {
    lettering: Lettering,
    position: Position,
    colour: [f32; 4],
    background: [f32; 4],
}

impl Labels {
    fn write(&self, image: &Image, extent: Extent, texts: &[Vec<String>], ctx: &Ctx) -> Result<Image> {
        let Extent { batch, height, width } = extent;
        let padding = self.lettering.padding();
        let high = |lines: usize| lines.saturating_mul(self.lettering.line()).saturating_add(2 * padding);
        let strip = match self.position {
            Position::Below | Position::Above => high(texts.iter().map(Vec::len).max().unwrap_or(0)),
            _ => 0,
        };
        let tall = height.saturating_add(strip);
        if tall.saturating_mul(width) as u64 > MAX_PIXELS {
            let message = format!(
                "expected a picture of at most 256 megapixels with its text, got {width} x {tall}; use a shorter text or a smaller size"
            );
            return Err(Error::input("text", message));
        }
        let mut out = zeros::<f32>(batch * tall * width * 3)?;
        let pictures = image.image.as_slice::<f32>()?.chunks_exact(extent.pixels() * 3);
        for (b, (colours, picture)) in out.chunks_exact_mut(tall * width * 3).zip(pictures).enumerate() {
            ctx.step(b, batch)?;
            let lines = &texts[if texts.len() == 1 { 0 } else { b }];
            let first = if self.position == Position::Above { strip } else { 0 };
            colours[first * width * 3..][..picture.len()].copy_from_slice(picture);
            let lines: Vec<_> =
                lines.iter().map(|line| self.lettering.fitted(line, width.saturating_sub(2 * padding))).collect();
            let mut surface = Surface { colours, width, height: tall };
            // The box around the text: left, top, width and height.
            let wide =
                (lines.iter().map(|line| line.width.ceil() as usize).max().unwrap_or(0) + 2 * padding).min(width);
            let tallest = high(lines.len());
            let [_, _, _, alpha] = self.background;
            let (left, top) = match self.position {
                Position::Below | Position::Above => {
                    let top = if first == 0 { height } else { 0 };
                    surface.fill([0, top, width, strip], self.background, 1.0);
                    // Fewer lines than another text of the batch stand in the middle.
                    ((width - wide) / 2, top + (strip - tallest) / 2)
                }
                Position::TopLeft => (0, 0),
                Position::TopRight => (width - wide, 0),
                Position::BottomLeft => (0, tall.saturating_sub(tallest)),
                Position::BottomRight => (width - wide, tall.saturating_sub(tallest)),
            };
            if strip == 0 && lines.iter().any(|line| line.width > 0.0) {
                surface.fill([left, top, wide, tallest], self.background, alpha);
            }
            // Lines below the picture would be drawn in vain.
            for (i, line) in lines.iter().enumerate().take(tall.div_ceil(self.lettering.line())) {
                let free = wide as f32 - 2.0 * padding as f32 - line.width;
                let shift = match self.position {
                    Position::Below | Position::Above => (free / 2.0).round(),
                    Position::TopLeft | Position::BottomLeft => 0.0,
                    Position::TopRight | Position::BottomRight => free.round(),
                };
                let at = [left as f32 + padding as f32 + shift, (top + padding + i * self.lettering.line()) as f32];
                self.lettering.draw(line, at, self.colour, &mut surface);
            }
        }
        Image::new(Tensor::from_vec([batch, tall, width, 3], out)?)
    }
}
