// Everybody can use the page: on the smallest phone, enlarged, on paper, and by who sees or hears it otherwise.

import { expect, test } from '../fixtures';
import { states } from '../states';

for (const { name, reach } of states) {
  // 640 px at 200 % zoom is the same.
  test(`${name}: fits 320 px, and is in order`, async ({ home, page }) => {
    await page.setViewportSize({ width: 320, height: 568 });
    await reach(home, page);

    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);

    for (const target of await page.locator('a:visible, button:visible').all()) {
      const { width, height } = (await target.boundingBox())!;
      expect(Math.min(width, height), await target.innerText()).toBeGreaterThanOrEqual(44);
    }

    // Everything is in the main landmark, under one headline.
    await expect(page.getByRole('main')).toHaveCount(1);
    expect(await page.evaluate(() => [...document.body.children].map((child) => child.localName))).toEqual(['main']);
    const headlines = await page.getByRole('heading').evaluateAll((all) => all.map((headline) => headline.localName));
    expect(headlines[0]).toBe('h1');
    expect(headlines.slice(1).filter((headline) => headline !== 'h2')).toEqual([]);
  });
}

test('a new count comes with a quiet transition', async ({ home }) => {
  await home.openHydrated();
  await expect(home.sentence).toHaveCSS('animation-name', 'none');
  await home.refresh.click();
  await home.showsViews(2);
  await expect(home.sentence).toHaveCSS('animation-name', 'arrive');
});

test('nothing moves for those who want it so', async ({ home, page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await home.openHydrated();
  await home.refresh.click();
  await home.showsViews(2);
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
});

test('what changes is announced politely', async ({ home, page }) => {
  await home.openHydrated();
  await expect(home.sentence).toHaveAttribute('aria-live', 'polite');
  await expect(home.message).toHaveRole('status');
  await expect(page.locator('[aria-live="assertive"], [role="alert"]')).toHaveCount(0);
});

for (const width of [320, 1200]) {
  test(`at ${width} px a message moves nothing`, async ({ home, page }) => {
    await page.setViewportSize({ width, height: 800 });
    await home.openHydrated();
    const below = page.locator('#session');
    const before = await below.boundingBox();
    for (const status of [503, 429, 403]) {
      await page.route('**/api/refresh', (route) => route.fulfill({ status }), { times: 1 });
      const answered = page.waitForResponse('**/api/refresh');
      await home.refresh.click();
      await answered;
      await expect(home.counter).toHaveAttribute('aria-busy', 'false');
      await expect(home.message).not.toBeEmpty();
      expect(await below.boundingBox(), `${status}`).toEqual(before);
    }
  });
}

test('on paper there is what is said, in black, and nothing to click', async ({ home, page }) => {
  await home.open();
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  for (const said of [home.greeting, home.sentence, page.locator('#kept')]) await expect(said).toBeVisible();
  await expect(page.locator('a:visible, button:visible')).toHaveCount(0);
  await expect(home.greeting).toHaveCSS('color', 'rgb(0, 0, 0)');
  await expect(page.locator('body')).toHaveCSS('background-color', 'rgb(255, 255, 255)');
});
