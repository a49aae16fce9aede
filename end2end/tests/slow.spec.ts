// While the network takes its time nothing is lost and nothing is done twice.

import type { Page } from '@playwright/test';

import { expect, test } from '../fixtures';
import type { Home } from '../pages/home';

/** Holds all requests for this path back until the function that it returns is called. */
async function hold(page: Page, path: string): Promise<() => void> {
  let release!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route(path, async (route) => {
    await held;
    await route.continue();
  });
  return release;
}

test('a double click is one view', async ({ home, page, stored }) => {
  await home.openHydrated();
  const posts = home.posts();
  const answer = await hold(page, '**/api/refresh');

  await home.refresh.dblclick();
  await expect(home.counter).toHaveAttribute('aria-busy', 'true');
  answer();

  await home.showsViews(2);
  await expect(home.counter).toHaveAttribute('aria-busy', 'false');
  expect(posts).toHaveLength(1);
  expect(await stored()).toBe(2);
});

test('a click before the WASM has come is not lost', async ({ home, page, stored }) => {
  const come = await hold(page, '**/*.wasm');
  await page.goto('/', { waitUntil: 'commit' });

  await home.refresh.click();

  await home.showsViews(2);
  come();
  await home.hydrated();
  expect(await stored()).toBe(2);
});

for (const [what, act, says] of [
  ['a greeting', (home: Home) => home.choose('Ciao Mondo'), (home: Home) => home.showsGreeting('Ciao Mondo')],
  ['Forget me', (home: Home) => home.forget(), (home: Home) => home.showsForgotten()],
] as const) {
  test(`a click on ${what} while a refresh is under way is done afterwards`, async ({ home, page }) => {
    await home.openHydrated();
    await home.choose('Hola Mundo');
    // It may be the greeting that is shown already.
    await expect(home.counter).toHaveAttribute('aria-busy', 'false');
    await home.showsGreeting('Hola Mundo');
    const posts = home.posts();
    const answer = await hold(page, '**/api/refresh');

    // The page shows that it refreshes before the browser reports the request.
    const refreshed = page.waitForRequest('**/api/refresh');
    await home.refresh.click();
    await refreshed;
    await expect(home.counter).toHaveAttribute('aria-busy', 'true');
    await act(home);
    expect(posts).toHaveLength(1);
    answer();

    await says(home);
    await expect(home.counter).toHaveAttribute('aria-busy', 'false');
    expect(posts).toHaveLength(2);
  });
}

test('a refresh while a choice is under way is done afterwards', async ({ home, page, stored }) => {
  await home.openHydrated();
  const answer = await hold(page, '**/api/greeting');
  const chosen = page.waitForRequest('**/api/greeting');
  await home.choose('Ciao Mondo');
  await chosen;

  await home.refresh.dblclick();
  answer();

  await home.showsViews(2);
  await home.showsGreeting('Ciao Mondo');
  await expect(home.counter).toHaveAttribute('aria-busy', 'false');
  expect(await stored()).toBe(2);
});
