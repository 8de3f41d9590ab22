//! Small pictures inside the page of a report.

use base64::{Engine, engine::general_purpose::STANDARD};
use std::{
    fs::{self, File},
    io::BufReader,
    path::Path,
};

/// The longer side of a picture in the page, in pixels.
pub(super) const SIDE: usize = 256;
/// The most bytes of a picture that is in the page as it is.
const MOST_BYTES: u64 = 300_000;
/// The most bytes of the pixels of a picture that is made smaller.
const MOST_PIXELS: usize = 1 << 30;

/// A picture as the address of an `img`: a PNG picture made smaller, or another kind that browsers show, if its file is small.
/// `None` if it is neither, or can't be read; then the page can only name the file.
pub(super) fn data(path: &Path) -> Option<String> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    let (kind, bytes) = match extension.as_str() {
        "png" => ("png", smaller(path)?),
        "jpg" | "jpeg" => ("jpeg", small_file(path)?),
        "webp" | "gif" | "bmp" => (extension.as_str(), small_file(path)?),
        _ => return None,
    };
    Some(format!("data:image/{kind};base64,{}", STANDARD.encode(bytes)))
}

fn small_file(path: &Path) -> Option<Vec<u8>> {
    let is_small = fs::metadata(path).ok()?.len() <= MOST_BYTES;
    is_small.then(|| fs::read(path).ok()).flatten()
}

/// A PNG picture with at most [`SIDE`] pixels on its longer side, as a PNG file without texts.
fn smaller(path: &Path) -> Option<Vec<u8>> {
    let mut decoder = png::Decoder::new(BufReader::new(File::open(path).ok()?));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().ok()?;
    let size = reader.output_buffer_size().filter(|size| *size <= MOST_PIXELS)?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).ok()?;
    let channels = frame.color_type.samples();
    let (width, height) = (frame.width as usize, frame.height as usize);
    let factor = width.max(height).div_ceil(SIDE).max(1);
    let averaged = averaged(&pixels, [height, width, channels], factor);
    let mut bytes = Vec::new();
    let [width, height] = [width, height].map(|side| u32::try_from(side.div_ceil(factor)).unwrap_or(u32::MAX));
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(frame.color_type);
    encoder.set_depth(frame.bit_depth);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&averaged).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

/// The means of squares of `factor` pixels, `[height, width, channels]`. Squares at the right and lower edges may be smaller.
fn averaged(pixels: &[u8], [height, width, channels]: [usize; 3], factor: usize) -> Vec<u8> {
    if factor == 1 {
        return pixels[..height * width * channels].to_vec();
    }
    let mut averaged = Vec::new();
    for top in (0..height).step_by(factor) {
        for left in (0..width).step_by(factor) {
            let (bottom, right) = ((top + factor).min(height), (left + factor).min(width));
            let count = (bottom - top) * (right - left);
            for channel in 0..channels {
                let rows = (top..bottom).flat_map(|y| (left..right).map(move |x| (y * width + x) * channels + channel));
                let sum: usize = rows.map(|at| usize::from(pixels[at])).sum();
                averaged.push(u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX));
            }
        }
    }
    averaged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(folder: &Path, name: &str, width: u32, height: u32, pixels: &[u8]) -> std::path::PathBuf {
        let path = folder.join(name);
        let mut encoder = png::Encoder::new(File::create(&path).unwrap(), width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        path
    }

    #[test]
    fn squares_are_averaged() {
        // Two channels, 3 x 3 pixels, squares of 2.
        let pixels = [0, 100, 4, 100, 8, 100, 0, 100, 4, 100, 8, 100, 10, 0, 20, 0, 31, 0];
        assert_eq!(averaged(&pixels, [3, 3, 2], 2), [2, 100, 8, 100, 15, 0, 31, 0]);
        assert_eq!(averaged(&pixels, [3, 3, 2], 1), pixels);
    }

    #[test]
    fn a_large_picture_is_made_smaller_and_a_damaged_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = picture(folder.path(), "large.PNG", 600, 300, &[7; 600 * 300 * 3]);
        let data = data(&path).unwrap();
        let bytes = STANDARD.decode(data.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!((reader.info().width, reader.info().height), (200, 100));
        assert!(pixels.iter().all(|value| *value == 7));
        fs::write(folder.path().join("bad.png"), b"no picture").unwrap();
        fs::write(folder.path().join("vast.jpg"), vec![0; 300_001]).unwrap();
        for name in ["bad.png", "vast.jpg", "none.png", "none"] {
            assert_eq!(super::data(&folder.path().join(name)), None, "{name}");
        }
    }
}
