/** The served photos, inside the page. */

import type { Photo, Split } from '../photos.ts';

/** A photo as a file, with what it shows. */
export interface LabelledFile {
  label: string;
  file: File;
}

/** Files of a split, at most `perClass` of each class. */
export async function photos(split: Split, perClass = Infinity): Promise<LabelledFile[]> {
  const all = (await (await fetch('/photos.json')).json()) as Photo[];
  const taken = new Map<string, number>();
  const chosen = all.filter((photo) => {
    const count = taken.get(photo.label) ?? 0;
    if (photo.split !== split || count >= perClass) return false;
    taken.set(photo.label, count + 1);
    return true;
  });
  return Promise.all(
    chosen.map(async ({ label, path }) => {
      const bytes = await (await fetch(`/photos/${path}`)).arrayBuffer();
      return { label, file: new File([bytes], path, { type: 'image/jpeg' }) };
    }),
  );
}

/** The files of each class. */
export function byLabel(files: LabelledFile[]): Map<string, File[]> {
  const classes = new Map<string, File[]>();
  for (const { label, file } of files) classes.set(label, [...(classes.get(label) ?? []), file]);
  return classes;
}

/** `perClass` files of each class, drawn at random; the same seed draws the same ones. */
export function draw(files: LabelledFile[], perClass: number, seed: number): LabelledFile[] {
  const random = mulberry32(seed);
  return [...byLabel(files)].flatMap(([label, of]) => {
    const pool = [...of];
    return Array.from({ length: Math.min(perClass, pool.length) }, () => {
      const [file] = pool.splice(Math.floor(random() * pool.length), 1);
      return { label, file: file as File };
    });
  });
}

/** Tommy Ettinger's 32-bit generator, from 0 to below 1. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
