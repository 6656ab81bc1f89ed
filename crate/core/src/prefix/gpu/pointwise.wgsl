// 1x1: an invocation computes `r` neighbouring pixels for `c` groups of four channels.
@group(0) @binding(2) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read> added: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let groups = layer.outputs / COLUMNS;
    let pixels = layer.output_side * layer.output_side;
    let first = id.x / groups * ROWS;
    if (first >= pixels) {
        return;
    }
    let image = id.z * pixels;
    // Columns of an invocation lie `groups` apart, so that neighbours read and write side by side.
    let column${c} = id.x % groups + ${c} * groups;
    let start${r} = (image + min(first + ${r}, pixels - 1u)) * layer.inputs;
    var sum${r}_${c} = vec4f();
    for (var k = 0u; k < layer.inputs; k++) {
        let pixel${r} = input[start${r} + k];
        let row = layer.weight + k * 4u * layer.outputs;
        ${each c}
        {
            let x = weights[row + column${c}];
            let y = weights[row + layer.outputs + column${c}];
            let z = weights[row + 2u * layer.outputs + column${c}];
            let w = weights[row + 3u * layer.outputs + column${c}];
            sum${r}_${c} += pixel${r}.x * x + pixel${r}.y * y + pixel${r}.z * z + pixel${r}.w * w;
        }
        ${end}
    }
    let bias${c} = weights[layer.bias + column${c}];
    sum${r}_${c} += bias${c};
    let to = (image + first) * layer.outputs;
    ${each r}
    if (first + ${r} < pixels) {
        if (layer.adds != 0u) {
            sum${r}_${c} += added[to + ${r} * layer.outputs + column${c}];
        }
        output[to + ${r} * layer.outputs + column${c}] = activate(sum${r}_${c});
    }
    ${end}
}
