// Any window over all channels: an invocation computes `x` neighbours in a row for `c` groups of four channels.
@group(0) @binding(2) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read> added: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let groups = layer.outputs / COLUMNS;
    let tiles = (layer.output_side + WIDTH - 1u) / WIDTH;
    let y = id.x / groups / tiles;
    if (y >= layer.output_side) {
        return;
    }
    let x = id.x / groups % tiles * WIDTH;
    let side = i32(layer.input_side);
    // Columns of an invocation lie `groups` apart, so that neighbours read and write side by side.
    let column${c} = id.x % groups + ${c} * groups;
    var sum${x}_${c} = weights[layer.bias + column${c}];
    for (var ky = 0u; ky < layer.kernel; ky++) {
        let row = i32(y * layer.stride + ky) - i32(layer.padding);
        if (row < 0 || row >= side) {
            continue;
        }
        let start = (id.z * layer.input_side + u32(row)) * layer.input_side;
        for (var kx = 0u; kx < layer.kernel; kx++) {
            let place${x} = i32((x + ${x}) * layer.stride + kx) - i32(layer.padding);
            let inside${x} = place${x} >= 0 && place${x} < side;
            let from${x} = (start + u32(clamp(place${x}, 0, side - 1))) * layer.inputs;
            let tap = layer.weight + (ky * layer.kernel + kx) * layer.inputs * 4u * layer.outputs;
            for (var k = 0u; k < layer.inputs; k++) {
                let pixel${x} = select(vec4f(), input[from${x} + k], inside${x});
                let first = tap + k * 4u * layer.outputs;
                ${each c}
                {
                    let red = weights[first + column${c}];
                    let green = weights[first + layer.outputs + column${c}];
                    let blue = weights[first + 2u * layer.outputs + column${c}];
                    let rest = weights[first + 3u * layer.outputs + column${c}];
                    sum${x}_${c} += pixel${x}.x * red + pixel${x}.y * green + pixel${x}.z * blue + pixel${x}.w * rest;
                }
                ${end}
            }
        }
    }
    let to = ((id.z * layer.output_side + y) * layer.output_side + x) * layer.outputs;
    ${each x}
    if (x + ${x} < layer.output_side) {
        if (layer.adds != 0u) {
            sum${x}_${c} += added[to + ${x} * layer.outputs + column${c}];
        }
        output[to + ${x} * layer.outputs + column${c}] = activate(sum${x}_${c});
    }
    ${end}
}
