/** Written to dist by build.mjs from the files in weights/: what a weights file must be, to the byte. */
export declare const MOBILENET_V2: {
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
};
