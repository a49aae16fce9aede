// All that Leptos offers to islands, on one page.

import { expect, test, type Page } from '@playwright/test';

async function open(page: Page): Promise<string[]> {
  const complaints: string[] = [];
  await page.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => console.error(`refused: ${violatedDirective}`)),
  );
  // It has neither a style sheet nor an icon.
  const isMissing = (text: string) => text.startsWith('Failed to load resource');
  page.on('console', (message) => message.type() === 'error' && !isMissing(message.text()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(`${error}`));
  await page.goto('/');
  // One island fails, and the page says so.
  await expect(page.locator('html')).toHaveAttribute('data-hydrated', 'failed');
  await page.waitForFunction(() => document.documentElement.dataset['hydrated'] === 'failed');
  return complaints;
}

test('an island that fails leaves the others alive', async ({ page }) => {
  const complaints = await open(page);
  await expect(page.locator('#failing')).toHaveText('As the server rendered it');
  await page.locator('#props').click();
  await expect(page.locator('#props')).toHaveText('Count: 42');
  await page.locator('#alive').click();
  await expect(page.locator('#alive')).toHaveText('Alive');
  await expect(page.locator('#later')).toHaveText('[101]');
  expect(complaints).toHaveLength(1);
  expect(complaints[0]).toContain('its script did not start');
});

test('an island has its props', async ({ page }) => {
  await open(page);
  const button = page.locator('#props');
  await expect(button).toHaveText('Count: 40');
  await button.click();
  await button.click();
  await expect(button).toHaveText('Count: 44');
});

test('an island has the context of the one around it', async ({ page }) => {
  await open(page);
  await expect(page.locator('#inner')).toHaveText('light');
  await page.getByRole('button', { name: 'Darker' }).click();
  await expect(page.locator('#inner')).toHaveText('dark');
});

test('a resource is loaded once, by the server, and again when it must be', async ({ page }) => {
  const posts: string[] = [];
  page.on('request', (request) => request.method() === 'POST' && posts.push(request.url()));
  const response = await page.request.get('/');
  expect(await response.text()).toContain('[2, 4, 7]');

  await open(page);
  await expect(page.locator('#loaded')).toHaveText('[2, 4, 7]');
  // The island with a local resource loads that one, and no other does.
  await expect(page.locator('#local')).toHaveText('[201, 203]');
  const before = posts.length;
  expect(before).toBe(1);

  await page.locator('#load').click();
  await expect(page.locator('#loaded')).toHaveText('[11, 13, 16]');
  expect(posts).toHaveLength(before + 1);
});

test('a local resource is loaded by the browser alone', async ({ page }) => {
  const response = await page.request.get('/');
  expect(await response.text()).not.toContain('[201, 203]');
  await open(page);
  const local = page.locator('#local');
  await expect(local).toHaveText('[201, 203]');
  await page.locator('#load-local').click();
  await expect(local).toHaveText('[301, 303]');
});

test('a resource outside of islands is in the page', async ({ page }) => {
  const response = await page.request.get('/');
  expect(await response.text()).toContain('[5, 10]');
  await open(page);
  await expect(page.locator('#rendered')).toHaveText('[5, 10]');
});

test('a form calls its server function in place', async ({ page }) => {
  await open(page);
  await page.getByLabel('Name').fill('Ada');
  await page.getByRole('button', { name: 'Greet' }).click();
  await expect(page.locator('#greeted')).toHaveText('Hello, Ada!');
});

test('any argument, return value and error pass through our protocol', async ({ page }) => {
  await open(page);
  const ordered = page.locator('#ordered');

  await page.locator('#good').click();
  const order = (item: string) =>
    `Order { items: [${item}], delivery: Place { east: 13.4, north: -0.5 }, number: 18446744073709551615 }`;
  const kettle = order('Item { name: "a \\"kettle\\"\\n", weight: Some(1.25) }');
  await expect(ordered).toHaveText(`Ok([${kettle}, ${order('Item { name: "Grüße 🦀", weight: None }')}])`);

  await page.locator('#heavy').click();
  await expect(ordered).toHaveText('Err(TooHeavy { name: "a piano" })');
  await page.locator('#empty').click();
  await expect(ordered).toHaveText('Err(Empty)');

  await page.route('**/api/place_order*', (route) => route.fulfill({ status: 502, body: '<h1>Bad gateway' }));
  await page.locator('#good').click();
  await expect(ordered).toHaveText('Err(Transport(Some(502)))');
});

test.describe('without a script', () => {
  test.use({ javaScriptEnabled: false });

  test('a form leads back to its page', async ({ page }) => {
    await page.goto('/');
    await page.getByLabel('Name').fill('Ada');
    const posted = page.waitForResponse((response) => response.request().method() === 'POST');
    await page.getByRole('button', { name: 'Greet' }).click();
    expect((await posted).status()).toBe(302);
    await expect(page.getByRole('heading', { name: 'Kitchen sink' })).toBeVisible();
  });
});
