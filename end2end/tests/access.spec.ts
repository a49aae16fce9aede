// Everybody can use the page: axe finds nothing in any of its states, by day and by night, and it fits the
// smallest phone.

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures';
import type { Home } from '../pages/home';
import { down } from '../stores';

const states: Record<string, (home: Home, page: Page) => Promise<void>> = {
  home: (home) => home.openHydrated(),
  failed: async (home, page) => {
    await home.openHydrated();
    await page.route('**/api/refresh', (route) => route.fulfill({ status: 503 }));
    await home.refresh.click();
    await expect(home.message).not.toBeEmpty();
  },
  forgotten: async (home) => {
    await home.openHydrated();
    await home.forget();
    await home.showsForgotten();
  },
  404: async (_, page) => expect((await page.goto('/nowhere'))!.status()).toBe(404),
  503: async (_, page) => expect((await page.goto(`${down.origin}/`))!.status()).toBe(503),
};

for (const [name, reach] of Object.entries(states)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`${name}, ${colorScheme}: no axe violation`, async ({ home, page }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await reach(home, page);

      const { violations } = await new AxeBuilder({ page }).analyze();

      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
    });
  }

  test(`${name}: fits 320 px, and 640 px at 200 % zoom is the same`, async ({ home, page }) => {
    await page.setViewportSize({ width: 320, height: 568 });
    await reach(home, page);

    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);

    for (const target of await page.locator('a:visible, button:visible').all()) {
      const { width, height } = (await target.boundingBox())!;
      expect(Math.min(width, height), await target.innerText()).toBeGreaterThanOrEqual(44);
    }
  });
}

test('nothing moves for those who want it so', async ({ home, page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await home.openHydrated();
  await home.refresh.click();
  await home.showsViews(2);
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
});
