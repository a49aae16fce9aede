// The stores that every test runs against, and the server processes that serve each: one on a SQLite
// file, two on the Firestore emulator, so that sessions are seen to be shared between instances.

import { randomUUID } from 'node:crypto';

export interface Store {
  name: 'sqlite' | 'firestore';
  /** Addresses of the processes that serve this store. Cookies go by host, so all share a visitor's. */
  origins: [string, ...string[]];
  /** What tells a server to use this store. */
  env: Record<string, string>;
}

export const emulator = process.env['FIRESTORE_EMULATOR_HOST'];

// Playwright reads its configuration again in each worker; the environment carries the run's name there.
const run = (process.env['E2E_RUN'] ??= randomUUID().slice(0, 8));

/** A Firestore project of this run alone: no document of an earlier one is in it. */
export const project = `e2e-${run}`;

// Fixed ports, since the configuration must name them before a server runs; E2E_PORT moves all of them.
const port = Number(process.env['E2E_PORT'] ?? 18080);
const origin = (index: number) => `http://127.0.0.1:${port + index}`;

export const sqlite: Store = {
  name: 'sqlite',
  origins: [origin(0)],
  env: { SESSION_STORE: `sqlite:target/e2e/${run}.db` },
};

export const firestore: Store = {
  name: 'firestore',
  origins: [origin(1), origin(2)],
  env: { SESSION_STORE: 'firestore', GOOGLE_CLOUD_PROJECT: project },
};

/** A server whose store can't be reached. */
export const down = {
  origin: origin(3),
  env: { SESSION_STORE: 'firestore', FIRESTORE_EMULATOR_HOST: '127.0.0.1:1', GOOGLE_CLOUD_PROJECT: 'down', RUST_LOG: 'off' },
};
