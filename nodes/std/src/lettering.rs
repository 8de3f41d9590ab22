//! Letters on pictures.

use ab_glyph::{Font, FontArc, GlyphId, PxScale, PxScaleFont, ScaleFont, point};
use splatgraph_sdk::prelude::*;
use std::collections::BTreeSet;

/// A part of DejaVu Sans; fonts/README.md says which.
static DEJAVU_SANS: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");

/// Letters of one font and size.
pub(crate) struct Lettering {
    font: PxScaleFont<FontArc>,
}

/// A line that fits.
#[derive(Debug)]
pub(crate) struct Line {
    glyphs: Vec<(GlyphId, f32)>,
    /// In pixels.
    pub(crate) width: f32,
}

/// Pixels to write on, f32 [height, width, 3].
pub(crate) struct Surface<'a> {
    pub(crate) colours: &'a mut [f32],
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Surface<'_> {
    /// Fills a rectangle: left, top, width and height. Leaves out what lies beyond the surface.
    pub(crate) fn fill(&mut self, [left, top, width, height]: [usize; 4], colour: [f32; 4], alpha: f32) {
        for y in top..(top + height).min(self.height) {
            for x in left..(left + width).min(self.width) {
                self.mix(x, y, colour, alpha);
            }
        }
    }

    fn mix(&mut self, x: usize, y: usize, colour: [f32; 4], part: f32) {
        let at = (y * self.width + x) * 3;
        for (value, new) in self.colours[at..at + 3].iter_mut().zip(colour) {
            // An infinite value times 0 would be NaN.
            *value = if part == 1.0 { new } else { *value * (1.0 - part) + new * part };
        }
    }
}

impl Lettering {
    /// Letters of the font in the pack.
    pub(crate) fn built_in(size: f32) -> Result<Self> {
        FontArc::try_from_slice(DEJAVU_SANS).map(|font| Self::new(font, size)).map_err(Error::new)
    }

    /// Letters of a font file.
    ///
    /// # Errors
    /// The bytes are no font with outlines.
    pub(crate) fn of_file(bytes: Vec<u8>, size: f32) -> Result<Self> {
        let font = FontArc::try_from_vec(bytes).map_err(|_| {
            Error::new("expected a font file (.ttf or .otf), got other bytes, or a damaged font; choose another file")
        })?;
        // The scale divides by it.
        if font.height_unscaled() <= 0.0 {
            bail!(
                "expected a font whose lines have a height, got one of {}; choose another file",
                font.height_unscaled()
            );
        }
        Ok(Self::new(font, size))
    }

    fn new(font: FontArc, size: f32) -> Self {
        Self { font: font.into_scaled(PxScale::from(size)) }
    }

    /// The height of a line, in pixels.
    pub(crate) fn line(&self) -> usize {
        self.font.scale.y as usize
    }

    /// The distance between the text and the border of its box, in pixels.
    pub(crate) fn padding(&self) -> usize {
        self.line().div_ceil(4)
    }

    /// The characters that the font lacks, for a message; `None` if there are none.
    pub(crate) fn missing<'a>(&self, lines: impl Iterator<Item = &'a String>) -> Option<String> {
        const SHOWN: usize = 10;
        let used: BTreeSet<char> = lines.flat_map(|line| line.chars()).collect();
        let missing: Vec<char> = used.into_iter().filter(|c| self.glyph(*c).0 == 0).collect();
        let shown: Vec<String> = missing.iter().take(SHOWN).map(|c| format!("{c} (U+{:04X})", u32::from(*c))).collect();
        let more = if missing.len() > SHOWN { format!(" and {} more", missing.len() - SHOWN) } else { String::new() };
        (!missing.is_empty()).then(|| shown.join(", ") + &more)
    }

    fn glyph(&self, c: char) -> GlyphId {
        self.font.glyph_id(c)
    }

    /// The line, or its start with an ellipsis, so that it takes at most so many pixels. It is empty if even the ellipsis has no space.
    pub(crate) fn fitted(&self, text: &str, most: usize) -> Line {
        let most = most as f32;
        let whole = self.set(text.chars(), most);
        if whole.width <= most {
            return whole;
        }
        let ellipsis = if self.glyph('…').0 == 0 { "..." } else { "…" };
        // So many characters fit at most. Kerning may make the line wider by a pixel.
        let characters: Vec<char> = text.chars().take(whole.glyphs.len()).collect();
        let start = |kept: usize| {
            let kept: String = characters[..kept].iter().collect();
            self.set(format!("{}{ellipsis}", kept.trim_end()).chars(), f32::INFINITY)
        };
        let reserved = start(0).width;
        let fits = whole.glyphs.partition_point(|(_, left)| left + reserved <= most);
        let kept = (0..=fits.min(characters.len())).rev().map(start).find(|line| line.width <= most);
        kept.unwrap_or(Line { glyphs: Vec::new(), width: 0.0 })
    }

    /// Places glyphs side by side, up to the first one that ends beyond `most` pixels.
    fn set(&self, text: impl Iterator<Item = char>, most: f32) -> Line {
        let mut line = Line { glyphs: Vec::new(), width: 0.0 };
        for c in text {
            let glyph = self.glyph(c);
            if let Some((last, _)) = line.glyphs.last() {
                line.width += self.font.kern(*last, glyph);
            }
            line.glyphs.push((glyph, line.width));
            line.width += self.font.h_advance(glyph);
            if line.width > most {
                break;
            }
        }
        line
    }

    /// Draws a line. `left` and `top` are the corner of its box.
    pub(crate) fn draw(&self, line: &Line, [left, top]: [f32; 2], colour: [f32; 4], surface: &mut Surface<'_>) {
        let [_, _, _, alpha] = colour;
        let baseline = top + self.font.ascent();
        for (glyph, x) in &line.glyphs {
            let glyph = glyph.with_scale_and_position(self.font.scale, point(left + x, baseline));
            let Some(outline) = self.font.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|x, y, part| {
                let (x, y) = (corner.x + x as f32, corner.y + y as f32);
                if x >= 0.0 && y >= 0.0 && x < surface.width as f32 && y < surface.height as f32 {
                    surface.mix(x as usize, y as usize, colour, part.clamp(0.0, 1.0) * alpha);
                }
            });
        }
    }
}
