// The core checks in Firefox and WebKit; the full set runs in Chromium (playwright.config.ts). `make engines` finds the
// browsers (scripts/setup-engines.sh) and builds the server.

import { defineConfig } from '@playwright/test';
import type { Name } from './engines/fixtures';
import { server } from './playwright.config';

const origin = `http://127.0.0.1:${Number(process.env['E2E_PORT'] ?? 18080) + 5}`;

export default defineConfig<object, { name: Name }>({
  testDir: 'engines',
  // More than anything here takes: a slow machine is no failure.
  timeout: 90_000,
  expect: { timeout: 20_000 },
  forbidOnly: !!process.env['CI'],
  // One window at a time: what is in the background, a browser slows down.
  workers: 1,
  retries: 0,
  reporter: 'list',
  use: { baseURL: origin },
  projects: [
    { name: 'Firefox', use: { name: 'firefox' } },
    { name: 'WebKit', use: { name: 'webkit' } },
  ],
  webServer: [server(origin, { SESSION_STORE: `sqlite:target/e2e/engines-${process.pid}.db` })],
});
