//! The node `gpstoken.Lpips`.

use crate::{
    checkpoint::latest::Latest,
    device::{Compute, Loaded, Placed},
    kernels::{cpu::Level, workspace::Workspace},
    layers::Host,
    lpips::{Backbone, Difference, Network, at_each_pixel, distance},
    names::one_or,
    on_device,
};
use splatgraph_sdk::{checkpoint, prelude::*, serde_json::json};
use std::path::Path;

/// The node's state: the network that it loaded last, and memory that it reuses.
#[derive(Default)]
pub struct Lpips {
    last: Latest<(Backbone, Loaded<Network, Network<on_device::Parameter>>)>,
    workspace: Workspace,
}

#[node(category = "GPSToken", outputs(
    lpips: "the mean over the batch; 0 for equal pictures",
    each: "for each picture: [{\"lpips\": ..}, ..]",
    map: "where the pictures differ, [B, H, W, 3], grey: the differences of all stages of the network at each pixel",
))]
impl Lpips {
    /// Measures how different two pictures look to a network that was trained on photos (LPIPS 0.1, Zhang et al. 2018).
    ///
    /// LPIPS agrees with people better than PSNR does, above all about blur. Smaller is better, and 0.5 is a large distance.
    /// Values of AlexNet and VGG16 are not comparable: always name the network. The node does not round the pictures. The
    /// weights are not part of the pack; its README says where to get them. VGG16 needs about 800 bytes of memory for each
    /// pixel.
    pub fn run(
        &self,
        /// The first picture, usually the original; one for all pictures of `b`, or one for each.
        a: Placed<Image>,
        /// The second picture, of the same size. Exchanging both does not change the distance.
        b: Placed<Image>,
        /// The weights: features of AlexNet or VGG16 with the heads of LPIPS. The names of the tensors tell which network it
        /// is.
        #[input(path = model)]
        model: PathBuf,
        /// The device to compute on, such as `cpu` or `gpu:1`; left out: the device of the run.
        device: Option<String>,
        ctx: &Ctx,
    ) -> Result<(f64, Json, Image)> {
        // Always in f32: distances of nearly equal pictures are sums of small squares.
        let compute = Compute::of_run(ctx, device.as_deref())?.in_f32();
        let (backbone, network) = self.load(&model, &compute).map_err(|e| e.blame("model"))?;
        let Compared { size: [height, width], pictures } = match &network {
            Loaded::Host(network) => ctx.on_threads(|| self.on_host(network, &a.into_host()?, &b.into_host()?, ctx))?,
            Loaded::Device(network, device) => {
                let (a, b) = (a.into_device(device)?, b.into_device(device)?);
                let pairs = Pairs::new(backbone, a.dims("image"), b.dims("image"))?;
                let pictures = on_device::lpips::Pictures::new(&a, &b);
                pairs.each(network.stages(), ctx, |pair, _, step| pictures.compare(network, device, pair, step))?
            }
        };
        let each: Vec<f64> = pictures.iter().map(|stages| distance(stages)).collect();
        let map = pictures.iter().flat_map(|stages| at_each_pixel(stages, [height, width])).flat_map(|v| [v; 3]);
        let map = Image::new(Tensor::from_vec([each.len(), height, width, 3], map.collect())?)?;
        let mean = each.iter().sum::<f64>() / each.len() as f64;
        Ok((mean, Json(each.into_iter().map(|lpips| json!({ "lpips": lpips })).collect()), map))
    }

    fn load(
        &self,
        model: &Path,
        compute: &Compute,
    ) -> Result<(Backbone, Loaded<Network, Network<on_device::Parameter>>)> {
        self.last.get("an LPIPS network", model, compute.id(), || {
            let tensors = checkpoint::open(model)?.tensors;
            let read = || {
                let network = Network::load(tensors)?;
                let backbone = network.backbone;
                let upload = |network: &Network, device: &_| network.map(&mut on_device::upload(device));
                Ok((backbone, Loaded::new(network, compute, upload)?))
            };
            read().map_err(|e: Error| e.about_file("loading an LPIPS network", model))
        })
    }

    fn on_host(&self, network: &Network, a: &Image, b: &Image, ctx: &Ctx) -> Result<Compared> {
        let host = Host { level: Level::best(), workspace: &self.workspace };
        let pairs = Pairs::new(network.backbone, a.image.dims()?, b.image.dims()?)?;
        let (left, right) = (a.image.as_slice::<f32>()?, b.image.as_slice::<f32>()?);
        let compared = pairs.each(network.stages(), ctx, |[a, b], size, step| {
            let length = size[0] * size[1] * 3;
            let pictures = [&left[a * length..][..length], &right[b * length..][..length]];
            network.compare(pictures, size, host, step)
        });
        self.workspace.trim();
        compared
    }
}

/// The pictures to compare.
struct Pairs {
    /// Number of pictures in `a` and in `b`.
    counts: [usize; 2],
    /// Height and width.
    size: [usize; 2],
}

/// The result: for each pair the differences of all stages.
struct Compared {
    size: [usize; 2],
    pictures: Vec<Vec<Difference>>,
}

impl Pairs {
    fn new(backbone: Backbone, a: [usize; 4], b: [usize; 4]) -> Result<Self> {
        let ([count_a, height, width, _], [count_b, height_b, width_b, _]) = (a, b);
        if count_a == 0 || count_b == 0 {
            return Err(Error::input(
                "a",
                format!("expected at least one picture in a and in b, got {count_a} and {count_b}"),
            ));
        }
        if [height, width] != [height_b, width_b] {
            let node = format!(
                r#""resize": {{ "class_type": "std.Resize", "inputs": {{ "image": ["load", "image"], "width": {width}, "height": {height} }} }}"#
            );
            return Err(Error::input(
                "b",
                format!(
                    "expected pictures of one size, got {width} x {height} pixels in a and {width_b} x {height_b} in b. Put a Resize in front:\n{node}"
                ),
            ));
        }
        if count_a != count_b && count_a != 1 && count_b != 1 {
            return Err(Error::input("b", format!("expected {}, as in a, got {count_b}", one_or(count_a))));
        }
        backbone.check_size([width, height])?;
        Ok(Self { counts: [count_a, count_b], size: [height, width] })
    }

    fn each(
        &self,
        stages: usize,
        ctx: &Ctx,
        compare: impl Fn([usize; 2], [usize; 2], &mut dyn FnMut() -> Result<()>) -> Result<Vec<Difference>>,
    ) -> Result<Compared> {
        let count = self.counts[0].max(self.counts[1]);
        let (mut done, total) = (0, count * stages);
        let mut step = || {
            done += 1;
            ctx.step(done, total)
        };
        let pair = |i: usize| self.counts.map(|count| if count == 1 { 0 } else { i });
        let pictures = (0..count).map(|i| compare(pair(i), self.size, &mut step)).collect::<Result<_>>()?;
        Ok(Compared { size: self.size, pictures })
    }
}
