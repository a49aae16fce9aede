// The states of the page that everybody must be able to use, and how to reach each.

import { expect, type Page } from '@playwright/test';
import type { Home } from './pages/home';
import { down } from './stores';

interface State {
  name: string;
  /** `@script` if only a script leads there. */
  tag?: '@script';
  reach: (home: Home, page: Page) => Promise<void>;
}

export const states: State[] = [
  { name: 'as loaded', reach: (home) => home.open() },
  { name: 'alive', tag: '@script', reach: (home) => home.openHydrated() },
  {
    name: 'failed',
    tag: '@script',
    reach: async (home, page) => {
      await home.openHydrated();
      await page.route('**/api/refresh', (route) => route.fulfill({ status: 503 }));
      await home.refresh.click();
      await expect(home.message).not.toBeEmpty();
    },
  },
  {
    name: 'forgotten',
    tag: '@script',
    reach: async (home) => {
      await home.openHydrated();
      await home.forget();
      await home.showsForgotten();
    },
  },
  {
    name: 'loaded ahead',
    reach: async (home, page) => {
      await page.route('**/*.js', (route) => route.abort());
      await page.setExtraHTTPHeaders({ purpose: 'prefetch' });
      await home.open();
      await expect(home.sentence).toContainText('is not counted yet');
    },
  },
  {
    name: 'what is stored',
    reach: async (home, page) => {
      await home.open();
      await page.goto('/session');
    },
  },
  { name: 'nothing stored', reach: async (_, page) => expect((await page.goto('/session'))!.status()).toBe(200) },
  { name: '404', reach: async (_, page) => expect((await page.goto('/nowhere'))!.status()).toBe(404) },
  { name: '503', reach: async (_, page) => expect((await page.goto(`${down.origin}/`))!.status()).toBe(503) },
];
