// Softmax of scores along the keys, for four queries at a time, in place: exp(s / sqrt(D)) / (the sum of these over all keys). Each part
// of the keys keeps its largest score so far and the sum relative to it (Milakov and Gimelshein 2018, algorithm 3).
//
// A workgroup of 256 invocations computes 8 fours of queries. An invocation looks at every 32nd key, twice.
//
// Twin: attention.wgsl, for attention as a whole.
@group(0) @binding(0) var<storage, read_write> scores: array<vec4<f32>>;  // [N, F], which become weights
@group(0) @binding(1) var<storage, read_write> sizes: array<u32>;         // N, F, D

const FOURS: u32 = 8u;
const PARTS: u32 = 32u;
// Below every score. WGSL has no infinity.
const LEAST: f32 = -3.0e38;

var<workgroup> all_largest: array<vec4<f32>, 256>;  // [PARTS, FOURS]
var<workgroup> all_totals: array<vec4<f32>, 256>;   // [PARTS, FOURS]

@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) me: u32) {
    let keys = sizes[0];
    let scale = inverseSqrt(f32(sizes[2]));
    let four = workgroup.x * FOURS + me % FOURS;
    let inside = four < sizes[1];
    let part = me / FOURS;
    var largest = vec4<f32>(LEAST);
    var total = vec4<f32>();
    for (var key = part; key < keys && inside; key += PARTS) {
        let score = scale * scores[key * sizes[1] + four];
        let larger = max(largest, score);
        total = total * exp(largest - larger) + exp(score - larger);
        largest = larger;
    }
    all_largest[me] = largest;
    all_totals[me] = total;
    workgroupBarrier();
    // Both loops begin at a number that is known at run time, so lavapipe does not unroll them (README.md).
    let first = me % FOURS;
    for (var at = first; at != first + PARTS * FOURS; at += FOURS) {
        largest = max(largest, all_largest[at]);
    }
    total = vec4<f32>();
    for (var at = first; at != first + PARTS * FOURS; at += FOURS) {
        total += all_totals[at] * exp(all_largest[at] - largest);
    }
    for (var key = part; key < keys && inside; key += PARTS) {
        let at = key * sizes[1] + four;
        scores[at] = exp(scale * scores[at] - largest) / total;
    }
}
