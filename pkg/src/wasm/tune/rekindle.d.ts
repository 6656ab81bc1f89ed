// Stands for the glue that wasm-bindgen writes to dist/wasm/tune; TypeScript checks the workers against it.
import type { TuningModule } from '../../wasm.js';

declare const init: TuningModule['default'];
export default init;
export declare const useKernels: TuningModule['useKernels'];
export declare const FineTuner: TuningModule['FineTuner'];
