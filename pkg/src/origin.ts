/** Where backbones come from, as projects and callers write it. */
import type { PlacedBackbone } from './backbone.js';
import { optionInvalid } from './errors.js';
import type { Precision, Spec, WeightsDescription } from './types.js';

/** The backbone in the package. */
export const SHIPPED = 'mobilenet_v2';

/** Where the package's own weights are. Bundlers find files by whole names. */
export function packaged(precision: Precision): string {
  return precision === 'int8'
    ? new URL('../weights/mobilenet_v2.int8.safetensors', import.meta.url).href
    : new URL('../weights/mobilenet_v2.safetensors', import.meta.url).href;
}

/** Where torchvision's weights are. */
const TORCHVISION = 'https://download.pytorch.org/models/';
/** The file that the package's own weights are of; torchvision has others of the same network. */
const SHIPPED_FROM = `${TORCHVISION}mobilenet_v2-b0353104.pth`;

/** The first digits of the sha256 that torchvision's files have in their names, as `torch.hub` checks them; null where an address has none. */
export function hashInName(address: string): string | null {
  return address.startsWith(TORCHVISION) ? (/-([\da-f]{8,64})\.pth$/.exec(address)?.[1] ?? null) : null;
}

/** What `hf:owner/name@revision` names; null where it is nothing of the kind. */
export function hubName(text: string): { repository: string; revision: string } | null {
  const [, repository, revision = 'main'] = /^hf:([\w.-]+\/[\w.-]+)(?:@([\w./-]+))?$/.exec(text) ?? [];
  return repository === undefined ? null : { repository, revision };
}

/**
 * The backbone that a project was made with.
 *
 * @param made What its file says: the architecture, how its weights were trained and where they came from.
 * @throws {RekindleError} OPTION_INVALID when that was a file at hand, or an address that only the caller knows: a project may be
 *   anybody's, and nothing is fetched from where it says.
 */
export function backboneOf(made: Spec, base: string, cache: boolean): PlacedBackbone {
  const { source, sha256, precision: stored, ...said } = made;
  const named = hubName(source);
  // The hub says again what it said then.
  if (named) return { kind: 'hub', base, ...named, description: {}, cache };
  if (said.arch === SHIPPED && source === SHIPPED_FROM) {
    const precision: Precision = stored ?? 'f16';
    return { kind: 'shipped', precision, source: packaged(precision) };
  }
  // Stages that were tuned have another hash, and are nowhere but in a file at hand.
  const hash = hashInName(source);
  if (hash !== null && sha256.startsWith(hash)) return { kind: 'file', source, description: said as WeightsDescription, sha256, cache };
  throw optionInvalid('backbone', 'not given', `the weights of ${said.arch} that the project was made with, which came from ${source}`);
}
