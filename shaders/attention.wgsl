// Attention, softmax(q k^T / sqrt(D)) v, in one pass over the keys. The weights between all places are never in memory: each query keeps
// its largest score so far and the sums relative to it (Milakov and Gimelshein 2018, algorithm 3; Dao et al. 2022, algorithm 1).
//
// A workgroup of 256 invocations computes 32 queries of a head of a picture, with 64 keys at a time. An invocation computes the scores of
// 2 keys for 4 queries, and then sums 4 channels of each 128 for the same 4 queries. Sums are in f32 for any number type, and always in
// the same order.
//
// Queries, keys and values are tensors with any strides, or parts of one tensor: channels of a map, or numbers of a token.
//
// Twins: burn's operations, and nodes/gpstoken/src/kernels/attention.rs and heads.rs on the processor.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16. {{ chunks }}: D / 128, rounded up.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> query: array<{{ number }}>;
@group(0) @binding(1) var<storage, read_write> key: array<{{ number }}>;
@group(0) @binding(2) var<storage, read_write> value: array<{{ number }}>;
@group(0) @binding(3) var<storage, read_write> result: array<{{ number }}>;
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;
// sizes: N, D, first number of queries, of keys and of values, then strides of pictures, heads, places and channels, for the inputs and
// for the result

const CHUNKS: u32 = {{ chunks }}u;
const QUERIES: u32 = 32u;
const KEYS: u32 = 64u;
// Channels of a part of the scores in fours, plus one, so that the rows of workgroup memory begin in different banks.
const FOURS: u32 = 4u;
const STRIDE: u32 = FOURS + 1u;
// Below every score. WGSL has no infinity.
const LEAST: f32 = -3.0e38;

// Queries and keys [QUERIES + KEYS, STRIDE], or the largest scores of 8 keys for four queries [8, 8], or values [16, 32].
var<workgroup> brought: array<vec4<f32>, 512>;
// Scores, then weights, of each key for four queries [KEYS, 8].
var<workgroup> weights: array<vec4<f32>, KEYS * 8u>;

// Where the numbers of a place begin, for the inputs.
fn start_of(workgroup: vec3<u32>, first: u32, place: u32) -> u32 {
    return sizes[first] + workgroup.z * sizes[5] + workgroup.y * sizes[6] + place * sizes[7];
}

fn query_at(start: u32, channel: u32, inside: bool) -> vec4<f32> {
    var four = vec4<f32>();
    for (var i = 0u; i < 4u; i++) {
        if inside && channel + i < sizes[1] {
            four[i] = f32(query[start + (channel + i) * sizes[8]]);
        }
    }
    return four;
}

fn key_at(start: u32, channel: u32, inside: bool) -> vec4<f32> {
    var four = vec4<f32>();
    for (var i = 0u; i < 4u; i++) {
        if inside && channel + i < sizes[1] {
            four[i] = f32(key[start + (channel + i) * sizes[8]]);
        }
    }
    return four;
}

fn value_at(start: u32, channel: u32, inside: bool) -> vec4<f32> {
    var four = vec4<f32>();
    for (var i = 0u; i < 4u; i++) {
        if inside && channel + i < sizes[1] {
            four[i] = f32(value[start + (channel + i) * sizes[8]]);
        }
    }
    return four;
}

@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) me: u32) {
    let places = sizes[0];
    let channels = sizes[1];
    let scale = inverseSqrt(f32(channels));
    let first_query = workgroup.x * QUERIES;
    let group = me / 32u; // of four queries
    let lane = me % 32u;  // the keys of the scores, which are this and 32 later, and the four channels of each 128 of the sums
    let to_keys = (QUERIES + lane - 4u * group) * STRIDE; // from this group's queries to this invocation's keys
    // Neighbouring invocations load neighbouring numbers: places of a map, or channels of a token.
    let along = sizes[8] == 1u;
    let row = select(me % KEYS, me / FOURS, along);
    let four = select(me / KEYS, me % FOURS, along);
    let value_row = select(me % 8u, me / 32u, along);
    let value_four = select(me / 8u, me % 32u, along);

    var largest = vec4<f32>(LEAST);
    var total = vec4<f32>();
    var sums: array<vec4<f32>, 4u * CHUNKS>; // four channels of each chunk, for each of the four queries
    for (var first_key = 0u; first_key < places; first_key += KEYS) {
        var near = vec4<f32>();
        var far = vec4<f32>();
        let query_start = start_of(workgroup, 2u, first_query + row % QUERIES);
        let key_start = start_of(workgroup, 3u, first_key + row);
        for (var channel = 0u; channel < channels; channel += 4u * FOURS) {
            workgroupBarrier(); // all invocations have used the previous numbers
            if row < QUERIES {
                brought[row * STRIDE + four] = query_at(query_start, channel + 4u * four, first_query + row < places);
            }
            brought[(QUERIES + row) * STRIDE + four] = key_at(key_start, channel + 4u * four, first_key + row < places);
            workgroupBarrier();
            // This loop and the one over parts of eight keys begin at numbers that are known at run time, so lavapipe does not unroll
            // them (README.md).
            for (var i = 4u * group * STRIDE; i != 4u * group * STRIDE + FOURS; i++) {
                let q0 = brought[i];
                let q1 = brought[i + STRIDE];
                let q2 = brought[i + 2u * STRIDE];
                let q3 = brought[i + 3u * STRIDE];
                let k = brought[i + to_keys];
                let l = brought[i + to_keys + 32u * STRIDE];
                near += vec4<f32>(dot(q0, k), dot(q1, k), dot(q2, k), dot(q3, k));
                far += vec4<f32>(dot(q0, l), dot(q1, l), dot(q2, l), dot(q3, l));
            }
        }
        near = select(vec4<f32>(LEAST), near * scale, first_key + lane < places);
        far = select(vec4<f32>(LEAST), far * scale, first_key + 32u + lane < places);
        weights[lane * 8u + group] = near;
        weights[(32u + lane) * 8u + group] = far;
        workgroupBarrier();
        // The first 8 invocations of the group look at 8 keys each, and then all at what they found.
        var of_eight = vec4<f32>(LEAST);
        for (var i = 8u * lane; i < min(8u * lane + 8u, KEYS); i++) {
            of_eight = max(of_eight, weights[i * 8u + group]);
        }
        if lane < 8u {
            brought[8u * group + lane] = of_eight;
        }
        workgroupBarrier();
        var larger = largest;
        for (var i = 8u * group; i != 8u * group + 8u; i++) {
            larger = max(larger, brought[i]);
        }
        weights[lane * 8u + group] = exp(near - larger);
        weights[(32u + lane) * 8u + group] = exp(far - larger);
        let factor = exp(largest - larger);
        largest = larger;
        total *= factor;
        for (var i = 0u; i < 4u * CHUNKS; i++) {
            sums[i] *= factor[i % 4u];
        }
        for (var chunk = 0u; chunk < CHUNKS; chunk++) {
            // Invocations without channels sum nothing.
            let summed = select(0u, 16u, 128u * chunk + 4u * lane < channels);
            for (var half = 0u; half < KEYS; half += 16u) {
                workgroupBarrier(); // all invocations have used the previous numbers, and the weights are there
                for (var i = value_row; i < 16u; i += 8u) {
                    let place = first_key + half + i;
                    let start = start_of(workgroup, 4u, place);
                    brought[i * 32u + value_four] = value_at(start, 128u * chunk + 4u * value_four, place < places);
                }
                workgroupBarrier();
                for (var i = 0u; i < summed; i++) {
                    let weight = weights[(half + i) * 8u + group];
                    let v = brought[i * 32u + lane];
                    sums[4u * chunk] += weight.x * v;
                    sums[4u * chunk + 1u] += weight.y * v;
                    sums[4u * chunk + 2u] += weight.z * v;
                    sums[4u * chunk + 3u] += weight.w * v;
                    if chunk == 0u {
                        total += weight;
                    }
                }
            }
        }
    }
    // Moves numbers instead of an index, as winograd_map.wgsl does, so that lavapipe compiles one division and not one for each number.
    let query_of_group = first_query + 4u * group;
    for (var place = query_of_group; place < min(query_of_group + 4u, places); place++) {
        let start = workgroup.z * sizes[9] + workgroup.y * sizes[10] + place * sizes[11];
        for (var chunk = 0u; chunk < CHUNKS; chunk++) {
            let of_query = sums[4u * chunk];
            var four = of_query / total.x;
            let first_channel = 128u * chunk + 4u * lane;
            for (var channel = first_channel; channel < min(first_channel + 4u, channels); channel++) {
                result[start + channel * sizes[12]] = {{ number }}(four.x);
                four = four.yzwx;
            }
            sums[4u * chunk] = sums[4u * chunk + 1u];
            sums[4u * chunk + 1u] = sums[4u * chunk + 2u];
            sums[4u * chunk + 2u] = sums[4u * chunk + 3u];
            sums[4u * chunk + 3u] = of_query;
        }
        total = total.yzwx;
    }
}
