// What a test starts from: the page under test, reached the way its project says, and what its store holds.

import { test as base } from '@playwright/test';
import { Home } from './pages/home';
import { emulator, sqlite, type Store } from './stores';
import { storedViews } from './stored';

export interface Options {
  /** The store under test; the project sets it. */
  store: Store;
  /** Whether the WASM is kept from loading, as a proxy or a cautious browser may do. */
  wasmBlocked: boolean;
  /** Whether the network is slow: 400 ms there and back, 50 kB a second. */
  slow: boolean;
}

interface Fixtures {
  home: Home;
  /** How many views the store has counted for this visitor, read from the store and not from the page. */
  stored: () => Promise<number>;
}

export const test = base.extend<Options & Fixtures>({
  store: [sqlite, { option: true }],
  wasmBlocked: [false, { option: true }],
  slow: [false, { option: true }],
  page: async ({ page, wasmBlocked, slow }, use) => {
    if (wasmBlocked) await page.route('**/*.wasm', (route) => route.abort());
    if (slow) {
      const devtools = await page.context().newCDPSession(page);
      const conditions = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 };
      await devtools.send('Network.emulateNetworkConditions', conditions);
    }
    await use(page);
  },
  home: async ({ page, store }, use, info) => {
    info.skip(store.name === 'firestore' && !emulator, 'FIRESTORE_EMULATOR_HOST is not set');
    await use(new Home(page));
  },
  stored: async ({ home, store }, use) => {
    await use(() => storedViews(home, store));
  },
});

export { expect } from '@playwright/test';
