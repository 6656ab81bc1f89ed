/** Image files written byte by byte: the ones that no camera makes. */

/** A part of an image file. */
type Part = Uint8Array | number[];

/** A still PNG of one colour (RGBA, 0 to 255), or with `frames` an animated one. */
export async function png(width: number, height: number, rgba: number[], frames = 1): Promise<File> {
  const row = join([[0], ...Array.from({ length: width }, () => rgba)]);
  const pixels = await deflate(join(Array.from({ length: height }, () => row)));
  const control = (sequence: number) => [
    ...u32(sequence), ...u32(width), ...u32(height), ...u32(0), ...u32(0), 0, 10, 0, 100, 0, 0,
  ];
  const later = Array.from({ length: frames - 1 }, (_, index) => [
    chunk('fcTL', control(index * 2 + 1)),
    chunk('fdAT', join([u32(index * 2 + 2), pixels])),
  ]).flat();
  const animated = frames > 1;
  return new File(
    [
      ...pngStart(width, height),
      ...(animated ? [chunk('acTL', [...u32(frames), ...u32(0)]), chunk('fcTL', control(0))] : []),
      chunk('IDAT', pixels),
      ...later,
      chunk('IEND', []),
    ] as BlobPart[],
    'made.png',
    { type: 'image/png' },
  );
}

/** A PNG that says it has this size and has hardly any pixels: a decoder that trusts it makes room for all of them. */
export function pngHeader(width: number, height: number): File {
  // zlib's stream of nothing.
  const pixels = chunk('IDAT', [0x78, 0x9c, 0x03, 0, 0, 0, 0, 1]);
  return new File([...pngStart(width, height), pixels, chunk('IEND', [])] as BlobPart[], 'header.png', { type: 'image/png' });
}

/** A JPEG that says it has this size and ends there. */
export function jpegHeader(width: number, height: number): File {
  const components = [1, 2, 3].flatMap((id) => [id, 0x11, 0]);
  const bytes = [
    ...[0xff, 0xd8], ...[0xff, 0xc0, 0, 17, 8], ...u32(height).slice(2), ...u32(width).slice(2), 3, ...components,
    ...[0xff, 0xd9],
  ];
  return new File([new Uint8Array(bytes)], 'header.jpg', { type: 'image/jpeg' });
}

/** A GIF of 2x2 black pixels with this many frames. */
export function gif(frames: number): File {
  const header = [...ascii('GIF89a'), 2, 0, 2, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255];
  const frame = [
    ...[0x21, 0xf9, 4, 0, 10, 0, 0, 0], ...[0x2c, 0, 0, 0, 0, 2, 0, 2, 0, 0],
    // LZW from 3-bit codes: clear, 0, 0, 0, then with 4 bits 0 and end.
    ...[2, 3, 0x04, 0x00, 0x05, 0],
  ];
  const all = [...header, ...Array.from({ length: frames }, () => frame).flat(), 0x3b];
  return new File([new Uint8Array(all)], 'made.gif', { type: 'image/gif' });
}

/** An animated WebP of two frames; `still` is the WebP file that both show. */
export async function animatedWebp(still: Blob, width: number, height: number): Promise<File> {
  const image = new Uint8Array(await still.arrayBuffer()).slice(12);
  const size = [...u24le(width - 1), ...u24le(height - 1)];
  const frame = riff('ANMF', join([[0, 0, 0, 0, 0, 0], size, u24le(100), [0], bitstream(image)]));
  const body = join([ascii('WEBP'), riff('VP8X', [2, 0, 0, 0, ...size]), riff('ANIM', [255, 255, 255, 255, 0, 0]), frame, frame]);
  return new File([riff('RIFF', body) as BlobPart], 'made.webp', { type: 'image/webp' });
}

/** The first part of a file. */
export async function cut(file: Blob, fraction: number): Promise<File> {
  return new File([file.slice(0, Math.floor(file.size * fraction))], 'cut', { type: file.type });
}

/** A file with another byte at `at`. */
export async function altered(file: Blob, at: number): Promise<File> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  return new File([bytes], 'altered', { type: file.type });
}

/** A JPEG with an EXIF block that holds nothing but this orientation, 1 to 8. */
export async function oriented(jpeg: Blob, orientation: number): Promise<File> {
  const bytes = new Uint8Array(await jpeg.arrayBuffer());
  const tiff = [
    ...ascii('MM'), 0, 42, ...u32(8), 0, 1,
    ...[0x01, 0x12], ...[0, 3], ...u32(1), ...[0, orientation, 0, 0], ...u32(0),
  ];
  const exif = [...ascii('Exif'), 0, 0, ...tiff];
  const block = new Uint8Array([0xff, 0xe1, ...u32(exif.length + 2).slice(2), ...exif]);
  return new File([bytes.slice(0, 2), block, bytes.slice(2)], 'oriented.jpg', { type: 'image/jpeg' });
}

function pngStart(width: number, height: number): Part[] {
  const signature = new Uint8Array([0x89, ...ascii('PNG'), 13, 10, 26, 10]);
  return [signature, chunk('IHDR', [...u32(width), ...u32(height), 8, 6, 0, 0, 0])];
}

function chunk(name: string, data: Part): Uint8Array {
  const named = join([ascii(name), data]);
  return join([u32(data.length), named, u32(crc32(named))]);
}

function riff(name: string, data: Part): Uint8Array {
  const size = u32(data.length).reverse();
  return join([ascii(name), size, data, data.length % 2 === 1 ? [0] : []]);
}

/** The bitstream of a still WebP; a frame may hold no other chunks. */
function bitstream(chunks: Uint8Array): Uint8Array {
  const kept = [];
  const view = new DataView(chunks.buffer, chunks.byteOffset);
  for (let at = 0; at < chunks.length; ) {
    const size = view.getUint32(at + 4, true);
    const end = at + 8 + size + (size % 2);
    const name = String.fromCharCode(...chunks.slice(at, at + 4));
    if (['ALPH', 'VP8 ', 'VP8L'].includes(name)) kept.push(chunks.slice(at, end));
    at = end;
  }
  return join(kept);
}

async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new CompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The checksum of a PNG chunk (ISO 3309). */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function ascii(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function u24le(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255];
}

function join(parts: Part[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
