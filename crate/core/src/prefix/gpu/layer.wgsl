// What all kernels share. Maps are [image][row][column][channels / 4]; the dispatch's z is the image. Constants in capitals
// are the tile's. Shapes are data, so that a pipeline serves every layer with its tile.
struct Layer {
    // Sides of the maps in pixels.
    input_side: u32,
    output_side: u32,
    // Channels / 4.
    inputs: u32,
    outputs: u32,
    // Where the layer's numbers begin in `weights`.
    weight: u32,
    bias: u32,
    // Whether `added` is added to the sums.
    adds: u32,
    // Of a window: its side, its step, and the rows and columns before the map.
    kernel: u32,
    stride: u32,
    padding: u32,
    // Group of channels from which on it writes.
    first: u32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> layer: Layer;
// Weights are [inputs of a sum][outputs / 4]; the first two vectors are the images' mean and the inverse of their deviation.
@group(0) @binding(1) var<storage, read> weights: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
