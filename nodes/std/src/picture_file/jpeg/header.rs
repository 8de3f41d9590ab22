//! The markers of JPEG files.

use crate::picture_file::metadata::{EXIF_PREFIX, Metadata, XMP_PREFIX};

/// What begins a part of a colour profile.
const ICC_PREFIX: &[u8] = b"ICC_PROFILE\0";

/// One colour of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Component {
    /// The name in scans.
    pub(super) id: u8,
    /// Samples across and down, in relation to other components.
    pub(super) sampling: (u8, u8),
    /// The coefficients, of 64, that are there to the last bit.
    complete: u64,
}

/// What the markers of a file say.
#[derive(Debug, Default)]
pub(super) struct Header {
    /// The marker that begins the frame, 0xc0..0xcf, or 0xf7; 0 without a frame.
    pub(super) frame: u8,
    /// Bits of a sample.
    pub(super) precision: u8,
    /// Width and height.
    pub(super) size: (u16, u16),
    /// The colours, in the order of the frame.
    pub(super) components: Vec<Component>,
    /// The indices of the components in the first scan, in its order.
    pub(super) first_scan: Vec<usize>,
    /// There is a JFIF segment.
    pub(super) jfif: bool,
    /// The transform of colours in Adobe's segment.
    pub(super) adobe: Option<u8>,
    /// Data about the pixels.
    pub(super) metadata: Metadata,
    /// The place of the end marker, if it is there.
    pub(super) end: Option<usize>,
}

impl Header {
    /// Reads all markers up to the end marker or to the end of the file.
    pub(super) fn read(file: &[u8]) -> Self {
        let mut header = Self::default();
        let mut profile = Vec::new();
        let mut at = 2;
        while let Some(from) = file.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0xff)) {
            let marker = file.get(at + from + 1).copied().unwrap_or(0);
            at += from + 2;
            match marker {
                // A filler: the marker follows.
                0xff => at -= 1,
                0xd9 => {
                    header.end = Some(at - 2);
                    break;
                }
                // A byte 0xff of the pixels, and markers without a length.
                0 | 1 | 0xd0..=0xd8 => (),
                _ => {
                    let Some(&[high, low]) = file.get(at..at + 2) else { break };
                    let length = usize::from(u16::from_be_bytes([high, low])).max(2);
                    // A segment that is cut off has no end marker behind it.
                    let Some(segment) = file.get(at + 2..at + length) else { break };
                    at += length;
                    header.add(marker, segment, &mut profile);
                }
            }
        }
        profile.sort_by_key(|(index, _)| *index);
        if !profile.is_empty() {
            header.metadata.icc = Some(profile.into_iter().flat_map(|(_, part)| part).copied().collect());
        }
        header
    }

    fn add<'a>(&mut self, marker: u8, segment: &'a [u8], profile: &mut Vec<(u8, &'a [u8])>) {
        match marker {
            0xc4 | 0xc8 | 0xcc => (),
            0xc0..=0xcf | 0xf7 if self.frame == 0 => self.add_frame(marker, segment),
            0xda => self.add_scan(segment),
            0xe0 if segment.starts_with(b"JFIF\0") => self.jfif = true,
            0xe1 if segment.starts_with(EXIF_PREFIX) => {
                self.metadata.exif.get_or_insert_with(|| segment.to_vec());
            }
            0xe1 => {
                if let Some(xmp) = segment.strip_prefix(XMP_PREFIX) {
                    self.metadata.xmp.get_or_insert_with(|| xmp.to_vec());
                }
            }
            0xe2 => {
                if let Some([index, _, part @ ..]) = segment.strip_prefix(ICC_PREFIX) {
                    profile.push((*index, part));
                }
            }
            0xee if segment.starts_with(b"Adobe") => self.adobe = segment.get(11).copied(),
            _ => (),
        }
    }

    fn add_frame(&mut self, marker: u8, segment: &[u8]) {
        self.frame = marker;
        let [precision, h0, h1, w0, w1, count, components @ ..] = segment else { return };
        self.precision = *precision;
        self.size = (u16::from_be_bytes([*w0, *w1]), u16::from_be_bytes([*h0, *h1]));
        let component =
            |[id, sampling, _]: &[u8; 3]| Component { id: *id, sampling: (sampling >> 4, sampling & 15), complete: 0 };
        self.components = components.as_chunks().0.iter().take(usize::from(*count)).map(component).collect();
    }

    fn add_scan(&mut self, segment: &[u8]) {
        let Some((count, rest)) = segment.split_first() else { return };
        let Some((names, &[first, last, bits])) = rest.split_at_checked(2 * usize::from(*count)) else { return };
        let index = |[id, _]: &[u8; 2]| self.components.iter().position(|component| component.id == *id);
        let indices: Vec<usize> = names.as_chunks().0.iter().filter_map(index).collect();
        if bits & 15 == 0 {
            let coefficients = (u32::from(first)..=u32::from(last.min(63))).fold(0, |sum, bit| sum | 1_u64 << bit);
            indices.iter().for_each(|index| self.components[*index].complete |= coefficients);
        }
        if self.first_scan.is_empty() {
            self.first_scan = indices;
        }
    }

    /// Whether the scans hold all coefficients of all components.
    pub(super) fn has_all_scans(&self) -> bool {
        self.components.iter().all(|component| component.complete == u64::MAX)
    }

    /// What the decoders do not read, in words; `None` if they read the file.
    pub(super) fn unsupported(&self) -> Option<String> {
        Some(match (self.frame, self.precision, self.components.len()) {
            (0xc3, ..) => "lossless compression".to_owned(),
            (0xf7, ..) => "JPEG-LS compression".to_owned(),
            (0xc5..=0xc7 | 0xcd..=0xcf, ..) => "several frames (hierarchical)".to_owned(),
            (0xc9..=0xcb, ..) => "arithmetic coding".to_owned(),
            (0xc0..=0xc2, bits, _) if bits != 8 => format!("{bits} bits a colour"),
            (0xc0..=0xc2, _, count) if !matches!(count, 0 | 1 | 3 | 4) => format!("{count} colours"),
            (0xc0..=0xc2, _, 1..) if self.size.1 == 0 => "its height behind the pixels (DNL)".to_owned(),
            _ => return None,
        })
    }

    /// Whether the file is as nearly all are: one scan with all components, or progressive scans; no component has more samples
    /// than the first one.
    pub(super) fn is_common(&self) -> bool {
        let [first, others @ ..] = &self.components[..] else { return true };
        let most = |sampling: (u8, u8)| (1..=2).contains(&sampling.0) && (1..=2).contains(&sampling.1);
        let samplings = others.is_empty()
            || (most(first.sampling) && others.iter().all(|other| other.sampling == (1, 1))
                || self.components.iter().all(|other| other.sampling == first.sampling && most(first.sampling)));
        let in_order = self.first_scan.iter().copied().eq(0..self.components.len());
        samplings && (self.frame == 0xc2 || in_order)
    }

    /// Whether three components are RGB instead of YCbCr, as libjpeg decides it.
    pub(super) fn is_rgb(&self) -> bool {
        let ids: Vec<u8> = self.components.iter().map(|component| component.id).collect();
        !self.jfif && (self.adobe == Some(0) || self.adobe.is_none() && ids == *b"RGB")
    }
}
