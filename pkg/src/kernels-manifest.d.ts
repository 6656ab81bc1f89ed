/** Written to dist by build.mjs: what the kernel files must be, as subresource integrity. */
export declare const KERNEL_INTEGRITY: { readonly relaxed: string; readonly plain: string };
