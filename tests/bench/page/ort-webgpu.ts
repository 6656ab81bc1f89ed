/** onnxruntime-web's WebGPU provider. */

import * as ort from 'onnxruntime-web/webgpu';
import { startOn } from './ort.ts';

export const start = startOn(ort, 'webgpu');
