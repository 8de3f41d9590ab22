//! The files that a training writes beside its checkpoint.

use super::{chart, state::State};
use image::{ImageFormat, RgbImage};
use splatgraph_sdk::{Choice, DType, Error, Result, write_whole};
use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

/// The number type of a checkpoint.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// 32 bits, without loss.
    F32,
    /// 16 bits, half the size.
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
    /// The training's state.
    pub training: PathBuf,
    /// The samples, for trainings that make them before the first step.
    pub samples: PathBuf,
    checkpoint: PathBuf,
    /// The name of the checkpoint.
    name: String,
    table: PathBuf,
    chart: PathBuf,
    examples: PathBuf,
}

impl Files {
    /// The files beside the checkpoint `NAME.safetensors`.
    pub fn beside(output: &Path) -> Self {
        let with = |extension: &str| output.with_extension(extension);
        Self {
            training: with("training.safetensors"),
            samples: with("samples.safetensors"),
            checkpoint: output.to_owned(),
            name: output.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            table: with("loss.csv"),
            chart: with("loss.png"),
            examples: with("examples.png"),
        }
    }

    /// The state that an earlier run saved, if there is one.
    ///
    /// # Errors
    /// The state can't be read, or belongs to a training with other settings.
    pub fn state(&self, settings: &str) -> Result<Option<State>> {
        if !self.training.exists() {
            return Ok(None);
        }
        let state = State::load(&self.training)?;
        if state.settings == settings {
            return Ok(Some(state));
        }
        Err(Error::new(format!(
            "continuing a training: expected the settings of its start, got others. Give another output, or rename or remove its state to start again: {}\nstart: {}\nnow:   {settings}",
            self.training.display(),
            state.settings
        )))
    }

    /// The copy of the checkpoint that is kept after a step.
    pub fn kept(&self, step: u64) -> PathBuf {
        self.checkpoint.with_file_name(format!("{}-step-{step:06}.safetensors", self.name))
    }

    /// Keeps a copy of the checkpoint, which was written after `step` steps.
    ///
    /// # Errors
    /// The checkpoint can't be read, or the copy can't be written.
    pub fn keep(&self, step: u64) -> Result<()> {
        let about = |e: Error, path: &Path| e.about_file("keeping a training's checkpoint", path);
        let bytes = fs::read(&self.checkpoint).map_err(|e| about(e.into(), &self.checkpoint))?;
        let kept = self.kept(step);
        write_whole(&kept, &bytes).map_err(|e| about(e, &kept))
    }

    /// Writes the table of losses, the loss curve and the examples, if there are any.
    ///
    /// # Errors
    /// A file can't be written.
    pub fn save_pictures(&self, state: &State, examples: Option<&RgbImage>) -> Result<()> {
        let losses = &state.network.losses;
        let discriminator = state.discriminator.as_ref().map(|discriminator| discriminator.losses.as_slice());
        write(&self.table, chart::table(losses, discriminator).as_bytes())?;
        write(&self.chart, &png(&chart::chart(&self.name, losses, discriminator.unwrap_or_default()))?)?;
        examples.map_or(Ok(()), |examples| write(&self.examples, &png(examples)?))
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, bytes).map_err(|e| e.about_file("writing a training's files", path))
}

fn png(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(|e| Error::new(e.to_string()))?;
    Ok(bytes.into_inner())
}
