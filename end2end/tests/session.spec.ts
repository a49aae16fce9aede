// What is stored about a visitor, to read, to correct, to download and to delete: with a script and without one.

import { readFile } from 'node:fs/promises';
import { expect, test } from '../fixtures';
import { SessionPage } from '../pages/session';

test('without a session nothing is stored, and the page stores nothing', async ({ context, home, page }) => {
  const session = new SessionPage(home.page);
  await session.open();
  await session.saysNothingIsStored();
  expect(await context.cookies()).toEqual([]);

  const answer = await page.request.get('/session.json');
  expect(answer.status()).toBe(404);
  expect(answer.headers()['content-type']).toBe('application/json');
  expect(await context.cookies()).toEqual([]);
});

test('it shows what is stored, and looking at it counts nothing', async ({ home, page, stored }) => {
  await home.open();
  const greeting = await home.shownGreeting();
  await page.getByRole('link', { name: 'See what is stored' }).click();
  const session = new SessionPage(page);
  await session.shows(greeting, 1);
  await page.reload();
  await session.shows(greeting, 1);
  await expect(page.getByRole('heading', { name: 'Privacy' })).toBeVisible();
  expect(await stored()).toBe(1);
});

test('what is downloaded is what is stored', async ({ home, page }) => {
  await home.open();
  const greeting = await home.shownGreeting();
  const session = new SessionPage(page);
  await session.open();

  const downloading = page.waitForEvent('download');
  await session.download.click();
  const download = await downloading;

  expect(download.suggestedFilename()).toBe('session.json');
  const json = JSON.parse(await readFile(await download.path(), 'utf8'));
  expect(json).toMatchObject({ greeting, views: 1, created_at: expect.any(String), expires_at: expect.any(String) });
  expect(Date.parse(json.expires_at) - Date.parse(json.created_at)).toBeGreaterThan(0);
});

test('what is stored can be corrected', async ({ home, page, stored }) => {
  await home.open();
  const session = new SessionPage(page);
  await session.open();

  await session.correct('Salut le Monde', 41);

  await session.shows('Salut le Monde', 41);
  await expect(page).toHaveURL(/\/session$/);
  await home.open();
  await home.showsViews(42);
  await home.showsGreeting('Salut le Monde');
  expect(await stored()).toBe(42);
});

test('forgetting leads back to the page, which then says that nothing is stored', async ({ context, home, page }) => {
  await home.open();
  const session = new SessionPage(page);
  await session.open();

  await session.forget();

  await session.saysNothingIsStored();
  await expect(page).toHaveURL(/\/session$/);
  expect(await context.cookies()).toEqual([]);
});

test('it shows what other tabs do', { tag: '@script' }, async ({ context, home }) => {
  await home.openHydrated();
  await home.choose('Ciao Mondo');
  const session = new SessionPage(await context.newPage());
  await session.openHydrated();
  await session.shows('Ciao Mondo', 1);
  const navigations = session.navigations();

  await home.refresh.click();
  await home.showsViews(2);
  await session.shows('Ciao Mondo', 2);

  await home.choose('Hola Mundo');
  await session.shows('Hola Mundo', 2);

  await home.forget();
  await home.showsForgotten();
  await expect(session.stored).toBeEmpty();
  expect(navigations.count).toBe(0);
});

test('it shows the session that another tab begins after the end', { tag: '@script' }, async ({ context, home }) => {
  await home.openHydrated();
  const session = new SessionPage(await context.newPage());
  await session.openHydrated();
  await home.forget();
  await home.showsForgotten();
  await expect(session.stored).toBeEmpty();

  await home.open();

  await session.shows(await home.shownGreeting(), 1);
});

test('a form of a session that has ended leads to the page that says so', async ({ context, home }) => {
  await home.open();
  const session = new SessionPage(home.page);
  await session.open();
  await context.clearCookies();

  await session.correct('Salut le Monde', 41);

  await session.saysNothingIsStored();
  await expect(home.page).toHaveURL(/\/session$/);
});

test('what was not corrected stays as it is by then', async ({ context, home, stored }) => {
  await home.open();
  const session = new SessionPage(await context.newPage());
  await session.open();
  await home.open();
  await home.showsViews(2);

  await session.correct('Salut le Monde', 1);

  await session.shows('Salut le Monde', 2);
  expect(await stored()).toBe(2);
});

test('a count that was corrected goes on from there in another tab', { tag: '@script' }, async ({ context, home }) => {
  await home.openHydrated();
  for (let views = 2; views <= 4; views++) {
    await home.refresh.click();
    await home.showsViews(views);
  }
  const session = new SessionPage(await context.newPage());
  await session.open();
  await session.correct('Hola Mundo', 2);
  await session.shows('Hola Mundo', 2);

  await home.refresh.click();

  await home.showsViews(3);
  await home.showsGreeting('Hola Mundo');
});

test('a list that can not be brought up to date says so', { tag: '@script' }, async ({ context, home }) => {
  await home.openHydrated();
  const session = new SessionPage(await context.newPage());
  await session.openHydrated();
  await session.page.route('**/api/stored-data', (route) => route.fulfill({ status: 503 }), { times: 1 });

  await home.refresh.click();
  await expect(session.message).toContainText('can’t be reached');

  await home.refresh.click();
  await expect(session.message).toBeEmpty();
  await session.shows(await home.shownGreeting(), 3);
});

test('its card has an address of its own', async ({ baseURL, home, page }) => {
  await new SessionPage(home.page).open();
  await expect(page.locator('meta[property="og:url"]')).toHaveAttribute('content', `${baseURL}/session`);
  await expect(page.locator('meta[property="og:title"]')).toHaveAttribute('content', 'Your session');
});
