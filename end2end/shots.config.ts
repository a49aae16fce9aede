// `npm run shots`: no test, but the pictures for the README, on the server with SQLite.

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
      use: { store: sqlite, baseURL: sqlite.origins[0], viewport: { width: 1200, height: 800 } },
    },
  ],
});
