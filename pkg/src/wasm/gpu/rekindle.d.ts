// The build with WebGPU has the same face as the one without.
export * from '../cpu/rekindle.js';
export { default } from '../cpu/rekindle.js';
