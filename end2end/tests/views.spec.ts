// A view is counted exactly once, however it comes about.

import { expect, test } from '../fixtures';

test('a load counts one view, and hydration none', async ({ home, stored }) => {
  const posts = home.posts();

  await home.openHydrated();

  await home.showsViews(1);
  expect(posts).toEqual([]);
  expect(await stored()).toBe(1);
});

test('a reload counts one view more', async ({ home, page, stored }) => {
  await home.openHydrated();
  await page.reload();
  await home.hydrated();

  await home.showsViews(2);
  expect(await stored()).toBe(2);
});

test('a refresh counts one view without leaving the page', async ({ baseURL, home, page, stored }) => {
  await home.openHydrated();
  await home.showsViews(1);
  const posts = home.posts();
  let navigations = 0;
  page.on('framenavigated', () => navigations++);

  await home.refresh.click();

  await home.showsViews(2);
  expect(posts).toEqual([`${baseURL}/api/refresh`]);
  expect(navigations).toBe(0);
  expect(await stored()).toBe(2);
});

test('a reload after a refresh counts on from it', async ({ home, page }) => {
  await home.openHydrated();
  await home.refresh.click();
  await home.showsViews(2);

  await page.reload();

  await home.showsViews(3);
});
