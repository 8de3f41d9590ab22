//! What a training writes beside its checkpoint.

use super::{chart, state::State};
use image::{ImageFormat, RgbImage};
use splatgraph_sdk::{Choice, DType, Error, Result, write_whole};
use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

/// How numbers are kept in a checkpoint.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// As they are.
    F32,
    /// Half the size.
    F16,
}

impl Kept {
    /// The type of the checkpoint's numbers.
    pub fn dtype(self) -> DType {
        if self == Self::F16 { DType::F16 } else { DType::F32 }
    }
}

/// The files of a training.
#[derive(Clone, Debug)]
pub struct Files {
    /// Its state.
    pub training: PathBuf,
    /// What it trains on, where that takes long to make.
    pub samples: PathBuf,
    table: PathBuf,
    chart: PathBuf,
    examples: PathBuf,
}

impl Files {
    /// Beside the checkpoint `NAME.safetensors`.
    pub fn beside(output: &Path) -> Self {
        let with = |extension: &str| output.with_extension(extension);
        Self {
            training: with("training.safetensors"),
            samples: with("samples.safetensors"),
            table: with("loss.csv"),
            chart: with("loss.png"),
            examples: with("examples.png"),
        }
    }

    /// The state that an earlier run left, if there is one.
    ///
    /// # Errors
    /// It can't be read, or is that of a training with other settings.
    pub fn state(&self, settings: &str) -> Result<Option<State>> {
        if !self.training.exists() {
            return Ok(None);
        }
        let state = State::load(&self.training)?;
        if state.settings == settings {
            return Ok(Some(state));
        }
        Err(Error::new(format!(
            "going on with a training: it was begun with other settings. Give another output, or rename or remove its state to begin anew: {}\nbegun: {}\nnow:   {settings}",
            self.training.display(),
            state.settings
        )))
    }

    /// Writes the losses, their curve and, if there are any, the examples.
    ///
    /// # Errors
    /// A file can't be written.
    pub fn save_pictures(&self, state: &State, examples: Option<&RgbImage>) -> Result<()> {
        let losses = &state.network.losses;
        let discriminator = state.discriminator.as_ref().map(|discriminator| discriminator.losses.as_slice());
        write(&self.table, chart::table(losses, discriminator).as_bytes())?;
        write(&self.chart, &png(&chart::chart(losses, discriminator.unwrap_or_default()))?)?;
        examples.map_or(Ok(()), |examples| write(&self.examples, &png(examples)?))
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, bytes).map_err(|e| e.about_file("writing about a training", path))
}

fn png(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(|e| Error::new(e.to_string()))?;
    Ok(bytes.into_inner())
}
