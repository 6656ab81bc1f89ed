/** A kernel module on a memory of the test's own, against the definitions of what it computes. */

/** Numbers of a panel's pixel. */
const PANEL = 8;
/** Where in the memory the job, its inputs, its output and the map that is added lie, in bytes; 64 KiB each but the job. */
const PLACES = { job: 1024, input: 65536, weights: 2 * 65536, out: 3 * 65536, added: 4 * 65536 };
/** What only jobs of whole numbers have: what one is worth for each pixel, and the biases and scales of eight outputs. */
const WORTH = { scales: 2048, outputs: 4096 };
/** What lies around and before the output. */
const UNTOUCHED = -77;

/** Inputs of a chunk and numbers between two pixels of each kind of tile, by the number of the job. */
const TILES = [
  { depth: 8, stride: 8, finish: 'linear' },
  { depth: 8, stride: 8, finish: 'relu6' },
  { depth: 8, stride: 8, finish: 'add' },
  { depth: 1, stride: 1, finish: 'linear' },
  { depth: 9, stride: 6, finish: 'relu6' },
] as const;

/** The stride of each kind of depthwise convolution that follows, and whether squares are added. */
const DEPTHWISE = [[1, false], [2, false], [1, true], [2, true]] as const;

/** What jobs of whole numbers do to their sums, by the number of the job. */
const FINISHES = ['linear', 'relu6', 'add', 'add, relu6'] as const;

/** Widths of a depthwise convolution: all small ones, and those that have sevens of outputs at their ends and between. */
const WIDTHS = [...Array(16).keys(), 21, 28, 41, 42];

/** Tries every job at sizes that leave every kind of remainder; the largest difference, and how many jobs were done. */
export async function checkKernels(url: string): Promise<{ jobs: number; difference: number; stray: number }> {
  const memory = new WebAssembly.Memory({ initial: 5 });
  const { instance } = await WebAssembly.instantiateStreaming(fetch(url), { env: { memory } });
  const [run, runIntegers] = [instance.exports['run'], instance.exports['run_integers']] as ((job: number) => void)[];
  const floats = (at: number) => new Float32Array(memory.buffer, at, 65536 / 4);
  const [input, weights, out, added] = [PLACES.input, PLACES.weights, PLACES.out, PLACES.added].map(floats) as [
    Float32Array, Float32Array, Float32Array, Float32Array,
  ];
  const job = new Uint32Array(memory.buffer, PLACES.job, 10);
  const random = generator(7);
  for (const array of [input, weights, added]) array.forEach((_, at) => (array[at] = random()));
  const result = { jobs: 0, difference: 0, stray: 0 };
  const compare = (expected: number, found: number) => {
    const difference = Math.abs(expected - found);
    // A NaN is no difference that any comparison would show.
    result.difference = Math.max(result.difference, Number.isNaN(difference) ? Infinity : difference);
  };
  const check = (expected: number[], does = run) => {
    out.fill(UNTOUCHED);
    does?.(PLACES.job);
    result.jobs += 1;
    expected.forEach((value, at) => compare(value, out[at] as number));
    result.stray += out.subarray(expected.length).filter((value) => value !== UNTOUCHED).length;
  };

  for (const [kind, { depth, stride, finish }] of TILES.entries()) {
    for (let pixels = 0; pixels < 14; pixels++) {
      for (const chunks of [0, 1, 3]) {
        const step = 14 * stride + depth;
        job.set([kind, PLACES.input, step, chunks, depth, PLACES.weights, PLACES.out, PLACES.added, pixels]);
        check(
          each(pixels, (pixel, channel) => {
            let sum = weights[channel] as number;
            for (let k = 0; k < chunks * depth; k++) {
              const value = input[Math.floor(k / depth) * step + pixel * stride + (k % depth)] as number;
              sum += value * (weights[(k + 1) * PANEL + channel] as number);
            }
            if (finish === 'relu6') return relu6(sum);
            return finish === 'add' ? sum + (added[pixel * PANEL + channel] as number) : sum;
          }),
        );
      }
    }
  }
  for (const [kind, [stride, squared]] of DEPTHWISE.entries()) {
    for (const width of WIDTHS) {
      for (const rows of [0, 1, 3]) {
        const outputs = Math.ceil(width / stride);
        job.set([
          TILES.length + kind, PLACES.input, width, rows, squared ? PLACES.added : 0, PLACES.weights, PLACES.out, 0, 0,
        ]);
        const before = added.slice();
        const expected = each(rows * outputs, (pixel, channel) => {
          let sum = weights[channel] as number;
          for (let tap = 0; tap < 9; tap++) {
            const column = (pixel % outputs) * stride + (tap % 3) - 1;
            if (column < 0 || column >= width) continue;
            const row = Math.floor(pixel / outputs) * stride + Math.floor(tap / 3);
            const value = input[(row * width + column) * PANEL + channel] as number;
            sum += value * (weights[(tap + 1) * PANEL + channel] as number);
          }
          return relu6(sum);
        });
        check(expected);
        // Half of a pixel's numbers are added to four sums, then the other half.
        const square = (at: number) => (expected[at] as number) ** 2;
        added.forEach((found, at) => {
          const first = Math.floor(at / 4) * PANEL + (at % 4);
          const grown = squared && at < expected.length / 2 ? square(first) + square(first + 4) : 0;
          compare((before[at] as number) + grown, found);
        });
        added.set(before);
      }
    }
  }

  const [whole, wholeWeights] = [PLACES.input, PLACES.weights].map((at) => new Int16Array(memory.buffer, at, 65536 / 2)) as [
    Int16Array, Int16Array,
  ];
  const [scales, outputs] = [WORTH.scales, WORTH.outputs].map((at) => new Float32Array(memory.buffer, at, 2 * PANEL)) as [
    Float32Array, Float32Array,
  ];
  // The largest inputs that there are, with weights whose sums stay within 32 bits.
  whole.forEach((_, at) => (whole[at] = Math.round(random() * 4095.5)));
  wholeWeights.forEach((_, at) => (wholeWeights[at] = Math.round(random() * 4000)));
  scales.forEach((_, at) => (scales[at] = 1e-4 * (2.5 + random())));
  outputs.forEach((_, at) => (outputs[at] = at < PANEL ? random() : 1e-4 * (2.5 + random())));
  for (const [kind, finish] of FINISHES.entries()) {
    for (let pixels = 0; pixels < 14; pixels++) {
      for (const chunks of [0, 1, 3]) {
        const step = 15 * PANEL;
        job.set([
          kind, PLACES.input, step / 2, chunks, WORTH.scales, PLACES.weights, PLACES.out, PLACES.added, pixels, WORTH.outputs,
        ]);
        check(
          each(pixels, (pixel, channel) => {
            let sum = 0;
            for (let k = 0; k < chunks * PANEL; k++) {
              const value = whole[Math.floor(k / PANEL) * step + pixel * PANEL + (k % PANEL)] as number;
              sum += value * (wholeWeights[(k >> 1) * 2 * PANEL + 2 * channel + (k & 1)] as number);
            }
            const worth = (scales[pixel] as number) * (outputs[PANEL + channel] as number);
            const adds = finish.startsWith('add') ? (added[pixel * PANEL + channel] as number) : 0;
            const value = sum * worth + (outputs[channel] as number) + adds;
            return finish.endsWith('relu6') ? relu6(value) : value;
          }),
          runIntegers,
        );
      }
    }
  }
  return result;
}

function each(pixels: number, value: (pixel: number, channel: number) => number): number[] {
  return Array.from({ length: pixels * PANEL }, (_, at) => value(Math.floor(at / PANEL), at % PANEL));
}

function relu6(value: number): number {
  return Math.min(6, Math.max(0, value));
}

/** Numbers from -2 to 2, so that both limits of ReLU6 are met. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 30 - 2;
  };
}
