// Photographs the page for the README, by day and by night, as a visitor sees it after some views.

import { test } from './fixtures';

for (const [file, colorScheme] of [
  ['page.png', 'light'],
  ['page-dark.png', 'dark'],
] as const) {
  test(file, async ({ home, page }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await home.openHydrated();
    await home.choose('Hello World');
    await home.showsGreeting('Hello World');
    await home.refresh.click();
    await home.showsViews(2);
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.mouse.move(0, 0);
    await page.screenshot({ path: `../docs/${file}` });
  });
}
