// `node hydration.mjs URL`: loads the page again and again in Chromium, each time as a first visit, and prints
// as JSON when its HTML was there and when it was alive, in milliseconds since the navigation began.

import { chromium } from '@playwright/test';

const loads = 15;
const url = process.argv[2];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM_PATH || undefined });
const html = [];
const alive = [];
// The first load starts the browser's processes.
for (let n = 0; n <= loads; n++) {
  const context = await browser.newContext();
  const page = await context.newPage();
  // The page's own clock: what it takes to ask from out here does not count.
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.documentElement?.dataset.hydrated) return;
      window.alive = performance.now();
      observer.disconnect();
    }).observe(document, { subtree: true, attributes: true, attributeFilter: ['data-hydrated'] });
  });
  await page.goto(url);
  const hydrated = page.locator('html[data-hydrated]');
  await hydrated.waitFor({ state: 'attached', timeout: 10_000 });
  if ((await hydrated.getAttribute('data-hydrated')) !== 'true') throw new Error('the page did not come alive');
  const times = await page.evaluate(() => [performance.getEntriesByType('navigation')[0].responseEnd, window.alive]);
  if (n > 0) {
    html.push(times[0]);
    alive.push(times[1]);
  }
  await context.close();
}
await browser.close();
console.log(JSON.stringify({ html, alive }));
