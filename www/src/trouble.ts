import { RekindleError } from 'rekindle';

/** What went wrong and what to do about it, for a person. */
export interface Trouble {
  what: string;
  todo: string;
}

const SENTENCES: Record<string, Trouble> = {
  WEBGPU_UNAVAILABLE: {
    what: 'The graphics processor cannot be used here.',
    todo: 'Reload the page: it will use the processor instead.',
  },
  DEVICE_LOST: {
    what: 'The browser took the graphics processor away in the middle of the work.',
    todo: 'Save what you can, reload the page and open your project again.',
  },
  DEVICE_WRONG: {
    what: 'The graphics processor gives wrong results.',
    todo: 'Reload the page, or update the graphics driver.',
  },
  WORKER_FAILED: {
    what: 'The part that does the computing stopped.',
    todo: 'Reload the page. If it happens again, try fewer or smaller photos.',
  },
  WASM_FAILED: {
    what: 'The computing part could not be started in this browser.',
    todo: 'Update the browser: it needs WebAssembly with SIMD. Then reload.',
  },
  WEIGHTS_FETCH: {
    what: 'The pretrained model could not be fetched.',
    todo: 'Check the connection and try again.',
  },
  WEIGHTS_FORMAT: {
    what: 'The pretrained model arrived damaged.',
    todo: 'Reload the page to fetch it again.',
  },
  WEIGHTS_MISMATCH: {
    what: 'The pretrained model is not the one this page was built for.',
    todo: 'Reload the page, past the cache if need be.',
  },
  IMAGE_DECODE: {
    what: 'This file is not a picture that can be read.',
    todo: 'Use JPEG, PNG, WebP or another format that your browser shows.',
  },
  TOO_FEW_EXAMPLES: {
    what: 'There are not enough photos to learn from.',
    todo: 'Give at least two classes some photos each.',
  },
  NOT_TRAINED: {
    what: 'Nothing has been trained yet.',
    todo: 'Train first, or open a project that was trained.',
  },
  PROJECT_FORMAT: {
    what: 'This project file cannot be opened: it is damaged, or was made by another version.',
    todo: 'Try another copy of it. What you had here is untouched.',
  },
  STORAGE_QUOTA: {
    what: 'The browser has no room left to store this.',
    todo: 'Free some space on this device and try again.',
  },
  OUT_OF_MEMORY: {
    what: 'The browser ran out of memory.',
    todo: 'Close other tabs, or use fewer photos or fewer views of each.',
  },
  TRAINING_DIVERGED: {
    what: 'The training ran off and its numbers became useless.',
    todo: 'Lower the learning rate in the options and train again.',
  },
  DISPOSED: {
    what: 'This project was closed.',
    todo: 'Reload the page.',
  },
  INTERNAL: {
    what: 'Something broke that should not break.',
    todo: 'Save your project, reload the page, and please report what you did.',
  },
};

/** What fails where files of the page cannot be fetched. */
const FETCHING: readonly string[] = ['WORKER_FAILED', 'WASM_FAILED', 'WEIGHTS_FETCH'];
const OFFLINE: Trouble = {
  what: 'This device is offline, so the parts that do the work cannot be fetched.',
  todo: 'Connect and try again; once they are here, no connection is needed.',
};

/** The plain sentences for an error; the package's own message where it says more, as it does for sizes and options. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof RekindleError) {
    if (FETCHING.includes(error.code) && !navigator.onLine) return OFFLINE;
    return SENTENCES[error.code] ?? { what: sentence(error.message), todo: '' };
  }
  return { what: sentence(error instanceof Error ? error.message : String(error)), todo: '' };
}

/** Whether the error only says that somebody pressed stop. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** A sentence with a capital and a full stop. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
