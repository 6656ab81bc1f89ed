/** What build.mjs puts in: what the files of this build must be. */

/** The weights, to the byte; the hash in hexadecimal. */
declare const MOBILENET_V2: Readonly<Record<'f16' | 'int8', { readonly bytes: number; readonly sha256: string }>>;
/** The kernels, as subresource integrity. */
declare const KERNEL_INTEGRITY: { readonly relaxed: string; readonly plain: string };
