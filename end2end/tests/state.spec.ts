// The island takes its state from the attribute that the server made for it, and never from what the page says: a
// translation, a thousands separator or a state that can't be read must not count a view.

import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures';

/** Serves the page as if this had been done to its HTML on the way. */
async function rewrite(page: Page, change: (html: string) => string) {
  await page.route('/', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: change(await response.text()) });
  });
}

const sentence = /(<p id="sentence"[^>]*>)[^<]*/;

for (const says of ['Ya has estado aquí 1.234 veces', '1,234 views for "Hello World"', 'views: one', '']) {
  test(`a page that says ‘${says}’ counts nothing more`, async ({ home, page, stored }) => {
    await rewrite(page, (html) => html.replace(sentence, `$1${says || ' '}`));
    const posts = home.posts();

    await home.openHydrated();
    expect(posts).toEqual([]);

    await home.refresh.click();
    await home.showsViews(2);
    expect(await stored()).toBe(2);
  });
}

test('a page whose text a translation has wrapped counts nothing by itself, and its link works', async ({ home, page, stored }) => {
  // As Google's translation does it.
  await rewrite(page, (html) => html.replace(sentence, '$1<font><font>Ya has estado aquí 1 vez</font></font>'));
  const posts = home.posts();
  await home.open();
  await expect(page.locator('html')).toHaveAttribute('data-hydrated', /true|failed/);
  expect(posts).toEqual([]);

  await page.unroute('/');
  await home.refresh.click();

  await home.showsViews(2);
  expect(await stored()).toBe(2);
});

for (const [what, state] of [
  ['is not there', ''],
  ['is no JSON', 'data-state="3 Hola Mundo"'],
  ['is of another version', 'data-state="{&quot;counted&quot;:{&quot;number&quot;:3}}"'],
  ['has a count that is none', 'data-state="{&quot;views&quot;:&quot;1,234&quot;,&quot;greeting&quot;:&quot;Moin&quot;}"'],
]) {
  test(`a state that ${what} counts nothing, and the next view is shown`, async ({ home, page, stored }) => {
    await rewrite(page, (html) => html.replace(/data-state="[^"]*"/, state!));
    const posts = home.posts();
    await home.openHydrated();
    await home.showsViews(1);
    expect(posts).toEqual([]);

    await home.refresh.click();

    await home.showsViews(2);
    await home.showsGreeting(await home.shownGreeting());
    expect(posts).toHaveLength(1);
    expect(await stored()).toBe(2);
  });
}
