// The mean over the image: an invocation computes four channels.
@group(0) @binding(2) var<storage, read> input: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= layer.inputs) {
        return;
    }
    let pixels = layer.input_side * layer.input_side;
    var sum = vec4f();
    for (var pixel = 0u; pixel < pixels; pixel++) {
        sum += input[(id.z * pixels + pixel) * layer.inputs + id.x];
    }
    output[id.z * layer.inputs + id.x] = sum / f32(pixels);
}
