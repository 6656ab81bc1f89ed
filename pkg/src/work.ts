/** What is left to embed: pieces that the session takes itself or lends to its helpers. */
import type { View } from './wasm.js';

/** Views of an example that are embedded together. */
export interface Piece {
  readonly example: number;
  readonly views: View[];
}

/**
 * The pieces of one preparation. What was lent is not waited for: when nothing else is left, the session does it too, and
 * whoever is first counts. So nothing is lost with a helper that fails, hangs or is killed, and no core idles at the end.
 */
export class Work {
  /** Views that are embedded. */
  done = 0;
  /** All views but those of examples that were removed meanwhile. */
  total: number;
  /** The next one last. */
  readonly #left: Piece[];
  /** What helpers failed at. */
  readonly #returned: Piece[] = [];
  readonly #lent: Piece[] = [];
  /** Views of each piece that are embedded. */
  readonly #embedded = new Map<Piece, number>();

  /** Splits the examples into pieces of at most this many views. */
  constructor(pending: readonly Piece[], most: number) {
    this.total = pending.reduce((sum, { views }) => sum + views.length, 0);
    this.#left = pending.flatMap((piece) => split(piece, most)).reverse();
  }

  /** A piece for a helper. */
  lend(): Piece | undefined {
    const piece = this.#left.pop();
    if (piece) this.#lent.push(piece);
    return piece;
  }

  /** A helper could not do it: only the session may try again. */
  giveBack(piece: Piece): void {
    this.#returned.push(piece);
  }

  /** A piece for the session itself; undefined when all are done. */
  take(): Piece | undefined {
    // Of those that are lent the latest, which its helper is farthest from.
    for (const pieces of [this.#returned, this.#left, this.#lent]) {
      for (let piece = pieces.pop(); piece; piece = pieces.pop()) if (!this.isDone(piece)) return piece;
    }
    return undefined;
  }

  isDone(piece: Piece): boolean {
    return this.#embedded.get(piece) === piece.views.length;
  }

  /** The first views of a piece are embedded, this many of them. */
  advance(piece: Piece, embedded: number): void {
    this.done += this.#reach(piece, embedded);
  }

  /** The example was removed: what is left of the piece need not be done. */
  drop(piece: Piece): void {
    this.total -= this.#reach(piece, piece.views.length);
  }

  /** Gives how many views farther that is. */
  #reach(piece: Piece, embedded: number): number {
    const before = this.#embedded.get(piece) ?? 0;
    this.#embedded.set(piece, Math.max(before, embedded));
    return Math.max(0, embedded - before);
  }
}

function split({ example, views }: Piece, most: number): Piece[] {
  const pieces: Piece[] = [];
  for (let from = 0; from < views.length; from += most) pieces.push({ example, views: views.slice(from, from + most) });
  return pieces;
}
