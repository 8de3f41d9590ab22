//! The node `gpstoken.ImageFeatures`.

use crate::{
    checkpoint::latest::Latest,
    inception::{Network, Prepared, SIDE},
    kernels::{cpu::Level, workspace::Workspace},
    layers::Host,
    measures::{Convention, ImageFeatures as Features, Source},
};
use sha2::{Digest, Sha256};
use splatgraph_sdk::{checkpoint, prelude::*};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// The node's state: the network that it loaded last, and memory that it reuses.
#[derive(Default)]
pub struct ImageFeatures {
    last: Latest<Arc<Loaded>>,
    workspace: Workspace,
}

/// A network, with the hash of its weights.
struct Loaded {
    network: Network<Prepared>,
    weights: String,
}

#[node(category = "GPSToken/Measure", outputs(features: "features, spatial features and classes of each picture"))]
impl ImageFeatures {
    /// Computes the features from which FID, sFID, KID, inception score, precision and recall are made: InceptionV3 without its last layer.
    ///
    /// Save the features of each picture of a batch with std.SaveRecord, or collect them with `batch --collect features`. FeatureStatistics,
    /// LoadFeatures and the measures read the folder. Public programs disagree by up to a factor of two for the same pictures, because they
    /// prepare pictures differently; the convention says whose way it is, and features of two conventions can't be mixed. The weights are not
    /// part of the pack; its README says where to get them. The node computes on the processor.
    pub fn run(
        &self,
        /// The pictures, of any size. The node rounds them to 8 bits, as they would be in a file.
        image: Image,
        /// The weights of InceptionV3 with the names of torchvision: `pt_inception-2015-12-05-6726825d.pth` of pytorch-fid,
        /// `weights-inception-2015-12-05-6726825d.pth` of torch-fidelity, or torchvision's `inception_v3`.
        #[input(path = model)]
        model: PathBuf,
        /// The program whose way the node follows.
        #[input(default = Convention::Adm)]
        convention: Convention,
        ctx: &Ctx,
    ) -> Result<Features> {
        let [batch, height, width, _] = image.image.dims()?;
        if batch * height * width == 0 {
            let got = format!("{batch} pictures of {width} x {height} pixels");
            return Err(Error::input(
                "image",
                format!("expected at least 1 picture of at least 1 x 1 pixels, got {got}"),
            ));
        }
        let loaded = self.load(&model).map_err(|e| e.blame("model"))?;
        let pixels = image.image.as_slice::<f32>()?;
        let host = Host { level: Level::best(), workspace: &self.workspace };
        let (mut pool, mut spatial, mut logits) = (Vec::new(), Vec::new(), Vec::new());
        ctx.on_threads(|| -> Result<()> {
            for (index, picture) in pixels.chunks_exact(height * width * 3).enumerate() {
                ctx.step(index, batch)?;
                let found = loaded.network.features(&convention.input(picture, [height, width], SIDE), host);
                pool.extend(found.pool);
                spatial.extend(found.spatial);
                logits.extend(found.logits);
            }
            Ok(())
        })?;
        self.workspace.trim();
        let rows = |values: Vec<f32>| Tensor::from_vec([batch, values.len() / batch], values);
        let network = Some(loaded.network.kind.name().to_owned());
        let source = Source { convention, network, weights: Some(loaded.weights.clone()) };
        Ok(Features { source, pool: rows(pool)?, spatial: rows(spatial)?, logits: rows(logits)? })
    }

    fn load(&self, model: &Path) -> Result<Arc<Loaded>> {
        let missing = |e| {
            Error::missing(format!(
                "loading InceptionV3: expected its weights, got {e}: {}. The authors of pytorch-fid offer `pt_inception-2015-12-05-6726825d.pth` with the release `fid_weights` of github.com/mseitzer/pytorch-fid",
                model.display()
            ))
        };
        self.last.get_from(model, "", missing, || {
            let tensors = checkpoint::open(model)?.tensors;
            let weights = hash(&tensors);
            let network = Network::load(tensors).map_err(|e| e.about_file("loading InceptionV3", model))?;
            Ok(Arc::new(Loaded { network: network.prepare(), weights }))
        })
    }
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
