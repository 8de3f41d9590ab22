//! The pictures of a folder, decoded on demand and cached up to a limit.

use crate::names::counted;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage, imageops::FilterType};
use splatgraph_sdk::{
    Error, Result, check_picture_size, open_file,
    shard::{self, Shard},
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io::BufReader,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The most bytes of decoded pictures that the cache holds.
const KEPT_BYTES: usize = 2 << 30;
/// The longest shorter side of a picture in memory: the size that a tile shows at the widest scale. Larger pictures are shrunk to it.
const LONGEST_SHORT_SIDE: u32 = 8 * 256;
/// The bytes that a decoder may allocate besides the picture, for metadata, colour profiles and a few rows.
const DECODER_BYTES: u64 = 256 << 20;
/// The bytes of a pixel in memory besides its decoded form: four floats while the picture shrinks.
const CONVERTED_PIXEL: u64 = 16;
const EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "webp", "bmp", "tga", "tif", "tiff"];

/// The pictures of a folder, of all folders inside it and of all .tar files in them, in the order of their paths.
#[derive(Debug)]
pub struct Pictures {
    paths: Vec<PathBuf>,
    /// The fewest pixels of a picture's shorter side. Smaller pictures and other files are skipped.
    smallest: u32,
    /// The most pixels of a picture that the user allows.
    max_pixels: Option<u64>,
    kept: Mutex<Kept>,
    /// The pictures that take too much memory, each with the reason and whether the log has it.
    refused: Mutex<BTreeMap<usize, (String, bool)>>,
}

#[derive(Debug, Default)]
struct Kept {
    pictures: HashMap<usize, Option<Arc<RgbImage>>>,
    order: VecDeque<usize>,
    bytes: usize,
}

impl Pictures {
    /// Lists the pictures. [`get`](Self::get) skips pictures whose shorter side has fewer than `smallest` pixels, and pictures that take
    /// too much memory or have more than `max_pixels` pixels. The list still contains them, because their sizes are unknown until they
    /// are opened.
    ///
    /// # Errors
    /// The folder can't be read, or contains no pictures.
    pub fn list(folder: &Path, smallest: u32, max_pixels: Option<u64>) -> Result<Self> {
        let mut paths = Vec::new();
        collect(folder, &mut paths)
            .map_err(|e| Error::from(e).about_file("looking for pictures to train on", folder))?;
        paths.sort();
        if paths.is_empty() {
            return Err(Error::new(format!(
                "expected pictures to train on ({}) in the folder or in folders inside it, got none. Give another folder: {}",
                EXTENSIONS.join(", "),
                folder.display()
            )));
        }
        Ok(Self { paths, smallest, max_pixels, kept: Mutex::default(), refused: Mutex::default() })
    }

    /// Some of these pictures, in another order.
    #[must_use]
    pub fn in_order(self, paths: Vec<PathBuf>) -> Self {
        Self { paths, kept: Mutex::default(), refused: Mutex::default(), ..self }
    }

    /// Number of pictures.
    pub fn count(&self) -> usize {
        self.paths.len()
    }

    /// Paths of the pictures.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The picture at `index`, or the next usable one.
    ///
    /// # Errors
    /// None of the pictures is usable.
    pub fn get(&self, index: usize) -> Result<Arc<RgbImage>> {
        self.get_among(&(0..self.paths.len()), index)
    }

    /// Works like [`get`](Self::get) within a range of the pictures. `index` counts from the first picture of the range.
    ///
    /// # Errors
    /// None of the pictures in the range is usable.
    pub fn get_among(&self, range: &Range<usize>, index: usize) -> Result<Arc<RgbImage>> {
        for next in 0..range.len() {
            if let Some(picture) = self.open(range.start + (index + next) % range.len()) {
                return Ok(picture);
            }
        }
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = refused.range(range.clone()).next().map(|(_, (reason, _))| format!("; {reason}"));
        Err(Error::new(format!(
            "expected pictures to train on with sides of at least {}, got none among {}. Add larger or readable pictures; the first one is {}{}",
            counted(self.smallest as usize, "pixel"),
            counted(range.len(), "picture"),
            self.paths[range.start].display(),
            refused.unwrap_or_default()
        )))
    }

    /// Lines for the log about pictures that [`get`](Self::get) skipped because they take too much memory; each line once.
    pub fn new_refusals(&self) -> Vec<String> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let new = refused.values_mut().filter(|(_, said)| !said);
        new.map(|(reason, said)| {
            *said = true;
            reason.clone()
        })
        .collect()
    }

    fn open(&self, index: usize) -> Option<Arc<RgbImage>> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept().pictures.get(&index) {
            return known.clone();
        }
        let picture = read(&self.paths[index], self.max_pixels).unwrap_or_else(|refused| {
            let reason = format!("skipped a picture: {}: {}", refused.message, self.paths[index].display());
            let mut all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(index).or_insert((reason, false));
            None
        });
        let picture = picture.filter(|p| p.width().min(p.height()) >= self.smallest).map(Arc::new);
        let mut kept = kept();
        kept.bytes += picture.as_ref().map_or(0, |picture| picture.as_raw().len());
        kept.pictures.insert(index, picture.clone());
        kept.order.push_back(index);
        while kept.bytes > KEPT_BYTES && kept.order.len() > 1 {
            let oldest = kept.order.pop_front().unwrap_or_default();
            let dropped = kept.pictures.remove(&oldest).flatten();
            kept.bytes -= dropped.map_or(0, |picture| picture.as_raw().len());
        }
        picture
    }
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if shard::is_shard(&path) {
            let shard = Shard::open(&path)
                .map_err(|error| std::io::Error::new(error.kind(), format!("{error}: {}", path.display())))?;
            paths.extend(shard.names().map(|name| path.join(name)).filter(|member| is_picture(member)));
        } else if is_picture(&path) {
            paths.push(path);
        }
    }
    Ok(())
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}

/// Reads a picture, composes it over white if it is transparent, and shrinks it if it is very large. `None` if the file can't be read.
///
/// # Errors
/// The picture takes too much memory.
fn read(path: &Path, max_pixels: Option<u64>) -> Result<Option<RgbImage>> {
    let file = || {
        let file = open_file(path).ok()?;
        Some((file.length().ok()?, BufReader::new(file)))
    };
    let Some((length, file)) = file() else { return Ok(None) };
    let mut reader = ImageReader::new(file);
    if let Ok(format) = ImageFormat::from_path(path) {
        reader.set_format(format);
    }
    let decoder = || reader.with_guessed_format().ok()?.into_decoder().ok();
    let Some(mut decoder) = decoder() else { return Ok(None) };
    let pixel = u64::from(decoder.color_type().bytes_per_pixel()) + CONVERTED_PIXEL;
    check_picture_size(decoder.dimensions(), pixel, length, max_pixels)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(decoder.total_bytes().saturating_add(DECODER_BYTES));
    let limited = decoder.set_limits(limits);
    let Ok(picture) = limited.and_then(|()| DynamicImage::from_decoder(decoder)) else { return Ok(None) };
    let short = picture.width().min(picture.height());
    let picture = if short > LONGEST_SHORT_SIDE {
        let scaled = |side: u32| (u64::from(side) * u64::from(LONGEST_SHORT_SIDE) / u64::from(short)) as u32;
        picture.resize_exact(scaled(picture.width()), scaled(picture.height()), FilterType::Triangle)
    } else {
        picture
    };
    Ok(Some(if picture.color().has_alpha() { over_white(&picture) } else { picture.into_rgb8() }))
}

fn over_white(picture: &DynamicImage) -> RgbImage {
    let picture = picture.to_rgba8();
    let mix =
        |value: u8, alpha: u8| ((u32::from(value) * u32::from(alpha) + 255 * (255 - u32::from(alpha))) / 255) as u8;
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, a] = picture.get_pixel(x, y).0;
        image::Rgb([mix(r, a), mix(g, a), mix(b, a)])
    })
}
