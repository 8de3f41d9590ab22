//! Why a decoder gives no picture, and the errors for it.

use super::kind::name;
use image::{ImageError, ImageFormat, error::UnsupportedErrorKind};
use splatgraph_sdk::prelude::*;
use std::{
    error::Error as _,
    io::{self, ErrorKind},
};

/// Why a decoder gives no picture.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The file is damaged or ends too early, with the reason.
    Damaged(String),
    /// The file has something that the program does not read: "12 bits a colour".
    Unsupported(String),
    /// Something else, in full words.
    Other(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::Damaged("the file ends too early".to_owned()),
            ErrorKind::InvalidData | ErrorKind::InvalidInput => Self::Damaged(error.to_string()),
            _ => Self::Other(Error::new(error)),
        }
    }
}

impl Refusal {
    /// The error of a user who gave a file of this format.
    pub(crate) fn about(self, format: ImageFormat) -> Error {
        let name = name(format);
        match self {
            Self::Damaged(reason) => Error::new(format!(
                "expected a whole {name} file, got a damaged or truncated one ({reason}); get the file again"
            )),
            Self::Unsupported(what) => Error::new(format!(
                "expected a {name} file of a common kind, got one with {what}, which is not supported; convert it to PNG with another \
                 program first"
            )),
            Self::Other(error) => error,
        }
    }

    /// The refusal for an error of a decoder of the crate `image`.
    pub(crate) fn of(error: &ImageError) -> Self {
        match error {
            ImageError::Unsupported(error) => Self::Unsupported(match error.kind() {
                UnsupportedErrorKind::GenericFeature(what) => what.clone(),
                UnsupportedErrorKind::Color(colour) => format!("pixels of type {colour:?}"),
                _ => error.to_string(),
            }),
            _ => Self::Damaged(reason(error)),
        }
    }
}

/// The message of the codec, without a prefix that repeats the format.
pub(crate) fn reason(error: &ImageError) -> String {
    let words = match error {
        ImageError::Decoding(e) => e.source().map(ToString::to_string),
        ImageError::Encoding(e) => e.source().map(ToString::to_string),
        ImageError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => Some("the file ends too early".to_owned()),
        _ => None,
    };
    let words = words.unwrap_or_else(|| error.to_string());
    words.trim_end_matches('.').to_owned()
}
