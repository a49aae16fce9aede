// Once the WASM is alive, choosing and forgetting are one request each; the page is not left.

import { expect, test } from '../fixtures';
import { GREETINGS } from '../pages/home';

test('choosing a greeting changes it in place and counts no view', async ({ baseURL, home, page, stored }) => {
  await home.openHydrated();
  const shown = await home.shownGreeting();
  const other = GREETINGS.find((greeting) => greeting !== shown)!;
  const [posts, navigations] = [home.posts(), home.navigations()];

  await home.choose(other);

  await home.showsGreeting(other);
  await home.showsViews(1);
  await expect(page.locator('[aria-pressed="true"]')).toHaveText([other]);
  expect(posts).toEqual([`${baseURL}/api/greeting`]);
  expect(navigations.count).toBe(0);
  expect(await stored()).toBe(1);
});

test('forgetting says so in place, and offers to start again', async ({ baseURL, context, home }) => {
  await home.openHydrated();
  await home.refresh.click();
  await home.showsViews(2);
  const [posts, navigations] = [home.posts(), home.navigations()];

  await home.forget();

  await home.showsForgotten();
  expect(posts).toEqual([`${baseURL}/api/forget`]);
  expect(navigations.count).toBe(0);
  expect(await context.cookies()).toEqual([]);

  await home.refresh.click();
  await home.showsViews(1);
  await home.showsGreeting(await home.shownGreeting());
});

test('everything can be done by keyboard, and the focus is always seen', async ({ home, page }) => {
  await home.openHydrated();

  await page.keyboard.press('Tab');
  await expect(home.refresh).toBeFocused();
  await expect(home.refresh).toHaveCSS('outline-style', 'solid');
  await page.keyboard.press('Enter');
  await home.showsViews(2);
  await expect(home.refresh).toBeFocused();

  for (const greeting of GREETINGS) {
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await home.showsGreeting(greeting);
  }

  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await home.showsForgotten();
  await expect(home.refresh).toBeFocused();
});

test('the page says where the session is kept, since when and until when', async ({ home, page, store }) => {
  const today = () => Date.parse(new Date().toISOString().slice(0, 'YYYY-MM-DD'.length));
  const before = today();
  await home.open();
  const kept = page.locator('#kept');
  await expect(kept).toContainText(store.name === 'sqlite' ? 'Kept in SQLite since' : 'Kept in the Firestore emulator since');
  const [since, until] = await kept.locator('time').evaluateAll((times) => times.map((time) => Date.parse((time as HTMLTimeElement).dateTime)));
  expect([before, today()]).toContain(since);
  expect(until! - since!).toBe(14 * 24 * 60 * 60 * 1000);
});
