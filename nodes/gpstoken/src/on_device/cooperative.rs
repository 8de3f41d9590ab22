//! A card's matrix units, which WGSL reaches as cooperative matrices: the invocations of a subgroup hold and multiply a matrix together.
//!
//! wgpu 30 lists what an adapter multiplies, and cubecl 0.11 opens a device with all features of its adapter, so a shader may use what is
//! listed. naga 30 has square matrices of 8 and 16 rows.

use super::gpu;
use burn::{
    prelude::Device,
    tensor::wgpu::wgpu::{self, CooperativeMatrixProperties, CooperativeScalarType},
};
use splatgraph_sdk::serde_json::{Value as Json, json};

/// Square matrices in half precision, with sums in f32, that a device multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrices {
    /// Rows and columns of a matrix: 8 or 16.
    pub side: usize,
    /// The number of invocations in a subgroup.
    pub subgroup: usize,
}

impl Matrices {
    /// Rows and columns of the sums of a workgroup of `down x across` subgroups, each of which sums 2 by 4 matrices.
    pub(super) fn covered(self, [down, across]: [usize; 2]) -> [usize; 2] {
        [2 * down * self.side, 4 * across * self.side]
    }
}

/// The matrices that the shaders use on a device, or `None` if it has no matrix units that they can use.
pub fn matrices(device: &Device) -> Option<Matrices> {
    gpu::matrices(device)
}

/// Fewest workgroups of four subgroups for which they are worth their size: a large card computes about as many at once.
const FEWEST_LARGE: usize = 128;

/// The numbers of subgroups of a workgroup along the rows and the columns of `copies` products with sums of `rows x columns`.
pub(super) fn tile(matrices: Matrices, rows: usize, columns: usize, copies: usize) -> [usize; 2] {
    let large = if rows <= 2 * matrices.side { [1, 2] } else { [2, 2] };
    let [down, across] = matrices.covered(large);
    let workgroups = rows.div_ceil(down) * columns.div_ceil(across) * copies;
    if workgroups < FEWEST_LARGE { [1, 1] } else { large }
}

/// The environment variable that limits graphics cards: with `plain` the shaders use no matrix units.
const LIMIT: &str = "SPLATGRAPH_GPU";

/// What an adapter offers.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// What the shaders use, or why they use nothing.
    pub(super) used: Result<Matrices, &'static str>,
    listed: Vec<CooperativeMatrixProperties>,
    enabled: bool,
    subgroup: [u32; 2],
}

impl Offer {
    pub(super) fn of(adapter: &wgpu::Adapter) -> Self {
        let about = adapter.get_info();
        let listed = adapter.cooperative_matrix_properties();
        let enabled = adapter.features().contains(
            wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX | wgpu::Features::SHADER_F16 | wgpu::Features::SUBGROUP,
        );
        let subgroup = [about.subgroup_min_size, about.subgroup_max_size];
        let used = if std::env::var_os(LIMIT).is_some_and(|limit| limit == "plain") {
            Err("SPLATGRAPH_GPU=plain leaves them out")
        } else {
            choose(&listed, enabled, subgroup, about.backend)
        };
        Self { used, listed, enabled, subgroup }
    }

    /// Describes the offer for `splatgraph devices --json`.
    pub(super) fn describe(&self) -> Json {
        let listed = self.listed.iter().map(|form| {
            json!({
                "m": form.m_size,
                "n": form.n_size,
                "k": form.k_size,
                "a": name(form.ab_type),
                "b": name(form.ab_type),
                "c": name(form.cr_type),
                "result": name(form.cr_type),
                "saturating": form.saturating_accumulation,
                // wgpu lists no other scope.
                "scope": "subgroup",
            })
        });
        let mut described = json!({
            "enabled": self.enabled,
            "subgroup": self.subgroup,
            "listed": listed.collect::<Vec<_>>(),
        });
        match self.used {
            Ok(matrices) => described["used"] = json!({"side": matrices.side, "inputs": "f16", "sums": "f32"}),
            Err(why) => described["unused"] = json!(why),
        }
        described
    }
}

fn name(scalar: CooperativeScalarType) -> &'static str {
    match scalar {
        CooperativeScalarType::F16 => "f16",
        CooperativeScalarType::F32 => "f32",
        CooperativeScalarType::I32 => "i32",
        CooperativeScalarType::U32 => "u32",
    }
}

/// Chooses matrices for the shaders, the largest first.
fn choose(
    listed: &[CooperativeMatrixProperties],
    enabled: bool,
    [least, most]: [u32; 2],
    api: wgpu::Backend,
) -> Result<Matrices, &'static str> {
    let offers = |side: u32| {
        listed.iter().any(|form| {
            [form.m_size, form.n_size, form.k_size] == [side; 3]
                && form.ab_type == CooperativeScalarType::F16
                && form.cr_type == CooperativeScalarType::F32
        })
    };
    if !enabled {
        return Err("the adapter does not offer cooperative matrices, f16 and subgroups in shaders");
    }
    if api != wgpu::Backend::Vulkan {
        return Err("the shaders use cooperative matrices on Vulkan only");
    }
    // WGSL can't ask for a size of subgroups, and a workgroup of the shaders has four of them and at most 256 invocations.
    if least != most || most > 64 {
        return Err("the shaders need subgroups of one size, of at most 64 invocations");
    }
    let side = [16, 8].into_iter().find(|side| offers(*side));
    let side = side.ok_or("the adapter lists no square matrices of 8 or 16 rows in f16 with sums in f32")?;
    Ok(Matrices { side: side as usize, subgroup: most as usize })
}

#[cfg(test)]
mod tests {
    use super::*;
    use CooperativeScalarType::{F16, F32, I32};
    use wgpu::Backend::{Metal, Vulkan};

    fn form(
        [m_size, n_size, k_size]: [u32; 3],
        ab_type: CooperativeScalarType,
        cr_type: CooperativeScalarType,
    ) -> CooperativeMatrixProperties {
        CooperativeMatrixProperties { m_size, n_size, k_size, ab_type, cr_type, saturating_accumulation: false }
    }

    #[test]
    fn the_largest_matrices_in_f16_with_sums_in_f32_are_used() {
        let small = form([8, 8, 8], F16, F32);
        let others = [form([16, 8, 16], F16, F32), form([16, 16, 16], F16, F16), form([16, 16, 16], I32, I32)];
        let large = form([16, 16, 16], F16, F32);
        let of = |listed: &[CooperativeMatrixProperties], lanes| choose(listed, true, [lanes; 2], Vulkan);
        assert_eq!(of(&[others[0], small], 8), Ok(Matrices { side: 8, subgroup: 8 }));
        assert_eq!(of(&[small, large], 32), Ok(Matrices { side: 16, subgroup: 32 }));
        assert!(of(&others, 32).unwrap_err().starts_with("the adapter lists no square matrices"));
        assert!(choose(&[large], false, [32; 2], Vulkan).unwrap_err().starts_with("the adapter does not offer"));
        assert!(choose(&[large], true, [32; 2], Metal).unwrap_err().contains("Vulkan"));
        for sizes in [[32, 64], [128, 128]] {
            assert!(choose(&[large], true, sizes, Vulkan).unwrap_err().contains("one size"));
        }
    }

    #[test]
    fn small_products_have_small_workgroups() {
        let matrices = Matrices { side: 16, subgroup: 32 };
        assert_eq!(tile(matrices, 128, 512, 1), [1, 1]);
        assert_eq!(tile(matrices, 4096, 4096, 1), [2, 2]);
        assert_eq!(tile(matrices, 64, 128, 128), [2, 2]);
        assert_eq!(tile(matrices, 3, 65_536, 1), [1, 2]);
        assert_eq!(matrices.covered([2, 2]), [64, 128]);
    }

    #[test]
    fn an_offer_names_types_and_scope() {
        let listed = vec![form([8, 8, 8], F16, F32)];
        let used = choose(&listed, true, [8, 8], Vulkan);
        let offer = Offer { used, listed, enabled: true, subgroup: [8, 8] };
        assert_eq!(
            offer.describe(),
            json!({
                "enabled": true,
                "subgroup": [8, 8],
                "listed": [{"m": 8, "n": 8, "k": 8, "a": "f16", "b": "f16", "c": "f32", "result": "f32", "saturating": false, "scope": "subgroup"}],
                "used": {"side": 8, "inputs": "f16", "sums": "f32"},
            })
        );
        let nothing = Offer {
            used: choose(&[], false, [4, 128], Vulkan),
            listed: Vec::new(),
            enabled: false,
            subgroup: [4, 128],
        };
        assert_eq!(
            nothing.describe()["unused"],
            json!("the adapter does not offer cooperative matrices, f16 and subgroups in shaders")
        );
    }
}
