//! Which program's way of measuring a value follows.

use super::resize::{Ways, resized};
use splatgraph_sdk::{
    Choice, Error, Result,
    serde_json::{Map, Value as Json},
};

/// What a program does with a picture before the network sees it. All of them take pictures of 8 bits.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    /// The evaluator of ADM (Dhariwal and Nichol 2021), in TensorFlow: bilinear without smoothing, corners at (0, 0), (v - 128) / 128.
    Adm,
    /// The package pytorch-fid: bilinear without smoothing, centres of pixels, v / 127.5 - 1.
    #[choice(name = "pytorch-fid")]
    PytorchFid,
    /// The package torch-fidelity: as `adm`.
    #[choice(name = "torch-fidelity")]
    TorchFidelity,
    /// The package clean-fid: bicubic with smoothing, as Pillow has it, (v - 128) / 128.
    #[choice(name = "clean-fid")]
    CleanFid,
}

impl Convention {
    /// All conventions.
    pub const ALL: [Self; 4] = [Self::Adm, Self::PytorchFid, Self::TorchFidelity, Self::CleanFid];

    /// The name in graphs and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adm => "adm",
            Self::PytorchFid => "pytorch-fid",
            Self::TorchFidelity => "torch-fidelity",
            Self::CleanFid => "clean-fid",
        }
    }

    /// The network's input `[side, side, 3]` for a picture `[height, width, 3]` with values 0..1, which is rounded to 8 bits.
    pub fn input(self, picture: &[f32], size: [usize; 2], side: usize) -> Vec<f32> {
        let bytes: Vec<f32> = picture.iter().map(|v| (v * 255.0).round().clamp(0.0, 255.0)).collect();
        let way = match self {
            Self::Adm | Self::TorchFidelity => Ways::Corner,
            Self::PytorchFid => Ways::Centre,
            Self::CleanFid => Ways::Bicubic,
        };
        let mut input = resized(&bytes, size, side, way);
        for value in &mut input {
            *value = match self {
                Self::PytorchFid => *value / 127.5 - 1.0,
                _ => (value.clamp(0.0, 255.0) - 128.0) / 128.0,
            };
        }
        input
    }
}

/// Where features come from. Values of different sources are not comparable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// How pictures were given to the network.
    pub convention: Convention,
    /// The kind of the network; `None` if a file of another program does not say.
    pub network: Option<String>,
    /// The SHA-256 of the network's weights; `None` if a file of another program does not say.
    pub weights: Option<String>,
}

impl Source {
    /// The source as the header of a record. Features are f32.
    pub fn to_header(&self) -> Map<String, Json> {
        let entries = [
            ("convention", Some(self.convention.name())),
            ("network", self.network.as_deref()),
            ("weights", self.weights.as_deref()),
            ("dtype", Some("f32")),
        ];
        entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))).collect()
    }

    /// The header with the number of pictures, if it is known: the facts that a result carries.
    pub fn with_pictures(&self, count: Option<u64>) -> Map<String, Json> {
        let mut header = self.to_header();
        header.extend(count.map(|count| ("pictures".to_owned(), count.into())));
        header
    }

    /// Reads the header of a record.
    ///
    /// # Errors
    /// The header names no known convention.
    pub fn from_header(header: &Map<String, Json>) -> Result<Self> {
        let text = |key: &str| header.get(key).and_then(Json::as_str).map(str::to_owned);
        let name = text("convention").unwrap_or_default();
        let convention = Convention::ALL.into_iter().find(|convention| convention.name() == name).ok_or_else(|| {
            let names = Convention::ALL.map(|convention| format!("`{}`", convention.name())).join(", ");
            Error::new(format!("expected a convention in the header, one of {names}; got `{name}`"))
        })?;
        Ok(Self { convention, network: text("network"), weights: text("weights") })
    }

    /// Checks that values of both sources are comparable.
    ///
    /// # Errors
    /// They differ in convention, network or weights. The error blames the input `input`.
    pub fn check_same(&self, other: &Self, input: &str) -> Result<()> {
        let [a, b] = [self, other].map(|source| source.convention.name());
        if a != b {
            return Err(Error::input(
                input,
                format!(
                    "expected features of the convention `{a}`, got the convention `{b}`. Values of two conventions are not comparable: compute both with one of them"
                ),
            ));
        }
        for (what, a, b) in [("network", &self.network, &other.network), ("weights", &self.weights, &other.weights)] {
            if let (Some(a), Some(b)) = (a, b)
                && a != b
            {
                return Err(Error::input(
                    input,
                    format!("expected features of the {what} {a}, got {b}. Compute both with one file of weights"),
                ));
            }
        }
        Ok(())
    }
}
