/** Checks what a caller gives before anything is fetched or posted. The training's options are checked by the core. */
import { DEFAULT_CREATE_OPTIONS, DEFAULT_PREVIEW_OPTIONS } from './defaults.js';
import { optionInvalid } from './errors.js';
import type { AddOptions, CreateOptions, DeviceChoice, PreviewOptions } from './types.js';

interface Rule {
  expected: string;
  allows: (value: unknown) => boolean;
}

type Rules<T> = Record<keyof T, Rule>;

const CREATE_RULES: Rules<CreateOptions> = {
  backbone: oneOf('mobilenet_v2'),
  device: oneOf('auto', 'cpu', 'webgpu'),
  seed: whole(0, 4294967295),
  inputSize: {
    expected: 'a multiple of 32 from 32 to 512',
    allows: (value) => whole(32, 512).allows(value) && Number(value) % 32 === 0,
  },
  workers: whole(1, 32),
  weights: {
    expected: 'an address (string or URL) or a Blob',
    allows: (value) => typeof value === 'string' || value instanceof URL || value instanceof Blob,
  },
  onProgress: { expected: 'a function', allows: (value) => typeof value === 'function' },
  signal: { expected: 'an AbortSignal', allows: (value) => value instanceof AbortSignal },
};

const PREVIEW_RULES: Rules<PreviewOptions> = {
  augment: { expected: 'an object', allows: (value) => typeof value === 'object' && value !== null },
  views: whole(1, 100),
  seed: whole(0, 4294967295),
};

const ADD_RULES: Rules<AddOptions> = {
  group: { expected: 'a string that is not empty', allows: (value) => typeof value === 'string' },
};

/** Create options, checked, with the defaults that do not depend on the weights. */
export type CheckedCreateOptions = CreateOptions & { device: DeviceChoice; seed: number };

/** @throws {RekindleError} OPTION_INVALID naming the option that is unknown or out of its range. */
export function checkCreateOptions(options: CreateOptions): CheckedCreateOptions {
  return { ...DEFAULT_CREATE_OPTIONS, ...checked(options, CREATE_RULES) };
}

/** @throws {RekindleError} OPTION_INVALID naming the option that is unknown or out of its range. */
export function checkPreviewOptions(options: PreviewOptions): PreviewOptions & { views: number } {
  return { ...DEFAULT_PREVIEW_OPTIONS, ...checked(options, PREVIEW_RULES) };
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

function oneOf(...names: string[]): Rule {
  return { expected: `one of ${names.join(', ')}`, allows: (value) => names.includes(value as string) };
}

function whole(least: number, most: number): Rule {
  return {
    expected: `a whole number from ${least} to ${most}`,
    allows: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  };
}
