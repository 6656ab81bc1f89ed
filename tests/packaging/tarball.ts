/** The npm package as it would be published, and projects that have it installed. */

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('../../pkg/', import.meta.url));

const BUILT = [
  'dist/index.js',
  'dist/wasm/cpu/rekindle_bg.wasm',
  'dist/wasm/gpu/rekindle_bg.wasm',
  'dist/wasm/kernels-plain.wasm',
  'dist/wasm/kernels-relaxed.wasm',
  'weights/mobilenet_v2.safetensors',
  'weights/mobilenet_v2.int8.safetensors',
];

/** The packed package, in a folder of its own outside the repository. */
export class Tarball {
  readonly path: string;
  /** Paths inside the package. */
  readonly files: string[];
  readonly #folder: string;

  /** Runs `npm pack`. @throws when the package is not built. */
  constructor() {
    const missing = BUILT.filter((file) => !existsSync(path.join(PACKAGE, file)));
    if (missing.length > 0) throw new Error(`pkg/${missing.join(', pkg/')} missing: run \`cargo xtask build\` first`);
    this.#folder = mkdtempSync(path.join(tmpdir(), 'rekindle-packaging-'));
    const answer = npm(['pack', '--json', '--pack-destination', this.#folder], PACKAGE);
    const [packed] = JSON.parse(answer) as { filename: string; files: { path: string }[] }[];
    if (!packed) throw new Error('npm pack made nothing');
    this.path = path.join(this.#folder, packed.filename);
    this.files = packed.files.map((file) => file.path);
  }

  bytes(): Buffer {
    return readFileSync(this.path);
  }

  /** A copy of `source` with the package installed from the tarball; no registry is needed. */
  install(name: string, source: URL): string {
    const project = path.join(this.#folder, name);
    cpSync(source, project, { recursive: true });
    writeFileSync(path.join(project, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
    npm(['install', '--offline', '--no-audit', '--no-fund', this.path], project);
    return project;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function npm(args: string[], cwd: string): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
