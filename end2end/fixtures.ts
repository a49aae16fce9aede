// What a test starts from: the page under test and what its store holds.

import { test as base } from '@playwright/test';
import { Home } from './pages/home';
import { emulator, sqlite, type Store } from './stores';
import { storedViews } from './stored';

export interface Options {
  /** The store under test; the project sets it. */
  store: Store;
}

interface Fixtures {
  home: Home;
  /** How many views the store has counted for this visitor, asked of the store and not of the page. */
  stored: () => Promise<number>;
}

export const test = base.extend<Options & Fixtures>({
  store: [sqlite, { option: true }],
  home: async ({ page, store }, use, info) => {
    info.skip(store.name === 'firestore' && !emulator, 'FIRESTORE_EMULATOR_HOST is not set');
    await use(new Home(page));
  },
  stored: async ({ home, store }, use) => {
    await use(() => storedViews(home, store));
  },
});

export { expect } from '@playwright/test';
