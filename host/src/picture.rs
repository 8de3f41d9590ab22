//! The graph in the text chunks of a PNG picture.
//!
//! The chunk `splatgraph` holds our header with the graph in this program's own format. The chunk `prompt` holds the bare
//! prompt, which other tools write too; some write only the chunk `workflow`. All are plain text chunks, so any PNG tool can read or remove them.

use std::collections::BTreeMap;
use std::io::{BufRead, Seek};

use crate::reading::MOST_VALUES;

/// The keyword of our header.
pub const HEADER_KEY: &str = "splatgraph";
/// The keyword of a bare prompt.
pub const PROMPT_KEY: &str = "prompt";
/// The keyword of a workflow of the ComfyUI front end.
pub const WORKFLOW_KEY: &str = "workflow";
/// The most text that is read from a picture, in bytes: all chunks together, decompressed.
const TEXT_LIMIT: usize = 64 << 20;

/// The errors of reading a graph from a picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The file cannot be read.
    #[error("the picture cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// The file is not a valid PNG picture.
    #[error("expected a valid PNG picture: {0}")]
    Png(#[from] png::DecodingError),
    /// The texts of the picture are too large.
    #[error("expected a picture with at most {} MiB of text in it, got one with more", TEXT_LIMIT >> 20)]
    TooMuchText,
    /// The picture has no graph.
    #[error(
        "expected a picture with a graph in it, got one without; `splatgraph run` writes its graph into the PNG files that it saves"
    )]
    NoGraph,
    /// A chunk does not hold a graph.
    #[error("the text chunk `{key}` of the picture does not hold a graph: {reason}")]
    BadGraph {
        /// The chunk's keyword.
        key: &'static str,
        /// The problem of the chunk.
        reason: String,
    },
}

/// The text chunks and the size of a PNG picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PngText {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The form of a pixel: `RGB, 8 bit`.
    pub pixels: String,
    /// The keyword and the text of each chunk: first tEXt, then zTXt, then iTXt.
    pub chunks: Vec<(String, String)>,
}

impl PngText {
    /// The text of the first chunk with a keyword.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.chunks.iter().find(|(name, _)| name == key).map(|(_, text)| text.as_str())
    }
}

/// The first bytes of a PNG file.
pub const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Reads all text chunks of a PNG file, before and after its pixels. Skips the pixels.
///
/// # Errors
/// The file is not a valid PNG picture, or its texts are larger than 64 MiB.
pub fn read_text(source: impl BufRead + Seek) -> Result<PngText, PictureError> {
    let mut reader = png::Decoder::new(source).read_info()?;
    reader.finish()?;
    let info = reader.info();
    let plain = info.uncompressed_latin1_text.iter().map(|chunk| (chunk.keyword.clone(), chunk.text.clone()));
    let mut chunks: Vec<(String, String)> = plain.collect();
    let mut left = TEXT_LIMIT;
    for chunk in &info.compressed_latin1_text {
        let mut chunk = chunk.clone();
        chunk.decompress_text_with_limit(left).map_err(unpacking)?;
        let text = chunk.get_text()?;
        left = left.saturating_sub(text.len());
        chunks.push((chunk.keyword, text));
    }
    for chunk in &info.utf8_text {
        let mut chunk = chunk.clone();
        chunk.decompress_text_with_limit(left).map_err(unpacking)?;
        let text = chunk.get_text()?;
        left = left.saturating_sub(text.len());
        chunks.push((chunk.keyword, text));
    }
    let colours = match info.color_type {
        png::ColorType::Grayscale => "grey",
        png::ColorType::Rgb => "RGB",
        png::ColorType::Indexed => "palette",
        png::ColorType::GrayscaleAlpha => "grey and alpha",
        png::ColorType::Rgba => "RGBA",
    };
    let pixels = format!("{colours}, {} bit", info.bit_depth as u8);
    Ok(PngText { width: info.width, height: info.height, pixels, chunks })
}

/// The error of unpacking a text. Only the message of the crate tells which it is.
fn unpacking(error: png::DecodingError) -> PictureError {
    if error.to_string().contains("decompression space") { PictureError::TooMuchText } else { PictureError::Png(error) }
}

/// The graph in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphInPicture {
    /// The graph as JSON text.
    pub graph: String,
    /// Our header without the graph: its version and the lock. `None` in pictures of other programs.
    pub header: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Finds the graph in the text of a PNG picture: in our header, or else a bare prompt, or else a workflow.
///
/// # Errors
/// The text has no graph, or our header is damaged.
pub fn graph_in(text: &PngText) -> Result<GraphInPicture, PictureError> {
    let Some(ours) = text.get(HEADER_KEY) else {
        // Other programs have a text about the picture with this keyword.
        let prompt = text.get(PROMPT_KEY).filter(|prompt| prompt.trim_start().starts_with('{'));
        let prompt = prompt.or_else(|| text.get(WORKFLOW_KEY)).ok_or(PictureError::NoGraph)?;
        return Ok(GraphInPicture { graph: prompt.to_owned(), header: None });
    };
    let bad = |reason: String| PictureError::BadGraph { key: HEADER_KEY, reason };
    // A value takes much more memory than its text, and each has a comma or a bracket.
    if ours.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count() > MOST_VALUES {
        return Err(bad(format!("expected at most {MOST_VALUES} values, got more")));
    }
    let mut header: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(ours).map_err(|error| bad(format!("expected a JSON object: {error}")))?;
    let graph = header.remove("graph").ok_or_else(|| bad("expected the key `graph`, got none".into()))?;
    Ok(GraphInPicture { graph: pretty(&graph), header: Some(header) })
}

/// The text in which a graph is read from a picture whose header has it as `json`. Numbers are read and written once, as the last digits
/// of some change.
pub(crate) fn graph_text(json: &str) -> String {
    serde_json::from_str(json).map_or_else(|_| json.to_owned(), |graph: serde_json::Value| pretty(&graph))
}

fn pretty(graph: &serde_json::Value) -> String {
    // A value with texts for keys can't fail.
    serde_json::to_string_pretty(graph).unwrap_or_default()
}

impl GraphInPicture {
    /// The versions of packs with which the picture was made, by their ids. Headers of version 1 have them without a lock.
    pub(crate) fn packs(&self) -> BTreeMap<String, String> {
        let Some(header) = &self.header else { return BTreeMap::new() };
        let packs = header.get("lock").and_then(|lock| lock.get("packs")).or_else(|| header.get("packs"));
        let packs = packs.and_then(serde_json::Value::as_object).into_iter().flatten();
        let text = |pack: &serde_json::Value| Some(pack.get("version").unwrap_or(pack).as_str()?.to_owned());
        packs.filter_map(|(id, pack)| Some((id.clone(), text(pack)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn png(write_text: impl FnOnce(&mut png::Writer<&mut Vec<u8>>)) -> Cursor<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut writer = png::Encoder::new(&mut bytes, 1, 1).write_header().unwrap();
        writer.write_image_data(&[0]).unwrap();
        write_text(&mut writer);
        drop(writer);
        Cursor::new(bytes)
    }

    #[test]
    fn all_three_kinds_of_chunk_are_read_even_after_the_pixels() {
        let text = read_text(png(|writer| {
            writer.write_text_chunk(&png::text_metadata::TEXtChunk::new("a", "plain")).unwrap();
            writer.write_text_chunk(&png::text_metadata::ZTXtChunk::new("b", "packed")).unwrap();
            writer.write_text_chunk(&png::text_metadata::ITXtChunk::new("c", "ünï ☃")).unwrap();
        }));
        let text = text.unwrap();
        assert_eq!((text.get("a"), text.get("b"), text.get("c")), (Some("plain"), Some("packed"), Some("ünï ☃")));
        assert_eq!(text.pixels, "grey, 8 bit");
    }

    #[test]
    fn many_packed_texts_have_one_limit() {
        let large = " ".repeat(TEXT_LIMIT / 3);
        let with = |count: usize| {
            read_text(png(|writer| {
                for key in ["a", "b", "c", "d"].into_iter().take(count) {
                    writer.write_text_chunk(&png::text_metadata::ZTXtChunk::new(key, large.as_str())).unwrap();
                }
            }))
        };
        assert_eq!(with(3).unwrap().chunks.len(), 3);
        assert!(matches!(with(4), Err(PictureError::TooMuchText)));
    }

    #[test]
    fn our_header_is_preferred_to_a_prompt() {
        let with = |chunks: &[(&str, &str)]| PngText {
            width: 1,
            height: 1,
            pixels: String::new(),
            chunks: chunks.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect(),
        };
        let prompt = r#"{"1":{"class_type":"A","inputs":{}}}"#;
        assert_eq!(graph_in(&with(&[("prompt", prompt)])).unwrap().graph, prompt);
        let words = [("prompt", "a cat"), ("workflow", "{}")];
        assert_eq!(graph_in(&with(&words)).unwrap().graph, "{}");
        assert!(matches!(graph_in(&with(&words[..1])), Err(PictureError::NoGraph)));
        let ours = r#"{"version":1,"graph":{"nodes":{}},"packs":{"std":"0.1.0"}}"#;
        let both = graph_in(&with(&[("prompt", prompt), ("splatgraph", ours)])).unwrap();
        assert!(both.graph.contains("nodes"));
        assert_eq!(both.packs()["std"], "0.1.0");
        let locked = r#"{"version":2,"graph":{"nodes":{}},"lock":{"packs":{"std":{"version":"0.2.0","sha256":null}}}}"#;
        assert_eq!(graph_in(&with(&[("splatgraph", locked)])).unwrap().packs()["std"], "0.2.0");
        insta::assert_snapshot!(graph_in(&with(&[])).unwrap_err(), @"expected a picture with a graph in it, got one without; `splatgraph run` writes its graph into the PNG files that it saves");
        insta::assert_snapshot!(graph_in(&with(&[("splatgraph", "{}")])).unwrap_err(), @"the text chunk `splatgraph` of the picture does not hold a graph: expected the key `graph`, got none");
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let mut bytes = png(|_| ()).into_inner();
        bytes.truncate(bytes.len() / 2);
        assert!(matches!(read_text(Cursor::new(bytes)), Err(PictureError::Png(_))));
    }
}
