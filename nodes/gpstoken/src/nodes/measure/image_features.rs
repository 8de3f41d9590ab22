//! The node `gpstoken.ImageFeatures`.

use crate::{
    checkpoint::latest::Latest,
    device::{Compute, Loaded, Placed},
    inception::{Network, PictureFeatures, Prepared, SIDE},
    kernels::{cpu::Level, workspace::Workspace},
    layers::Host,
    measures::{Convention, ImageFeatures as Features, Source},
    on_device,
};
use sha2::{Digest, Sha256};
use splatgraph_sdk::{checkpoint, prelude::*};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// The most pictures that a device computes at a time.
const AT_ONCE: usize = 16;

/// The node's state: the network that it loaded last, and memory that it reuses.
#[derive(Default)]
pub struct ImageFeatures {
    last: Latest<Known>,
    workspace: Workspace,
}

/// A network, with its name and the hash of its weights.
#[derive(Clone)]
struct Known {
    network: Loaded<Network<Prepared>, Network<on_device::inception::Layer>>,
    name: &'static str,
    weights: Arc<str>,
}

#[node(category = "GPSToken/Measure", outputs(features: "features, spatial features and classes of each picture"))]
impl ImageFeatures {
    /// Computes the features from which FID, sFID, KID, inception score, precision and recall are made: InceptionV3 without its last layer.
    ///
    /// Save the features of each picture of a batch with std.SaveRecord, or collect them with `batch --collect features`. FeatureStatistics,
    /// LoadFeatures and the measures read the folder. Public programs disagree by up to a factor of two for the same pictures, because they
    /// prepare pictures differently; the convention says whose way it is, and features of two conventions can't be mixed. The weights are not
    /// part of the pack; its README says where to get them.
    pub fn run(
        &self,
        /// The pictures, of any size. The node rounds them to 8 bits, as they would be in a file.
        image: Placed<Image>,
        /// The weights of InceptionV3 with the names of torchvision: `pt_inception-2015-12-05-6726825d.pth` of pytorch-fid,
        /// `weights-inception-2015-12-05-6726825d.pth` of torch-fidelity, or torchvision's `inception_v3`.
        #[input(path = model)]
        model: PathBuf,
        /// The program whose way the node follows.
        #[input(default = Convention::Adm)]
        convention: Convention,
        /// The device to compute on, such as `cpu` or `gpu:1`; left out: the device of the run.
        device: Option<String>,
        ctx: &Ctx,
    ) -> Result<Features> {
        let image = image.into_host()?;
        let [batch, height, width, _] = image.image.dims()?;
        if batch * height * width == 0 {
            let got = format!("{batch} pictures of {width} x {height} pixels");
            return Err(Error::input(
                "image",
                format!("expected at least 1 picture of at least 1 x 1 pixels, got {got}"),
            ));
        }
        // Always in f32, as the measures compare small differences.
        let compute = Compute::of_run(ctx, device.as_deref())?.in_f32();
        let Known { network, name, weights } = self.load(&model, &compute).map_err(|e| e.blame("model"))?;
        let pixels = image.image.as_slice::<f32>()?;
        let pictures = pixels.chunks_exact(height * width * 3);
        let pictures: Vec<&[f32]> = pictures.collect();
        let inputs = |some: &[&[f32]]| -> Vec<f32> {
            some.iter().flat_map(|picture| convention.input(picture, [height, width], SIDE)).collect()
        };
        let found = match &network {
            Loaded::Host(network) => ctx.on_threads(|| {
                let host = Host { level: Level::best(), workspace: &self.workspace };
                each(&pictures, 1, ctx, |pictures| Ok(vec![network.features(&inputs(pictures), host)]))
            })?,
            Loaded::Device(network, device) => {
                each(&pictures, AT_ONCE, ctx, |pictures| network.features(inputs(pictures), device))?
            }
        };
        self.workspace.trim();
        let rows = |of: fn(&PictureFeatures) -> &[f32]| {
            let values: Vec<f32> = found.iter().flat_map(of).copied().collect();
            Tensor::from_vec([batch, values.len() / batch], values)
        };
        let source = Source { convention, network: Some(name.to_owned()), weights: Some(weights.to_string()) };
        Ok(Features {
            source,
            pool: rows(|features| &features.pool)?,
            spatial: rows(|features| &features.spatial)?,
            logits: rows(|features| &features.logits)?,
        })
    }

    fn load(&self, model: &Path, compute: &Compute) -> Result<Known> {
        let missing = |e| {
            Error::missing(format!(
                "loading InceptionV3: expected its weights, got {e}: {}. The authors of pytorch-fid offer `pt_inception-2015-12-05-6726825d.pth` with the release `fid_weights` of github.com/mseitzer/pytorch-fid",
                model.display()
            ))
        };
        self.last.get_from(model, compute.id(), missing, || {
            let tensors = checkpoint::open(model)?.tensors;
            let weights = hash(&tensors).into();
            let read = Network::load(tensors).map_err(|e| e.about_file("loading InceptionV3", model))?;
            let name = read.kind.name();
            let network = match compute {
                Compute::Host => Loaded::Host(Arc::new(read.prepare(Level::best()))),
                Compute::Device(device) => {
                    let uploaded = device.run(|| Ok(read.map(&mut on_device::inception::upload(device))))?;
                    Loaded::Device(Arc::new(uploaded), device.clone())
                }
            };
            Ok(Known { network, name, weights })
        })
    }
}

/// The features of all pictures, `at_once` at a time.
fn each(
    pictures: &[&[f32]],
    at_once: usize,
    ctx: &Ctx,
    features: impl Fn(&[&[f32]]) -> Result<Vec<PictureFeatures>>,
) -> Result<Vec<PictureFeatures>> {
    let mut found = Vec::with_capacity(pictures.len());
    for some in pictures.chunks(at_once) {
        ctx.step(found.len(), pictures.len())?;
        found.extend(features(some)?);
    }
    Ok(found)
}

/// The SHA-256 of names, shapes and numbers, which does not depend on the kind of the file.
fn hash(tensors: &BTreeMap<String, Tensor>) -> String {
    let mut hash = Sha256::new();
    for (name, tensor) in tensors.iter().filter(|(name, _)| !name.ends_with(".num_batches_tracked")) {
        hash.update(format!("{name} {:?}\n", tensor.shape()));
        let bytes: Vec<u8> = tensor.to_f32().into_iter().flat_map(f32::to_le_bytes).collect();
        hash.update(bytes);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
