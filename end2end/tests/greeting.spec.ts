// Every visitor has a greeting of their own, in one of five languages, and keeps it.

import { expect, test } from '../fixtures';
import { GREETINGS, Home, LANGUAGES } from '../pages/home';

test('a new visitor is greeted in one of the five languages', async ({ home }) => {
  await home.open();
  await home.showsGreeting(await home.shownGreeting());
});

test('a returning visitor is greeted as before', async ({ home, page }) => {
  await home.openHydrated();
  const greeting = await home.shownGreeting();

  await home.refresh.click();
  await home.showsViews(2);
  await home.showsGreeting(greeting);

  await page.reload();
  await home.showsGreeting(greeting);
});

for (const greeting of GREETINGS) {
  test(`a visitor can choose ${greeting}`, async ({ home, page }) => {
    await home.openHydrated();

    await home.choose(greeting);
    await home.showsGreeting(greeting);

    await page.reload();
    await home.showsGreeting(greeting);
  });
}

test('each greeting that can be chosen is in its language', async ({ home, page }) => {
  await home.open();
  for (const [greeting, language] of Object.entries(LANGUAGES)) {
    await expect(page.getByRole('button', { name: greeting })).toHaveAttribute('lang', language);
  }
});

test('another browser has a session of its own', async ({ browser, home }) => {
  await home.open();
  await home.open();
  await home.showsViews(2);

  const context = await browser.newContext();
  const other = new Home(await context.newPage());
  await other.open();

  await other.showsViews(1);
  expect(await other.sessionId()).not.toBe(await home.sessionId());
  await context.close();
});
