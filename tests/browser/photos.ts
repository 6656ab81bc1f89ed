/** The real photographs of the set `cutout`, as `cargo xtask photos` lays them out. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Parts of the set: 133 photos to train on, 57 to test with. */
export type Split = 'train' | 'test';

/** One photo: its place below the folder of the set, and what it shows. */
export interface Photo {
  split: Split;
  label: string;
  path: string;
}

const COUNTS: Record<Split, number> = { train: 133, test: 57 };

function cache(): string {
  const own = process.env['REKINDLE_CACHE'];
  return own ?? path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'rekindle');
}

/** A weights file that `cargo xtask weights` has fetched or made. */
export function weightsFile(name: string): Buffer {
  const file = path.join(cache(), 'weights', name);
  if (!existsSync(file)) throw new Error(`there is no ${file}: run \`cargo xtask weights\``);
  return readFileSync(file);
}

/** Folder of the set: `<split>/<label>/NNN.jpg`. */
export function photoFolder(): string {
  const folder = path.join(cache(), 'photos', 'cutout');
  if (!existsSync(folder)) throw new Error(`there are no photos in ${folder}: run \`cargo xtask photos\``);
  return folder;
}

/** Every photo of the set, in an order that is the same everywhere. */
export function listPhotos(): Photo[] {
  const folder = photoFolder();
  const photos = (Object.keys(COUNTS) as Split[]).flatMap((split) =>
    names(path.join(folder, split)).flatMap((label) =>
      names(path.join(folder, split, label)).map((name) => ({ split, label, path: `${split}/${label}/${name}` })),
    ),
  );
  for (const [split, count] of Object.entries(COUNTS)) {
    const found = photos.filter((photo) => photo.split === split).length;
    if (found !== count) {
      throw new Error(`${folder}/${split} holds ${found} photos and should hold ${count}: run \`cargo xtask photos\``);
    }
  }
  return photos;
}

function names(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}
