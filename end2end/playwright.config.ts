// A project is a way to reach the page: what a visitor's browser, network and preferences can be. Each runs the
// tests that say something there. The servers are release binaries that this run starts and stops; `make e2e`
// builds them and provides the emulator.

import { defineConfig, devices, type PlaywrightTestOptions, type PlaywrightWorkerOptions, type Project } from '@playwright/test';
import { resolve } from 'node:path';
import type { Options } from './fixtures';
import { down, emulator, firestore, sqlite, type Store } from './stores';

const executablePath = process.env['CHROMIUM_PATH'];
const launchOptions = {
  ...(executablePath && { executablePath }),
  // Nothing but the page under test is to use the network.
  args: ['--disable-quic', '--disable-sync', '--disable-gpu'],
};

const specs = (...names: string[]) => names.map((name) => `**/${name}.spec.ts`);
/** A test with this tag reaches what it tests by script. */
const byScript = /@script/;

type Way = Project<Options & PlaywrightTestOptions, PlaywrightWorkerOptions>;

const onSqlite: Way[] = [
  {
    name: 'default',
    testMatch: specs('views', 'greeting', 'in-place', 'failure', 'quiet', 'security', 'head', 'axe', 'layout', 'slow', 'state', 'session'),
  },
  { name: 'JavaScript off', use: { javaScriptEnabled: false }, testMatch: specs('by-link-and-form', 'axe', 'session'), grepInvert: byScript },
  { name: 'WASM blocked', use: { wasmBlocked: true }, testMatch: specs('by-link-and-form', 'axe', 'wasm-blocked', 'session'), grepInvert: byScript },
  { name: 'mobile', use: devices['Pixel 7'], testMatch: specs('in-place', 'axe') },
  { name: 'dark', use: { colorScheme: 'dark' }, testMatch: specs('axe') },
  { name: 'offline in between', testMatch: specs('offline') },
  { name: 'two tabs', testMatch: specs('tabs') },
  { name: 'slow network', use: { slow: true }, testMatch: specs('views', 'slow') },
  {
    name: 'back and forward',
    // Playwright turns the back/forward cache off.
    use: { launchOptions: { ...launchOptions, ignoreDefaultArgs: ['--disable-back-forward-cache'] } },
    testMatch: specs('restored'),
  },
];

// Without an emulator these are listed as skipped, see fixtures.ts.
const onFirestore: Way[] = [
  { name: 'Firestore', testMatch: specs('views', 'greeting', 'in-place', 'tabs', 'firestore', 'session') },
  { name: 'Firestore, JavaScript off', use: { javaScriptEnabled: false }, testMatch: specs('by-link-and-form') },
];

const on = (store: Store, projects: Way[]) =>
  projects.map((project) => ({ ...project, use: { ...project.use, store, baseURL: store.origins[0] } }));

export const server = (origin: string, env: Record<string, string>, health = '/readyz') => ({
  command: 'exec target/release/server',
  cwd: resolve(__dirname, '..'),
  env: { RUST_LOG: 'warn', ...env, HOST: '127.0.0.1', PORT: new URL(origin).port },
  url: origin + health,
  reuseExistingServer: false,
  timeout: 30_000,
  gracefulShutdown: { signal: 'SIGTERM' as const, timeout: 10_000 },
});

const servers = (store: Store) => store.origins.map((origin) => server(origin, store.env));

export default defineConfig<Options>({
  testDir: 'tests',
  fullyParallel: true,
  // More than anything here takes: a slow machine is no failure.
  timeout: 90_000,
  expect: { timeout: 20_000 },
  forbidOnly: !!process.env['CI'],
  retries: 0,
  reporter: 'list',
  use: {
    ...devices['Desktop Chrome'],
    trace: 'retain-on-failure',
    launchOptions,
  },
  projects: [...on(sqlite, onSqlite), ...on(firestore, onFirestore)],
  webServer: [
    ...servers(sqlite),
    ...(emulator ? servers(firestore) : []),
    server(down.origin, down.env, '/healthz'),
  ],
});
