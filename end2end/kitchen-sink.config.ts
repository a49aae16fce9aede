// What Leptos offers to islands works with our shell, also where our own pages do without. `npm run kitchen-sink`
// builds the page (kitchen-sink/build.sh), serves it and opens it in a browser.

import { defineConfig } from '@playwright/test';
import { resolve } from 'node:path';

const executablePath = process.env['CHROMIUM_PATH'];
const port = Number(process.env['KITCHEN_SINK_PORT'] ?? 18090);
const origin = `http://127.0.0.1:${port}`;

export default defineConfig({
  testDir: 'kitchen-sink',
  outputDir: 'test-results/kitchen-sink',
  // More than anything here takes: a slow machine is no failure.
  timeout: 90_000,
  expect: { timeout: 20_000 },
  forbidOnly: true,
  reporter: 'list',
  use: {
    baseURL: origin,
    launchOptions: { ...(executablePath && { executablePath }), args: ['--disable-quic', '--disable-sync', '--disable-gpu'] },
  },
  webServer: {
    command: `exec target/debug/kitchen-sink ${port} target/kitchen-sink/pkg`,
    cwd: resolve(__dirname, '..'),
    url: origin,
    reuseExistingServer: false,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 10_000 },
  },
});
