// What goes wrong between page and server is said, nothing that was shown is lost, and the control works again.

import { expect, test } from '../fixtures';

const failures = [
  { what: 'the store is down', status: 503, says: 'can’t be reached' },
  { what: 'there are too many new visitors', status: 429, says: 'Try again in a minute' },
  { what: 'a proxy fails', status: 502, says: 'can’t be reached' },
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

test('an answer that is not understood changes nothing', async ({ home, page }) => {
  await home.openHydrated();
  await page.route('**/api/refresh', (route) => route.fulfill({ status: 200, body: '<p>Sign in to this network' }));

  await home.refresh.click();

  await expect(home.message).not.toBeEmpty();
  await home.showsViews(1);
});
