//! The pictures of a folder, decoded when they are needed and kept while there is room.

use image::{DynamicImage, ImageReader, RgbImage, imageops::FilterType};
use splatgraph_sdk::{Error, Result};
use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Decoded pictures are kept up to this many bytes.
const KEPT_BYTES: usize = 2 << 30;
/// Larger pictures are shrunk to this shorter side when they are read: what a tile at the widest scale can show.
const LONGEST_SHORT_SIDE: u32 = 8 * 256;
const EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "webp", "bmp", "tga", "tif", "tiff"];

/// The pictures of a folder and all folders in it, in the order of their paths.
#[derive(Debug)]
pub struct Pictures {
    paths: Vec<PathBuf>,
    /// Files that are no pictures or too small are passed over.
    smallest: u32,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    pictures: HashMap<usize, Option<Arc<RgbImage>>>,
    order: VecDeque<usize>,
    bytes: usize,
}

impl Pictures {
    /// Lists the pictures whose shorter side has at least `smallest` pixels; smaller ones show up only when they are opened.
    ///
    /// # Errors
    /// The folder can't be read, or there are no pictures in it.
    pub fn list(folder: &Path, smallest: u32) -> Result<Self> {
        let mut paths = Vec::new();
        collect(folder, &mut paths)
            .map_err(|e| Error::from(e).about_file("looking for pictures to train on", folder))?;
        paths.sort();
        if paths.is_empty() {
            return Err(Error::new(format!(
                "pictures to train on ({}) were expected in the folder or in folders of it, there are none: {}",
                EXTENSIONS.join(", "),
                folder.display()
            )));
        }
        Ok(Self { paths, smallest, kept: Mutex::default() })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.paths.len()
    }

    /// The files.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The picture at `index`, or the next one that can be used.
    ///
    /// # Errors
    /// None of them can be used.
    pub fn get(&self, index: usize) -> Result<Arc<RgbImage>> {
        self.get_among(&(0..self.paths.len()), index)
    }

    /// As [`get`](Self::get) among some of the pictures; `index` counts from the first of these.
    ///
    /// # Errors
    /// None of them can be used.
    pub fn get_among(&self, range: &Range<usize>, index: usize) -> Result<Arc<RgbImage>> {
        for next in 0..range.len() {
            if let Some(picture) = self.open(range.start + (index + next) % range.len()) {
                return Ok(picture);
            }
        }
        Err(Error::new(format!(
            "none of the {} pictures to train on can be read and has sides of at least {} pixels; the first is {}",
            range.len(),
            self.smallest,
            self.paths[range.start].display()
        )))
    }

    fn open(&self, index: usize) -> Option<Arc<RgbImage>> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept().pictures.get(&index) {
            return known.clone();
        }
        let picture = read(&self.paths[index]).filter(|p| p.width().min(p.height()) >= self.smallest).map(Arc::new);
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
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if EXTENSIONS.contains(&extension.as_str()) {
            paths.push(path);
        }
    }
    Ok(())
}

/// The picture, without transparency over white, shrunk if it is very large.
fn read(path: &Path) -> Option<RgbImage> {
    let picture = ImageReader::open(path).ok()?.with_guessed_format().ok()?.decode().ok()?;
    let short = picture.width().min(picture.height());
    let picture = if short > LONGEST_SHORT_SIDE {
        let scaled = |side: u32| (u64::from(side) * u64::from(LONGEST_SHORT_SIDE) / u64::from(short)) as u32;
        picture.resize_exact(scaled(picture.width()), scaled(picture.height()), FilterType::Triangle)
    } else {
        picture
    };
    Some(if picture.color().has_alpha() { over_white(&picture) } else { picture.into_rgb8() })
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
