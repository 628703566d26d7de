import type { NextConfig } from 'next';

const config: NextConfig = {
  // Keyturn reads files and starts threads: it is required as it is, not bundled.
  serverExternalPackages: ['keyturn'],
};

export default config;
