//! The pack's nodes, run without a host.

mod arrange;
mod compare;
mod expressions;
mod label;
mod list_files;
mod lists;
mod load;
mod load_colours;
mod load_damaged;
mod load_jpeg;
mod load_metadata;
mod load_other;
mod load_tiff;
mod masks;
mod preview;
mod records;
mod resize;
mod save;
mod sockets;
mod texts;
mod view;

use splatgraph_sdk::{
    prelude::*,
    testing::{Event, Recorder},
};
use std::path::Path;

/// Pictures [batch, height, width, 3] whose values are `value([b, y, x, c])`.
fn image([batch, height, width]: [usize; 3], value: impl Fn([usize; 4]) -> f32) -> Image {
    let mut data = Vec::new();
    for b in 0..batch {
        for y in 0..height {
            for x in 0..width {
                data.extend((0..3).map(|c| value([b, y, x, c])));
            }
        }
    }
    Image::new(Tensor::from_vec([batch, height, width, 3], data).unwrap()).unwrap()
}

fn value(image: &Image) -> Value {
    image.clone().into_value().unwrap()
}

fn floats(image: &Image) -> &[f32] {
    image.image.as_slice().unwrap()
}

fn output(values: &[Value], index: usize) -> Image {
    Image::from_value(&values[index]).unwrap()
}

/// The lines in the log of a node.
fn warnings(host: &Recorder) -> Vec<String> {
    let line = |event| if let Event::Log(_, line) = event { Some(line) } else { None };
    host.events().into_iter().filter_map(line).collect()
}

/// An error as a user sees it, without the folder of the test.
fn told<T>(result: Result<T>, folder: &Path) -> String {
    let error = result.err().expect("the node should have failed");
    let message = with_slashes(&error.message.replace(&folder.display().to_string(), "<folder>"));
    match error.input {
        Some(input) => format!("{input}: {message}"),
        None => message,
    }
}

/// A message with the paths that it has on Unix.
fn with_slashes(message: &str) -> String {
    if cfg!(windows) { message.replace('\\', "/") } else { message.to_owned() }
}
