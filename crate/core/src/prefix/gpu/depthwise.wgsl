// Each channel alone: an invocation computes `y` x `x` neighbouring pixels for four channels.
@group(0) @binding(2) var<storage, read> input: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let channel = id.x % layer.inputs;
    let across = (layer.output_side + WIDTH - 1u) / WIDTH;
    let x = id.x / layer.inputs % across * WIDTH;
    let y = id.x / layer.inputs / across * HEIGHT;
    if (y >= layer.output_side) {
        return;
    }
    let last = i32(layer.input_side) - 1;
    let left = i32(x * ${STRIDE}) - i32(layer.padding);
    let top = i32(y * ${STRIDE}) - i32(layer.padding);
    let image = id.z * layer.input_side * layer.input_side;
    let inside_x${ix} = left + ${ix} >= 0 && left + ${ix} <= last;
    let inside_y${iy} = top + ${iy} >= 0 && top + ${iy} <= last;
    let column${ix} = u32(clamp(left + ${ix}, 0, last)) * layer.inputs + channel;
    let row${iy} = (image + u32(clamp(top + ${iy}, 0, last)) * layer.input_side) * layer.inputs;
    let weight${ky}_${kx} = weights[layer.weight + ${ky*KERNEL+kx} * layer.inputs + channel];
    let value${iy}_${ix} = select(vec4f(), input[row${iy} + column${ix}], inside_y${iy} && inside_x${ix});
    var sum${y}_${x} = weights[layer.bias + channel];
    sum${y}_${x} += weight${ky}_${kx} * value${y*STRIDE+ky}_${x*STRIDE+kx};
    let to = ((id.z * layer.output_side + y) * layer.output_side + x) * layer.inputs + channel;
    ${each y}
    ${each x}
    if (y + ${y} < layer.output_side && x + ${x} < layer.output_side) {
        output[to + (${y} * layer.output_side + ${x}) * layer.inputs] = activate(sum${y}_${x});
    }
    ${end}
    ${end}
}
