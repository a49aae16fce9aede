// What goes wrong between page and server is said, nothing that was shown is lost, and the control works again.

import { expect, test } from '../fixtures';

const failures = [
  { what: 'the store is down', status: 503, says: "can't be reached" },
  { what: 'there are too many new visitors', status: 429, says: 'Try again in a minute' },
  { what: 'a proxy fails', status: 502, says: "can't be reached" },
  { what: 'the request is refused', status: 403, says: 'Load the page again' },
];

for (const { what, status, says } of failures) {
  test(`when ${what} the last count stays and the page says so`, async ({ home, page, stored }) => {
    await home.openHydrated();
    const greeting = await home.shownGreeting();
    await page.route('**/api/refresh', (route) => route.fulfill({ status, body: '<h1>Not now</h1>' }), { times: 1 });

    await home.refresh.click();
    await expect(home.message).toContainText(says);
    await home.showsViews(1);
    await home.showsGreeting(greeting);
    await expect(home.counter).toHaveAttribute('aria-busy', 'false');

    await home.refresh.click();
    await home.showsViews(2);
    await expect(home.message).toBeEmpty();
    expect(await stored()).toBe(2);
  });
}

test('offline, each control says so; online again it works', async ({ context, home }) => {
  await home.openHydrated();
  await context.setOffline(true);

  for (const act of [() => home.refresh.click(), () => home.choose('Ciao Mondo'), () => home.forget()]) {
    await act();
    await expect(home.message).toHaveText('There is no connection. Check it and try again.');
    await home.showsViews(1);
  }

  await context.setOffline(false);
  await home.refresh.click();
  await home.showsViews(2);
  await expect(home.message).toBeEmpty();
});

test('an answer that is not understood changes nothing', async ({ home, page }) => {
  await home.openHydrated();
  await page.route('**/api/refresh', (route) => route.fulfill({ status: 200, body: '<p>Sign in to this network' }));

  await home.refresh.click();

  await expect(home.message).not.toBeEmpty();
  await home.showsViews(1);
});

test('on a slow network a double click is one view', async ({ home, page, stored }) => {
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
