// The tabs of one browser show one session.

import type { BrowserContext } from '@playwright/test';
import { expect, test } from '../fixtures';
import { GREETINGS, Home } from '../pages/home';

async function another(context: BrowserContext): Promise<Home> {
  const home = new Home(await context.newPage());
  await home.openHydrated();
  return home;
}

test('a view in one tab is seen in the others', async ({ context, home, stored }) => {
  await home.openHydrated();
  const other = await another(context);
  await other.showsViews(2);
  await home.showsViews(2);

  await other.refresh.click();
  await home.showsViews(3);

  await home.refresh.click();
  await other.showsViews(4);
  expect(await stored()).toBe(4);
});

test('a greeting chosen in one tab greets in the others', async ({ context, home }) => {
  await home.openHydrated();
  const other = await another(context);
  for (const greeting of GREETINGS) {
    await other.choose(greeting);
    await home.showsGreeting(greeting);
  }
});

test('a session forgotten in one tab is gone in all', async ({ context, home }) => {
  await home.openHydrated();
  const other = await another(context);

  await other.forget();
  await home.showsForgotten();

  await home.refresh.click();
  await home.showsViews(1);
  await other.showsViews(1);
  // What the other tab said of the old session's time is not said of the new one.
  await expect(other.page.locator('form#forget')).toBeVisible();
  await expect(other.page.locator('#kept')).toHaveCount(0);
});

test('an answer from before the session was forgotten brings nothing back', async ({ context, home, page }) => {
  await home.openHydrated();
  await home.refresh.click();
  await home.showsViews(2);
  const other = await another(context);
  let answer!: () => void;
  const held = new Promise<void>((resolve) => (answer = resolve));
  await page.route('**/api/refresh', async (route) => {
    const response = await route.fetch();
    await held;
    await route.fulfill({ response });
  });

  await home.refresh.click();
  await other.showsViews(3);
  await other.forget();
  await home.showsForgotten();
  answer();

  await expect(home.counter).toHaveAttribute('aria-busy', 'false');
  await home.showsForgotten();
});
