// The largest value of each window: an invocation computes four channels of a pixel.
@group(0) @binding(2) var<storage, read> input: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let channel = id.x % layer.inputs;
    let x = id.x / layer.inputs % layer.output_side;
    let y = id.x / layer.inputs / layer.output_side;
    if (y >= layer.output_side) {
        return;
    }
    let side = i32(layer.input_side);
    var largest = vec4f(-3.4e38);
    for (var ky = 0u; ky < layer.kernel; ky++) {
        let row = i32(y * layer.stride + ky) - i32(layer.padding);
        for (var kx = 0u; kx < layer.kernel; kx++) {
            let column = i32(x * layer.stride + kx) - i32(layer.padding);
            if (row >= 0 && row < side && column >= 0 && column < side) {
                let at = (id.z * layer.input_side + u32(row)) * layer.input_side + u32(column);
                largest = max(largest, input[at * layer.inputs + channel]);
            }
        }
    }
    output[((id.z * layer.output_side + y) * layer.output_side + x) * layer.inputs + channel] = largest;
}
