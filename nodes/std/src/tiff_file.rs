//! The parts of TIFF files that the decoder of the crate `image` does not handle.

use image::ColorType;
use std::io::{BufRead, Seek, SeekFrom};
use tiff::{
    TiffError, TiffResult,
    decoder::{ChunkType, Decoder},
    tags::{ExtraSamples, PlanarConfiguration, Tag},
};

/// Facts about a TIFF file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    /// A plane for each channel, in tiles of which the last ones reach below the picture.
    pub(crate) padded_planes: bool,
    /// The colours are multiplied by alpha.
    pub(crate) premultiplied: bool,
}

impl Facts {
    /// Reads the facts and goes back to the beginning of the file. A damaged file has none, as its decoder reports the damage.
    ///
    /// # Errors
    /// The file can't be read.
    pub(crate) fn read<R: BufRead + Seek>(reader: &mut R) -> std::io::Result<Self> {
        let facts = Self::of(&mut *reader).unwrap_or_default();
        reader.seek(SeekFrom::Start(0))?;
        Ok(facts)
    }

    fn of<R: BufRead + Seek>(reader: R) -> TiffResult<Self> {
        let mut decoder = Decoder::new(reader)?;
        let planar = decoder.find_tag_unsigned(Tag::PlanarConfiguration)? == Some(PlanarConfiguration::Planar.to_u16());
        let in_tiles = decoder.get_chunk_type() == ChunkType::Tile;
        let extra = decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples)?.unwrap_or_default();
        Ok(Self {
            padded_planes: planar && in_tiles && decoder.dimensions()?.1 % decoder.chunk_dimensions().1 != 0,
            premultiplied: extra.first() == Some(&ExtraSamples::AssociatedAlpha.to_u16()),
        })
    }
}

/// Reads a picture with a plane for each channel, in tiles, into `data`, whose channels stand side by side. The whole-picture
/// functions of the decoder take the padding of the last tiles for a part of the picture, except in the first plane.
///
/// # Errors
/// The file is damaged.
pub(crate) fn read_planes<R: BufRead + Seek>(reader: R, colour: ColorType, data: &mut [u8]) -> TiffResult<()> {
    let mut decoder = Decoder::new(reader)?;
    let (width, height) = decoder.dimensions()?;
    let (tile_width, tile_height) = decoder.chunk_dimensions();
    let (across, down) = (width.div_ceil(tile_width), height.div_ceil(tile_height));
    let pixel = usize::from(colour.bytes_per_pixel());
    let channels = u32::from(colour.channel_count());
    let sample = pixel / channels as usize;
    for index in 0..channels * across * down {
        let (plane, tile) = ((index / (across * down)) as usize, index % (across * down));
        let (left, top) = ((tile % across * tile_width) as usize, (tile / across * tile_height) as usize);
        let columns = decoder.chunk_data_dimensions(index).0 as usize;
        let mut values = decoder.read_chunk(index)?;
        let values = values.as_buffer(0);
        let rows = values.as_bytes().chunks_exact(columns * sample).zip(top..height as usize);
        for (row, y) in rows {
            let first = (y * width as usize + left) * pixel + plane * sample;
            let to = data.get_mut(first..).ok_or(TiffError::IntSizeError)?;
            for (from, to) in row.chunks_exact(sample).zip(to.chunks_mut(pixel)) {
                to[..sample].copy_from_slice(from);
            }
        }
    }
    Ok(())
}
