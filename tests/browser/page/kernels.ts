/** A kernel module on a memory of the test's own, against the definitions of what it computes. */

/** Numbers of a panel's pixel. */
const PANEL = 8;
/** Where in the memory the job, its inputs, its output and the map that is added lie, in bytes; 64 KiB each but the job. */
const PLACES = { job: 1024, input: 65536, weights: 2 * 65536, out: 3 * 65536, added: 4 * 65536 };
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

/** Tries every job at sizes that leave every kind of remainder; the largest difference, and how many jobs were done. */
export async function checkKernels(url: string): Promise<{ jobs: number; difference: number; stray: number }> {
  const memory = new WebAssembly.Memory({ initial: 5 });
  const { instance } = await WebAssembly.instantiateStreaming(fetch(url), { env: { memory } });
  const run = instance.exports['run'] as (job: number) => void;
  const floats = (at: number) => new Float32Array(memory.buffer, at, 65536 / 4);
  const [input, weights, out, added] = [PLACES.input, PLACES.weights, PLACES.out, PLACES.added].map(floats) as [
    Float32Array, Float32Array, Float32Array, Float32Array,
  ];
  const job = new Uint32Array(memory.buffer, PLACES.job, 9);
  const random = generator(7);
  for (const array of [input, weights, added]) array.forEach((_, at) => (array[at] = random()));
  const result = { jobs: 0, difference: 0, stray: 0 };
  const check = (expected: number[]) => {
    out.fill(UNTOUCHED);
    run(PLACES.job);
    result.jobs += 1;
    expected.forEach((value, at) => {
      const difference = Math.abs(value - (out[at] as number));
      // A NaN is no difference that any comparison would show.
      result.difference = Math.max(result.difference, Number.isNaN(difference) ? Infinity : difference);
    });
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
  for (const stride of [1, 2]) {
    for (let width = 0; width < 16; width++) {
      const row = 16 * PANEL;
      const rows = [0, 1, 2].map((index) => PLACES.input + index * row * 4);
      job.set([TILES.length + stride - 1, ...rows, width, PLACES.weights, PLACES.out, 0, 0]);
      check(
        each(Math.ceil(width / stride), (pixel, channel) => {
          let sum = weights[channel] as number;
          for (let tap = 0; tap < 9; tap++) {
            const column = pixel * stride + (tap % 3) - 1;
            if (column < 0 || column >= width) continue;
            const value = input[Math.floor(tap / 3) * row + column * PANEL + channel] as number;
            sum += value * (weights[(tap + 1) * PANEL + channel] as number);
          }
          return relu6(sum);
        }),
      );
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
