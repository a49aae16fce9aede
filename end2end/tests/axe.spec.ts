// Axe finds nothing wrong in any state of the page.

import AxeBuilder from '@axe-core/playwright';
import type { Browser, Page } from '@playwright/test';
import { expect, test } from '../fixtures';
import { states } from '../states';

for (const { name, reach, ...details } of states) {
  test(`${name}: no axe violation`, details, async ({ browser, home, javaScriptEnabled, page }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await reach(home, page);

    // Axe is a script. Where none runs it is given what is shown there, in a page where scripts do.
    const audited = javaScriptEnabled ? page : await withoutItsScripts(page, browser);
    const { violations } = await new AxeBuilder({ page: audited }).analyze();

    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  });
}

async function withoutItsScripts(page: Page, browser: Browser): Promise<Page> {
  const body = (await page.content()).replace(/<script.*?<\/script>/gs, '');
  const copy = await (await browser.newContext({ javaScriptEnabled: true })).newPage();
  await copy.route(page.url(), (route) => route.fulfill({ contentType: 'text/html; charset=utf-8', body }));
  await copy.goto(page.url());
  return copy;
}
