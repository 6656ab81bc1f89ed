/** Another library with the same network, inside the page. */

/** What it takes and gives. */
export interface Peer {
  /** Whether images are `[3, side, side]` instead of `[side, side, 3]`. */
  channelsFirst: boolean;
  /** The embeddings of `count` normalised images, one after the other. */
  embed(images: Float32Array, count: number): Promise<Float32Array>;
}

/** Starts the library and gives it the weights. */
export type Start = (weights: Uint8Array, side: number) => Promise<Peer>;
