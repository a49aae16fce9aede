// What browsers and other sites take from the page beside what it shows: icons, title, card.

import sharp from 'sharp';
import { expect, test } from '../fixtures';

const icons = [
  { path: '/favicon.svg', type: 'image/svg+xml', size: [32, 32] },
  { path: '/apple-touch-icon.png', type: 'image/png', size: [180, 180] },
];

for (const { path, type, size } of icons) {
  test(`${path} is there, and kept for a day`, async ({ home, page }) => {
    await home.open();
    await expect(page.locator(`link[rel$="icon"][href="${path}"]`)).toHaveCount(1);

    const answer = await page.request.get(path);

    expect(answer.status()).toBe(200);
    expect(answer.headers()).toMatchObject({ 'content-type': type, 'cache-control': 'public, max-age=86400' });
    const { width, height } = await sharp(await answer.body()).metadata();
    expect([width, height]).toEqual(size);
  });
}

test('/favicon.ico, which browsers ask for by themselves, is an icon', async ({ home, page }) => {
  await home.open();
  const answer = await page.request.get('/favicon.ico');
  expect(answer.status()).toBe(200);
  expect(answer.headers()).toMatchObject({ 'content-type': 'image/x-icon', 'cache-control': 'public, max-age=86400' });
  // Chromium decodes it, so others will.
  const size = await page.evaluate(async () => {
    const icon = Object.assign(new Image(), { src: '/favicon.ico' });
    await icon.decode();
    return [icon.naturalWidth, icon.naturalHeight];
  });
  expect(size).toEqual([32, 32]);
});

test('the card for other sites has all that they ask for', async ({ baseURL, home, page }) => {
  await home.open();
  const meta = (name: string) => page.locator(`meta[property="${name}"], meta[name="${name}"]`).getAttribute('content');

  expect(await meta('og:title')).toBe(await page.title());
  expect(await meta('og:description')).toBe(await meta('description'));
  expect(await meta('og:url')).toBe(`${baseURL}/`);
  expect(await meta('og:image:alt')).toContain('Salut le Monde');
  expect(await meta('twitter:card')).toBe('summary_large_image');

  const address = (await meta('og:image'))!;
  expect(address).toBe(`${baseURL}/card.png`);
  const answer = await page.request.get(address);
  expect(answer.headers()['content-type']).toBe('image/png');
  const picture = await answer.body();
  expect(picture.length).toBeLessThan(60_000);
  const { width, height } = await sharp(picture).metadata();
  expect([await meta('og:image:width'), await meta('og:image:height')]).toEqual([`${width}`, `${height}`]);
});

test('nothing is loaded from another host', async ({ baseURL, home, page }) => {
  const hosts = new Set<string>();
  page.on('request', (request) => hosts.add(new URL(request.url()).origin));
  await home.openHydrated();
  await home.refresh.click();
  await home.showsViews(2);
  expect([...hosts]).toEqual([baseURL]);
});
