// Nothing goes wrong behind the page: no error on the console, no failed request, nothing that its
// Content-Security-Policy refuses.

import { expect, test } from '../fixtures';

test('loading and refreshing raise no complaint', async ({ home, page }) => {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`exception: ${error}`));
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`);
  });
  await page.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', (violation) =>
      console.error('refused:', violation.violatedDirective, violation.blockedURI),
    ),
  );

  await home.openHydrated();
  await home.refresh.click();
  await home.showsViews(2);

  expect(complaints).toEqual([]);
});
