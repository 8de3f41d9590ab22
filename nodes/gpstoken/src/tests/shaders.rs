//! The shaders are well-formed in every form that is launched; no graphics card is needed for that.

use crate::{
    device::shader::Shader,
    splat::wgsl::{MOST_CHANNELS, backward_shader, forward_shader},
    tokenizer::{convolution_shader, linear_shader, roi_align_shader},
};
use burn_cubecl::template::KernelSource;
use naga::valid::{Capabilities, ValidationFlags, Validator};

#[track_caller]
fn check(shader: &Shader, needs: Capabilities) {
    let (name, source) = (shader.name, shader.source().complete());
    let module =
        naga::front::wgsl::parse_str(&source).unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(&source)));
    let about = Validator::new(ValidationFlags::all(), needs).validate(&module);
    about.unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(&source)));
    // What WebGPU guarantees everywhere.
    let shared: u32 = module
        .global_variables
        .iter()
        .filter(|(_, v)| v.space == naga::AddressSpace::WorkGroup)
        .map(|(_, v)| module.types[v.ty].inner.size(module.to_ctx()))
        .sum();
    assert!(shared <= 16_384, "{name} takes {shared} bytes of workgroup memory");
    assert!(module.entry_points[0].workgroup_size.iter().product::<u32>() <= 256, "{name}");
}

#[test]
fn every_form_of_the_shaders_is_valid() {
    let nothing = Capabilities::empty();
    for accumulators in 1..=8 {
        check(&forward_shader(accumulators), nothing);
    }
    for channels in [1, 2, 3, 8, 16, 17, 32, MOST_CHANNELS] {
        check(&backward_shader(channels), nothing);
    }
    for (half, needs) in [(false, nothing), (true, Capabilities::SHADER_FLOAT16)] {
        check(&roi_align_shader::shader(half), needs);
        check(&linear_shader::shader(half), needs);
        for sizes in [[1, 1, 4], [1, 1, 8], [1, 1, 16], [3, 1, 4], [3, 1, 8], [3, 1, 16], [3, 2, 16]] {
            check(&convolution_shader::shader(sizes, half), needs);
        }
    }
}
