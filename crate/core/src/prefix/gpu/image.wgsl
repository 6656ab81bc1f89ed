// Eight-bit RGBA to normalised numbers, for a first layer without a kernel of its own; the fourth channel is zero.
@group(0) @binding(2) var<storage, read> pixels: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let count = layer.output_side * layer.output_side;
    if (id.x >= count) {
        return;
    }
    let at = id.z * count + id.x;
    output[at] = vec4f(((unpack4x8unorm(pixels[at]) - weights[0]) * weights[1]).xyz, 0.0);
}
