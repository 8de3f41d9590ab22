// The softmax of each row: exp(x - largest) / sum of these. A workgroup of 64 invocations computes a row.
//
// Twin: burn's softmax.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;       // [N, C]
@group(0) @binding(1) var<storage, read_write> result: array<f32>;  // [N, C]
@group(0) @binding(2) var<storage, read_write> sizes: array<u32>;   // N, C

const THREADS: u32 = 64u;
// Below every number of x. WGSL has no infinity.
const LEAST: f32 = -3.0e38;

var<workgroup> numbers: array<f32, THREADS>;

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups are counted along x and y, because each axis has a limit.
    let row = workgroup.y * workgroups.x + workgroup.x;
    if row >= sizes[0] {
        return; // all invocations of the workgroup return together
    }
    let start = row * sizes[1];
    var largest = LEAST;
    for (var i = me; i < sizes[1]; i += THREADS) {
        largest = max(largest, x[start + i]);
    }
    numbers[me] = largest;
    workgroupBarrier();
    for (var i = 0u; i < min(THREADS, sizes[1]); i++) {
        largest = max(largest, numbers[i]);
    }
    var sum = 0.0;
    for (var i = me; i < sizes[1]; i += THREADS) {
        sum += exp(x[start + i] - largest);
    }
    workgroupBarrier(); // all invocations have read the largest numbers
    numbers[me] = sum;
    workgroupBarrier();
    var total = 0.0;
    for (var i = 0u; i < min(THREADS, sizes[1]); i++) {
        total += numbers[i];
    }
    for (var i = me; i < sizes[1]; i += THREADS) {
        result[start + i] = exp(x[start + i] - largest) / total;
    }
}
