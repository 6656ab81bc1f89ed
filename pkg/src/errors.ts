/** Everything that can go wrong, by code. The codes are the same in every version; the messages may change. */
export const ERROR_CODES = [
  'WEBGPU_UNAVAILABLE',
  'DEVICE_LOST',
  'DEVICE_WRONG',
  'WORKER_FAILED',
  'WASM_FAILED',
  'WEIGHTS_FETCH',
  'WEIGHTS_FORMAT',
  'WEIGHTS_MISMATCH',
  'IMAGE_DECODE',
  'IMAGE_SHAPE',
  'OPTION_INVALID',
  'TOO_FEW_EXAMPLES',
  'LABEL_UNKNOWN',
  'NOT_TRAINED',
  'PROJECT_FORMAT',
  'STORAGE_QUOTA',
  'OUT_OF_MEMORY',
  'TRAINING_DIVERGED',
  'DISPOSED',
  'INTERNAL',
] as const;

/** One of {@link ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What went wrong, as data: an option's name and range, an image's size, a file's address. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * What every call of this library rejects with, except for cancelling, which rejects with the signal's own reason
 * (the standard `AbortError`).
 *
 * @example
 * try {
 *   await tuner.train({ epochs: 0 }).report;
 * } catch (error) {
 *   if (error instanceof RekindleError && error.code === 'OPTION_INVALID') console.warn(error.details.expected);
 * }
 */
export class RekindleError extends Error {
  override readonly name = 'RekindleError';

  /**
   * @param code What happened, for programs.
   * @param message What happened and what to do about it, for people.
   * @param details What happened, as plain data.
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: ErrorDetails = {},
  ) {
    super(message);
  }

  /** Makes the error that the worker described. */
  static of({ code, message, details }: { code: ErrorCode; message: string; details: ErrorDetails }): RekindleError {
    return new RekindleError(code, message, details);
  }

  /** Makes a RekindleError of anything that was thrown; what is not known becomes `INTERNAL`. */
  static from(thrown: unknown): RekindleError {
    if (thrown instanceof RekindleError) return thrown;
    const { name, code, message, details, stack } = Object(thrown) as Partial<RekindleError>;
    const text = message ?? String(thrown);
    if ((name as string) === 'RekindleError' && isErrorCode(code)) return new RekindleError(code, text, details);
    if (thrown instanceof RangeError && /memory|allocat|array length/i.test(text)) {
      return new RekindleError('OUT_OF_MEMORY', `the browser has no memory left for this: ${text}. Use smaller images.`);
    }
    return new RekindleError('INTERNAL', `internal error: ${text}. Please report it.`, { stack: stack ?? null });
  }
}

function isErrorCode(code: unknown): code is ErrorCode {
  return (ERROR_CODES as readonly unknown[]).includes(code);
}

/** The error for an option, argument or call that is not allowed, worded as the Rust core words it. */
export function optionInvalid(option: string, found: unknown, expected: string): RekindleError {
  const shown = typeof found === 'string' ? found : describe(found);
  const message = `option \`${option}\` is ${shown}; it must be ${expected}`;
  return new RekindleError('OPTION_INVALID', message, { option, found: shown, expected });
}

function describe(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Object.prototype.toString.call(value).slice(8, -1);
  return String(value);
}
