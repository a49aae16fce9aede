// Each test runs on each store, save those in firestore.spec.ts; those in without-js.spec.ts run with
// JavaScript off, all others with it on. The servers are release binaries that this run starts and
// stops; `make e2e` builds them and provides the emulator.

import { defineConfig, devices } from '@playwright/test';
import { resolve } from 'node:path';
import type { Options } from './fixtures';
import { down, emulator, firestore, sqlite, type Store } from './stores';

const withoutJs = '**/without-js.spec.ts';
const firestoreOnly = '**/firestore.spec.ts';

const projects = (store: Store) => {
  const use = { store, baseURL: store.origins[0] };
  const testIgnore = store.name === 'firestore' ? [withoutJs] : [withoutJs, firestoreOnly];
  return [
    { name: store.name, use, testIgnore },
    { name: `${store.name}, JavaScript off`, use: { ...use, javaScriptEnabled: false }, testMatch: withoutJs },
  ];
};

const server = (origin: string, env: Record<string, string>, health = '/readyz') => ({
  command: 'exec target/release/server',
  cwd: resolve(__dirname, '..'),
  env: { RUST_LOG: 'warn', ...env, HOST: '127.0.0.1', PORT: new URL(origin).port },
  url: origin + health,
  reuseExistingServer: false,
  timeout: 30_000,
  gracefulShutdown: { signal: 'SIGTERM' as const, timeout: 10_000 },
});

const servers = (store: Store) => store.origins.map((origin) => server(origin, store.env));

const executablePath = process.env['CHROMIUM_PATH'];

export default defineConfig<Options>({
  testDir: 'tests',
  fullyParallel: true,
  forbidOnly: !!process.env['CI'],
  retries: 0,
  reporter: 'list',
  use: {
    ...devices['Desktop Chrome'],
    trace: 'retain-on-failure',
    launchOptions: {
      ...(executablePath && { executablePath }),
      // Nothing but the page under test is to use the network.
      args: ['--disable-quic', '--disable-sync', '--disable-gpu'],
    },
  },
  // Without an emulator the tests on Firestore are listed as skipped, see fixtures.ts.
  projects: [...projects(sqlite), ...projects(firestore)],
  webServer: [
    ...servers(sqlite),
    ...(emulator ? servers(firestore) : []),
    server(down.origin, down.env, '/healthz'),
  ],
});
