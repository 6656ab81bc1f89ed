/** onnxruntime-web's wasm provider. */

import * as ort from 'onnxruntime-web/wasm';
import { startOn } from './ort.ts';

export const start = startOn(ort, 'wasm');
