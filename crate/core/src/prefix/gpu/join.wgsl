// Copies a map to its place among the channels of a wider one: an invocation copies four channels of a pixel.
@group(0) @binding(2) var<storage, read> input: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let pixels = layer.input_side * layer.input_side;
    let pixel = id.x / layer.inputs;
    if (pixel >= pixels) {
        return;
    }
    let to = (id.z * pixels + pixel) * layer.outputs + layer.first;
    output[to + id.x % layer.inputs] = input[id.z * pixels * layer.inputs + id.x];
}
