// The browser tests: a release server on an SQLite file, which this run starts and stops. `make e2e` builds it.

import { defineConfig, devices } from '@playwright/test';
import { resolve } from 'node:path';
import { sqlite } from './stores';

const executablePath = process.env['CHROMIUM_PATH'];
const origin = sqlite.origins[0];

export default defineConfig({
  testDir: 'tests',
  fullyParallel: true,
  forbidOnly: !!process.env['CI'],
  reporter: 'list',
  use: {
    ...devices['Desktop Chrome'],
    baseURL: origin,
    trace: 'retain-on-failure',
    launchOptions: { ...(executablePath && { executablePath }), args: ['--disable-quic', '--disable-sync', '--disable-gpu'] },
  },
  projects: [{ name: 'default' }, { name: 'JavaScript off', use: { javaScriptEnabled: false }, grepInvert: /@script/ }],
  webServer: {
    command: 'exec target/release/server',
    cwd: resolve(__dirname, '..'),
    env: { RUST_LOG: 'warn', ...sqlite.env, HOST: '127.0.0.1', PORT: new URL(origin).port },
    url: `${origin}/readyz`,
    reuseExistingServer: false,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 10_000 },
  },
});
