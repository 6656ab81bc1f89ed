/** Which pretrained backbone a caller means: a name, a repository of the hub, an address or a file. */
import { BACKBONES } from './catalogue.js';
import { DEFAULT_CREATE_OPTIONS } from './defaults.js';
import { optionInvalid } from './errors.js';
import { hashInName, hubName, packaged, SHIPPED } from './origin.js';
import type { BackboneInfo, Budget, CreateOptions, Precision, WeightsDescription } from './types.js';

/** A backbone that is to be loaded, as it is posted to the worker. */
export type BackboneRequest =
  /** The file that the package carries, or a copy of it elsewhere. */
  | { kind: 'shipped'; precision: Precision; source: string | Blob }
  /** Any other file, at an absolute address or at hand; `sha256` may be its first digits alone. */
  | { kind: 'file'; source: string | Blob; description: WeightsDescription; sha256: string | null; cache: boolean }
  /** A repository of timm at a hub. */
  | { kind: 'hub'; base: string; repository: string; revision: string; description: WeightsDescription; cache: boolean }
  /** What the project was made with. */
  | { kind: 'project'; base: string; cache: boolean };

/** One whose place is known. */
export type PlacedBackbone = Exclude<BackboneRequest, { kind: 'project' }>;

const HUB = 'https://huggingface.co';

const packagedClassifier = () => new URL('../weights/mobilenet_v2.classifier.safetensors', import.meta.url).href;

/**
 * What the options mean.
 *
 * @param opening Whether a project is opened, which knows its backbone where the options name none.
 * @throws {RekindleError} OPTION_INVALID when the backbone is none that is known, or an address is none.
 */
export function backboneRequest(options: CreateOptions, opening: boolean): BackboneRequest {
  const { backbone, weights, precision, spec: description = {}, sha256 = null, cache = true } = options;
  const base = address('baseUrl', options.baseUrl ?? HUB).replace(/\/+$/, '');
  if (opening && backbone === undefined && weights === undefined && precision === undefined) return { kind: 'project', base, cache };
  if (backbone === undefined || backbone === SHIPPED) {
    const stored = precision ?? DEFAULT_CREATE_OPTIONS.precision;
    return { kind: 'shipped', precision: stored, source: weights === undefined ? packaged(stored) : place('weights', weights) };
  }
  if (precision !== undefined) throw optionInvalid('precision', precision, `left out: it belongs to ${SHIPPED}, which is in the package`);
  const file = (source: string | Blob, said: WeightsDescription): BackboneRequest => {
    const known = sha256 ?? (typeof source === 'string' ? hashInName(source) : null);
    return { kind: 'file', source, description: said, sha256: known, cache };
  };
  if (typeof backbone !== 'string') return file(place('backbone', backbone), description);
  const named = hubName(backbone);
  if (named) return { kind: 'hub', base, ...named, description, cache };
  const known = BACKBONES.find(({ name, alias }) => name === backbone || alias === backbone);
  if (!known) {
    // A name has neither a slash nor a dot; a misspelt one is not taken for an address.
    if (/[/.]/.test(backbone) && !backbone.startsWith('hf:')) return file(address('backbone', backbone), description);
    throw optionInvalid('backbone', backbone, "a name in Tuner.backbones, 'hf:owner/name', an address or a file");
  }
  if (weights !== undefined) return file(place('weights', weights), { arch: known.name, ...description });
  // The hub says which architecture it is, and who trained it: TensorFlow's weights need another padding.
  if (known.hub) return { kind: 'hub', base, repository: known.hub, revision: 'main', description, cache };
  if (known.address) return file(known.address, { arch: known.name, ...description });
  throw optionInvalid('weights', 'not given', `the address or the file of weights of ${known.name}, for which no usual ones are known`);
}

/** The most accurate backbone that the budget allows, the one with fewer multiply-adds of equal ones. */
export function recommend({ viewMs, downloadMb, speed }: Required<Budget>): BackboneInfo | null {
  const fits = ({ multiplyAdds, downloadBytes }: BackboneInfo) => {
    return multiplyAdds / 1e6 / speed <= viewMs && downloadBytes !== null && downloadBytes / 1e6 <= downloadMb;
  };
  const better = (a: BackboneInfo, b: BackboneInfo) => (b.top1 ?? 0) - (a.top1 ?? 0) || a.multiplyAdds - b.multiplyAdds;
  return BACKBONES.filter((backbone) => backbone.top1 !== null && fits(backbone)).sort(better)[0] ?? null;
}

/** The file of the classifier that the weights were trained with; null where it can only be in the file of the weights. */
export function classifierSource({ backbone, classifier }: CreateOptions): string | Blob | null {
  if (classifier !== undefined) return place('classifier', classifier);
  return backbone === undefined || backbone === SHIPPED ? packagedClassifier() : null;
}

function place(option: string, given: string | URL | Blob): string | Blob {
  return given instanceof Blob ? given : address(option, given);
}

function address(option: string, given: string | URL): string {
  try {
    return new URL(given, globalThis.document?.baseURI ?? globalThis.location?.href).href;
  } catch {
    throw optionInvalid(option, String(given), 'a valid address');
  }
}
