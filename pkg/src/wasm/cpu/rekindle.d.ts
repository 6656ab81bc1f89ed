// Stands for the glue that wasm-bindgen writes to dist/wasm/cpu; TypeScript checks the workers against it.
import type { WasmModule } from '../../wasm.js';

declare const init: WasmModule['default'];
export default init;
export declare const useKernels: WasmModule['useKernels'];
export declare const probe: WasmModule['probe'];
export declare const traits: WasmModule['traits'];
export declare const defaultTrainOptions: WasmModule['defaultTrainOptions'];
export declare const checkTrainOptions: WasmModule['checkTrainOptions'];
export declare const projectMadeWith: WasmModule['projectInputSize'];
export declare const Embedder: WasmModule['Embedder'];
export declare const Tuner: WasmModule['Tuner'];
