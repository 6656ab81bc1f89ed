/** Reading a safetensors file (https://github.com/huggingface/safetensors): a length, a JSON header, the numbers. */

/** A tensor, row by row. */
export interface NamedTensor {
  shape: number[];
  values: Float32Array;
}

/** All tensors of a file, as f32. */
export function readSafetensors(bytes: Uint8Array): Map<string, NamedTensor> {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  delete header['__metadata__'];
  return new Map(
    Object.entries(header).map(([name, { dtype, shape, data_offsets: [start, end] }]) => {
      // A copy of its own is aligned, which the file's numbers need not be.
      const data = bytes.slice(8 + length + start, 8 + length + end).buffer;
      if (dtype === 'F32') return [name, { shape, values: new Float32Array(data) }];
      if (dtype === 'F16') return [name, { shape, values: Float32Array.from(new Float16Array(data)) }];
      throw new Error(`tensor ${name} has the type ${dtype}`);
    }),
  );
}
