// `npm run shots`: no test, but the pictures of the page and those it links to, from the server with SQLite.

import { defineConfig } from '@playwright/test';
import type { Options } from './fixtures';
import config from './playwright.config';
import { sqlite } from './stores';

export default defineConfig<Options>({
  ...config,
  testDir: '.',
  testMatch: 'shots.ts',
  projects: [
    {
      name: 'shots',
      use: { store: sqlite, baseURL: sqlite.origins[0] },
    },
  ],
});
