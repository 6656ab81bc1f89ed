// Multiplies every channel by a number of its own: an invocation computes four channels of a pixel.
@group(0) @binding(2) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read> factors: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let count = layer.input_side * layer.input_side * layer.inputs;
    if (id.x >= count) {
        return;
    }
    output[id.z * count + id.x] = input[id.z * count + id.x] * factors[id.z * layer.inputs + id.x % layer.inputs];
}
