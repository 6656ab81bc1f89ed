/** Checks what a caller gives before anything is fetched or posted. The training's options are checked by the core. */
import { type BackboneRequest, backboneRequest, classifierSource } from './backbone.js';
import { DEFAULT_BUDGET, DEFAULT_CREATE_OPTIONS, DEFAULT_PREVIEW_OPTIONS, DEFAULT_SPEEDS } from './defaults.js';
import { optionInvalid } from './errors.js';
import type { AddOptions, Budget, CreateOptions, DeviceChoice, PreviewOptions } from './types.js';

interface Rule {
  expected: string;
  allows: (value: unknown) => boolean;
}

type Rules<T> = Record<keyof T, Rule>;

const CREATE_RULES: Rules<CreateOptions> = {
  backbone: {
    expected: "a name in Tuner.backbones, 'hf:owner/name', an address (string or URL) or a Blob",
    allows: (value) => isPlace(value) && value !== '',
  },
  spec: { expected: 'an object that describes the weights', allows: (value) => typeof value === 'object' && value !== null },
  sha256: { expected: '64 hexadecimal digits', allows: (value) => typeof value === 'string' && /^[\da-f]{64}$/i.test(value) },
  baseUrl: { expected: 'an address (string or URL)', allows: (value) => typeof value === 'string' || value instanceof URL },
  cache: { expected: 'true or false', allows: (value) => typeof value === 'boolean' },
  classifier: { expected: 'an address (string or URL) or a Blob', allows: isPlace },
  precision: oneOf('f16', 'int8'),
  device: oneOf('auto', 'cpu', 'webgpu'),
  seed: whole(0, 4294967295),
  inputSize: whole(32, 1024),
  workers: whole(1, 32),
  weights: { expected: 'an address (string or URL) or a Blob', allows: isPlace },
  onProgress: { expected: 'a function', allows: (value) => typeof value === 'function' },
  signal: { expected: 'an AbortSignal', allows: (value) => value instanceof AbortSignal },
};

const PREVIEW_RULES: Rules<PreviewOptions> = {
  augment: { expected: 'an object', allows: (value) => typeof value === 'object' && value !== null },
  views: whole(1, 100),
  seed: whole(0, 4294967295),
};

const TOP_RULES: Rules<{ top?: number }> = { top: whole(1, 1000) };

const BUDGET_RULES: Rules<Budget> = { viewMs: positive(), downloadMb: positive(), device: oneOf('cpu', 'webgpu'), speed: positive() };

const ADD_RULES: Rules<AddOptions> = {
  group: { expected: 'a string that is not empty', allows: (value) => typeof value === 'string' },
};

/** Create options, checked, with defaults filled in and the backbone found. */
export interface StartOptions {
  device: DeviceChoice;
  seed: number;
  inputSize: CreateOptions['inputSize'] | undefined;
  workers: CreateOptions['workers'] | undefined;
  onProgress: CreateOptions['onProgress'] | undefined;
  signal: CreateOptions['signal'] | undefined;
  backbone: BackboneRequest;
  classifier: string | Blob | null;
}

/**
 * @param opening Whether a project is opened, which knows its backbone where the options name none.
 * @throws {RekindleError} OPTION_INVALID naming the option that is unknown or out of its range.
 */
export function checkCreateOptions(given: CreateOptions, opening: boolean): StartOptions {
  const options = checked(given, CREATE_RULES);
  const { inputSize, workers, onProgress, signal, device = DEFAULT_CREATE_OPTIONS.device, seed = DEFAULT_CREATE_OPTIONS.seed } = options;
  const backbone = backboneRequest(options, opening);
  return { device, seed, inputSize, workers, onProgress, signal, backbone, classifier: classifierSource(options) };
}

/** @throws {RekindleError} OPTION_INVALID naming the option that is unknown or out of its range. */
export function checkPreviewOptions(options: PreviewOptions): PreviewOptions & { views: number } {
  return { ...DEFAULT_PREVIEW_OPTIONS, ...checked(options, PREVIEW_RULES) };
}

/** @throws {RekindleError} OPTION_INVALID naming the option that is unknown or out of its range. */
export function checkTopOptions(options: { top?: number }): { top: number } {
  return { top: 5, ...checked(options, TOP_RULES) };
}

/** @throws {RekindleError} OPTION_INVALID naming the option that is unknown or out of its range. */
export function checkBudget(budget: Budget): Required<Budget> {
  const given = { ...DEFAULT_BUDGET, ...checked(budget, BUDGET_RULES) };
  return { speed: DEFAULT_SPEEDS[given.device], ...given };
}

/**
 * The options, the group as labels are kept.
 *
 * @throws {RekindleError} OPTION_INVALID naming the option that is unknown or empty.
 */
export function checkAddOptions(options: AddOptions): AddOptions {
  const { group } = checked(options, ADD_RULES);
  return group === undefined ? {} : { group: checkLabel(group, 'group') };
}

/** @throws {RekindleError} OPTION_INVALID when something else is given as a signal. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal !== undefined) check('signal', signal, CREATE_RULES.signal);
}

/**
 * A label as it is kept: without white space at its ends, and composed (NFC), since folder names come decomposed from
 * some systems and would look like a class that exists.
 *
 * @throws {RekindleError} OPTION_INVALID when nothing is left or it is no string.
 */
export function checkLabel(label: string, option = 'label'): string {
  const expected = 'a string that is not empty';
  if (typeof label !== 'string') throw optionInvalid(option, label, expected);
  const kept = label.trim().normalize('NFC');
  if (kept === '') throw optionInvalid(option, 'empty', expected);
  return kept;
}

/** Options as they were meant: what is undefined was left out. */
export function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function checked<T extends object>(given: T, rules: Rules<T>): T {
  const options = withoutUndefined(given);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) throw optionInvalid(name, 'not an option', oneOf(...Object.keys(rules)).expected);
    check(name, value, rules[name as keyof T]);
  }
  return options;
}

function check(option: string, value: unknown, rule: Rule): void {
  if (!rule.allows(value)) throw optionInvalid(option, value, rule.expected);
}

function isPlace(value: unknown): boolean {
  return typeof value === 'string' || value instanceof URL || value instanceof Blob;
}

function oneOf(...names: string[]): Rule {
  return { expected: `one of ${names.join(', ')}`, allows: (value) => names.includes(value as string) };
}

function positive(): Rule {
  return { expected: 'a positive number', allows: (value) => typeof value === 'number' && value > 0 };
}

function whole(least: number, most: number): Rule {
  return {
    expected: `a whole number from ${least} to ${most}`,
    allows: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  };
}
