// The page counts a visitor's views: with a script in place, without one by its link.

import { expect, test } from '@playwright/test';

test('a link counts the next view', async ({ page }) => {
  await page.goto('/');
  await expect(page.locator('#sentence')).toHaveText('1 views');
  await page.locator('#refresh').click();
  await expect(page.locator('#sentence')).toHaveText('2 views');
});

test('the island counts in place @script', async ({ page }) => {
  await page.goto('/');
  await page.locator('html[data-hydrated=true]').waitFor();
  const loads: string[] = [];
  page.on('request', (request) => loads.push(new URL(request.url()).pathname));
  await page.locator('#refresh').click();
  await expect(page.locator('#sentence')).toHaveText('2 views');
  expect(loads).toEqual(['/api/refresh']);
});
