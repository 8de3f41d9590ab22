// What a block of the token transformer adds to its tokens for their regions (GPSToken, section 3.3): the samples of a region, reduced by
// a weighted sum, and projected to the width of a token. The authors project every sample and reduce then; both operations are linear, so
// the order does not matter: x + P (S w) + p sum(w) + b.
//
// A workgroup of 256 invocations computes 4 tokens. Workgroup memory holds their reduced samples. Sums are in f32 for any number type.
//
// Twins: burn's operations, and nodes/gpstoken/src/tokenizer/transformer.rs on the processor.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16. {{ stem }}: channels of a sample.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> x: array<{{ number }}>;                // [N, width]
@group(0) @binding(1) var<storage, read_write> samples: array<{{ number }}>;          // S: [N, stem, samples]
@group(0) @binding(2) var<storage, read_write> reduction: array<{{ number }}>;        // w: [samples]
@group(0) @binding(3) var<storage, read_write> reduction_bias: array<{{ number }}>;   // b: [1]
@group(0) @binding(4) var<storage, read_write> projection: array<{{ number }}>;       // P: [width, stem]
@group(0) @binding(5) var<storage, read_write> projection_bias: array<{{ number }}>;  // p: [width]
@group(0) @binding(6) var<storage, read_write> result: array<{{ number }}>;           // [N, width]
@group(0) @binding(7) var<storage, read_write> sizes: array<u32>;                     // N, width, samples

const STEM: u32 = {{ stem }}u;
const TOKENS: u32 = 4u;

var<workgroup> reduced: array<f32, TOKENS * STEM>;  // [TOKENS, STEM]

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups are counted along x and y, because each axis has a limit.
    let first = (workgroup.y * workgroups.x + workgroup.x) * TOKENS;
    for (var i = me; i < TOKENS * STEM; i += 256u) {
        var sum = 0.0;
        if first + i / STEM < sizes[0] {
            for (var j = 0u; j < sizes[2]; j++) {
                sum += f32(reduction[j]) * f32(samples[(first * STEM + i) * sizes[2] + j]);
            }
        }
        reduced[i] = sum;
    }
    workgroupBarrier();
    var total = 0.0;
    for (var j = 0u; j < sizes[2]; j++) {
        total += f32(reduction[j]);
    }
    for (var output = me; output < sizes[1]; output += 256u) {
        var sums = vec4<f32>();
        for (var i = 0u; i < STEM; i++) {
            let four = vec4<f32>(reduced[i], reduced[STEM + i], reduced[2u * STEM + i], reduced[3u * STEM + i]);
            sums += f32(projection[output * STEM + i]) * four;
        }
        let constant = f32(projection_bias[output]) * total + f32(reduction_bias[0]);
        for (var token = first; token < min(first + TOKENS, sizes[0]); token++) {
            let at = token * sizes[1] + output;
            result[at] = {{ number }}(f32(x[at]) + sums.x + constant);
            sums = sums.yzwx;
        }
    }
}
