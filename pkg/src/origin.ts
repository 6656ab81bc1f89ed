/** Where backbones come from, as projects and callers write it. */
import type { PlacedBackbone } from './backbone.js';
import { optionInvalid } from './errors.js';
import type { Precision, Spec } from './types.js';

/** The backbone in the package. */
export const SHIPPED = 'mobilenet_v2';

/** Where the package's own weights are. Bundlers find files by whole names. */
export function packaged(precision: Precision): string {
  return precision === 'int8'
    ? new URL('../weights/mobilenet_v2.int8.safetensors', import.meta.url).href
    : new URL('../weights/mobilenet_v2.safetensors', import.meta.url).href;
}

/** What `hf:owner/name@revision` names; null where it is nothing of the kind. */
export function hubName(text: string): { repository: string; revision: string } | null {
  const [, repository, revision = 'main'] = /^hf:([\w.-]+\/[\w.-]+)(?:@([\w./-]+))?$/.exec(text) ?? [];
  return repository === undefined ? null : { repository, revision };
}

/**
 * The backbone that a project was made with.
 *
 * @param made What its file says: the architecture and where its weights came from.
 * @throws {RekindleError} OPTION_INVALID when that was a file at hand.
 */
export function backboneOf({ source, arch, ...made }: Pick<Spec, 'source' | 'arch' | 'precision'>, base: string, cache: boolean): PlacedBackbone {
  const named = hubName(source);
  // The hub says again what it said then.
  if (named) return { kind: 'hub', base, ...named, description: {}, cache };
  if (arch === SHIPPED && source.startsWith('https://download.pytorch.org/')) {
    const precision: Precision = made.precision ?? 'f16';
    return { kind: 'shipped', precision, source: packaged(precision) };
  }
  throw optionInvalid('backbone', 'not given', `the weights of ${arch} that the project was made with, which came from ${source}`);
}
