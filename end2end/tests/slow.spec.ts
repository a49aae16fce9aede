// While the network takes its time nothing is lost and nothing is done twice.

import { expect, test } from '../fixtures';

test('a double click is one view', async ({ home, page, stored }) => {
  await home.openHydrated();
  const posts = home.posts();
  let answer!: () => void;
  const held = new Promise<void>((resolve) => (answer = resolve));
  await page.route('**/api/refresh', async (route) => {
    await held;
    await route.continue();
  });

  await home.refresh.dblclick();
  await expect(home.counter).toHaveAttribute('aria-busy', 'true');
  answer();

  await home.showsViews(2);
  await expect(home.counter).toHaveAttribute('aria-busy', 'false');
  expect(posts).toHaveLength(1);
  expect(await stored()).toBe(2);
});

test('a click before the WASM has come is not lost', async ({ home, page, stored }) => {
  let come!: () => void;
  const held = new Promise<void>((resolve) => (come = resolve));
  await page.route('**/*.wasm', async (route) => {
    await held;
    await route.continue().catch(() => {});
  });
  await page.goto('/', { waitUntil: 'commit' });

  await home.refresh.click();

  await home.showsViews(2);
  come();
  await home.hydrated();
  expect(await stored()).toBe(2);
});
