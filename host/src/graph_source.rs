//! Reads the text of a graph from a file or a stream: JSON, or a PNG picture with a graph in it. A file may also be a bundle.

use crate::{
    bundle::{self, ArchiveError},
    graph::{self, Origin, Unpacked},
    picture::{self, PictureError, PngText},
    reading::{LARGEST_GRAPH, read_all, text_of},
};
use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek},
    path::{Path, PathBuf},
};

/// The largest picture that is read from a stream, which can't be read in parts like a file.
const LARGEST_PICTURE: u64 = 1 << 30;

/// What a graph is read from.
pub enum Content {
    /// A text.
    Text(Vec<u8>),
    /// The texts of a picture.
    Picture(Result<PngText, PictureError>),
    /// A bundle, which was checked and unpacked.
    Bundle(Result<Unpacked, ArchiveError>),
}

impl Content {
    /// Reads a file.
    ///
    /// # Errors
    /// The file can't be read, or is too large.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut start = Vec::new();
        file.by_ref().take(picture::SIGNATURE.len() as u64).read_to_end(&mut start)?;
        if start == picture::SIGNATURE && file.metadata()?.is_file() {
            file.rewind()?;
            return Ok(Self::Picture(picture::read_text(BufReader::new(file))));
        }
        if start.starts_with(bundle::SIGNATURE) && file.metadata()?.is_file() {
            return Ok(Self::Bundle(bundle::unpack(file, path)));
        }
        Self::of_rest(start, file)
    }

    /// Reads a stream to its end.
    ///
    /// # Errors
    /// The stream can't be read, or is too large.
    pub fn of_stream(mut stream: impl Read) -> io::Result<Self> {
        let mut start = Vec::new();
        stream.by_ref().take(picture::SIGNATURE.len() as u64).read_to_end(&mut start)?;
        Self::of_rest(start, stream)
    }

    /// Reads a stream whose first bytes are read already.
    fn of_rest(start: Vec<u8>, rest: impl Read) -> io::Result<Self> {
        let picture = start == picture::SIGNATURE;
        let whole = Cursor::new(start).chain(rest);
        if picture {
            let bytes = read_all(whole, LARGEST_PICTURE)?;
            return Ok(Self::Picture(picture::read_text(Cursor::new(bytes))));
        }
        read_all(whole, LARGEST_GRAPH).map(Self::Text)
    }

    /// Parses the graph. `path` is the file, or `None` for a stream.
    ///
    /// # Errors
    /// The content has no graph; the error says what it is instead. Problems of the graph itself are the inner error.
    pub fn parse(self, path: Option<PathBuf>) -> Result<Result<graph::File, graph::Problems>, String> {
        match self {
            Self::Picture(text) => {
                let found = text.and_then(|text| picture::graph_in(&text)).map_err(|error| error.to_string())?;
                let path = path.unwrap_or_else(|| Path::new(".").join("standard input"));
                let parsed = graph::File::parse(&found.graph, Origin::Picture(path));
                Ok(parsed.map(|file| file.made_with(&found.packs())))
            }
            Self::Bundle(unpacked) => {
                let unpacked = unpacked.map_err(|error| error.to_string())?;
                let text = std::fs::read_to_string(unpacked.graph());
                let text = text.map_err(|error| format!("the graph of the bundle cannot be read: {error}"))?;
                Ok(graph::File::parse(&text, Origin::Bundle(unpacked)))
            }
            Self::Text(bytes) => {
                let expected = "expected a graph in JSON text, or a PNG picture with a graph in it";
                let text = text_of(bytes).map_err(|got| format!("{expected}, got {got}"))?;
                Ok(graph::File::parse(&text, path.map_or(Origin::Text, Origin::File)))
            }
        }
    }
}
