// The console's build. Its files are served below /console/, by the server itself (lib/server/pages/console.ts).
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/console/',
  plugins: [react()],
  build: {
    target: ['chrome133', 'firefox130', 'safari17'],
    // Nothing inline: the page's policy allows no script or style that is not a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // @hpke/common asks for it where there is no Web Crypto: never in a browser that the console runs in.
      external: ['crypto'],
    },
    reportCompressedSize: false,
    license: false,
  },
});
