// 3x3 at stride 2 over eight-bit RGBA: an invocation computes `x` neighbours in a row for `c` groups of four channels.
@group(0) @binding(2) var<storage, read> pixels: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let groups = layer.outputs / COLUMNS;
    let tiles = (layer.output_side + WIDTH - 1u) / WIDTH;
    let y = id.x / groups / tiles;
    if (y >= layer.output_side) {
        return;
    }
    let x = id.x / groups % tiles * WIDTH;
    let left = i32(x * 2u) - 1;
    // Columns of an invocation lie `groups` apart, so that neighbours read and write side by side.
    let column${c} = id.x % groups + ${c} * groups;
    let inside${ix} = left + ${ix} >= 0 && left + ${ix} < i32(layer.input_side);
    let at${ix} = u32(clamp(left + ${ix}, 0, i32(layer.input_side) - 1));
    let mean = weights[0];
    let scale = weights[1];
    var sum${x}_${c} = weights[layer.bias + column${c}];
    for (var ky = 0u; ky < 3u; ky++) {
        let row = i32(y * 2u + ky) - 1;
        if (row < 0 || row >= i32(layer.input_side)) {
            continue;
        }
        let start = (id.z * layer.input_side + u32(row)) * layer.input_side;
        // The padding is zero after normalising.
        let pixel${ix} = select(vec4f(), (unpack4x8unorm(pixels[start + at${ix}]) - mean) * scale, inside${ix});
        ${each kx}
        ${each c}
        {
            let w = layer.weight + (ky * 3u + ${kx}) * 3u * layer.outputs + column${c};
            let red = weights[w];
            let green = weights[w + layer.outputs];
            let blue = weights[w + 2u * layer.outputs];
            sum${x}_${c} += pixel${x*2+kx}.x * red + pixel${x*2+kx}.y * green + pixel${x*2+kx}.z * blue;
        }
        ${end}
        ${end}
    }
    let to = ((id.z * layer.output_side + y) * layer.output_side + x) * layer.outputs;
    ${each x}
    if (x + ${x} < layer.output_side) {
        output[to + ${x} * layer.outputs + column${c}] = activate(sum${x}_${c});
    }
    ${end}
}
