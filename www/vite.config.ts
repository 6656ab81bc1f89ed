import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  // Relative addresses: the built page works from any folder of any server.
  base: './',
  plugins: [svelte()],
  // The package finds its worker and its wasm beside its own modules; pre-bundling would move them apart.
  optimizeDeps: { exclude: ['rekindle'] },
  worker: { format: 'es' },
  build: { target: 'es2023' },
});
