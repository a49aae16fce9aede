// Photographs the page into shots/page.png, as a visitor sees it after some views.

import { test } from './fixtures';

test('page.png', async ({ home, page }) => {
  await home.openHydrated();
  await home.choose('Hello World');
  await home.showsGreeting('Hello World');
  await home.hydrated();
  await home.refresh.click();
  await page.mouse.move(0, 0);
  await page.screenshot({ path: 'shots/page.png' });
});
