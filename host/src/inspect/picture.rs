//! Reports about pictures: format, size, and the graph of the run that made them.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::{InspectError, unknown};
use crate::picture::{self, GraphInPicture, PictureError};

/// The report about a picture.
#[derive(Clone, Debug, Serialize)]
pub struct PictureReport {
    /// The format: `PNG`, `JPEG`, ...
    pub format: String,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The form of a pixel: `RGB, 8 bit`. Only known for PNG.
    pub pixels: Option<String>,
    /// The keywords of the text chunks of a PNG picture.
    pub text: Vec<String>,
    /// The graph of the run that made it.
    pub graph: Option<Json>,
    /// Our header without the graph: its version and the lock.
    pub header: Option<Map<String, Json>>,
}

/// `start` are the first bytes of the file.
pub(super) fn picture(path: &Path, start: &[u8]) -> Result<PictureReport, InspectError> {
    if start.starts_with(picture::SIGNATURE) {
        return png(path);
    }
    let kind = imagesize::image_type(start).map_err(|_| unknown(start))?;
    let size = imagesize::size(path).map_err(|error| match error {
        imagesize::ImageError::IoError(error) => InspectError::Io(error),
        _ => unknown(start),
    })?;
    Ok(PictureReport {
        format: format!("{kind:?}").to_uppercase(),
        width: size.width,
        height: size.height,
        pixels: None,
        text: Vec::new(),
        graph: None,
        header: None,
    })
}

fn png(path: &Path) -> Result<PictureReport, InspectError> {
    let text = picture::read_text(BufReader::new(File::open(path)?))?;
    let found = match picture::graph_in(&text) {
        Ok(GraphInPicture { graph, header }) => {
            let graph = serde_json::from_str(&graph)
                .map_err(|error| PictureError::BadGraph { key: picture::PROMPT_KEY, reason: error.to_string() })?;
            Some((graph, header))
        }
        Err(PictureError::NoGraph) => None,
        Err(error) => return Err(error.into()),
    };
    let (graph, header) = found.map_or((None, None), |(graph, header)| (Some(graph), header));
    Ok(PictureReport {
        format: "PNG".into(),
        width: text.width as usize,
        height: text.height as usize,
        pixels: Some(text.pixels),
        text: text.chunks.into_iter().map(|(key, _)| key).collect(),
        graph,
        header,
    })
}
