import type { BackboneInfo } from './types.js';
export const BACKBONES: readonly BackboneInfo[] = [];
