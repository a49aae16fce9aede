// Photographs the page for its documentation, in each of its states, and makes the pictures that it links to.
// What is made here is committed: a build needs no browser.

import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Page } from '@playwright/test';
import sharp from 'sharp';
import { expect, test } from './fixtures';
import { GREETINGS, LANGUAGES, type Home } from './pages/home';
import { down } from './stores';

const root = resolve(__dirname, '..');

/** Saves a picture with a palette: type on plain paper has few colours, and is a quarter as large so. */
async function save(file: string, picture: Buffer) {
  await sharp(picture).png({ palette: true, colours: 64, effort: 10 }).toFile(resolve(root, file));
}

async function twoViews(home: Home) {
  await home.openHydrated();
  await home.choose('Salut le Monde');
  await home.showsGreeting('Salut le Monde');
  await home.refresh.click();
  await home.showsViews(2);
}

const wide = { width: 1200, height: 800 };
const low = { width: 960, height: 640 };
const phone = { width: 390, height: 844 };

interface Shot {
  file: string;
  size?: { width: number; height: number };
  dark?: boolean;
  reach: (home: Home, page: Page) => Promise<unknown>;
}

const shots: Shot[] = [
  { file: 'page', size: wide, reach: twoViews },
  { file: 'page-dark', size: wide, dark: true, reach: twoViews },
  { file: 'page-mobile', size: phone, reach: twoViews },
  { file: 'page-mobile-dark', size: phone, dark: true, reach: twoViews },
  {
    file: 'page-failed',
    size: { width: 960, height: 720 },
    reach: async (home, page) => {
      await twoViews(home);
      await page.route('**/api/refresh', (route) => route.fulfill({ status: 503 }));
      await home.refresh.click();
      await expect(home.message).not.toBeEmpty();
    },
  },
  {
    file: 'page-forgotten',
    reach: async (home) => {
      await twoViews(home);
      await home.forget();
      await home.showsForgotten();
    },
  },
  { file: 'page-503', reach: (_, page) => page.goto(`${down.origin}/`) },
  {
    file: 'page-session',
    size: { width: 960, height: 1240 },
    reach: async (home, page) => {
      await twoViews(home);
      await page.goto('/session');
    },
  },
  { file: 'page-nothing-stored', reach: (_, page) => page.goto('/session') },
  { file: 'page-404', reach: (_, page) => page.goto('/nowhere') },
];

for (const { file, size = low, dark, reach } of shots) {
  test(file, async ({ home, page }) => {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce' });
    await reach(home, page);
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.mouse.move(0, 0);
    await save(`docs/${file}.png`, await page.screenshot());
  });
}

test('card', async ({ home, page }) => {
  await page.setViewportSize({ width: 1200, height: 630 });
  await home.open();
  // The five greetings, where the page has its own and in its type.
  await page.evaluate(
    ({ greetings, chosen }) => {
      const lines = greetings.map(([greeting, language]) => {
        const line = Object.assign(document.createElement('p'), { textContent: greeting, lang: language });
        line.style.cssText = 'margin: 0; font: 5.25rem/1.17 var(--serif); letter-spacing: -0.025em; color: var(--quiet)';
        if (greeting === chosen) line.style.color = 'var(--accent)';
        return line;
      });
      document.querySelector('main')!.replaceChildren(...lines);
    },
    { greetings: Object.entries(LANGUAGES), chosen: GREETINGS[0] },
  );
  await save('public/card.png', await page.screenshot());
});

test('icons', async () => {
  const drawing = resolve(root, 'public/favicon.svg');
  const drawn = (size: number) => sharp(drawing, { density: (72 * size) / 32 }).resize(size, size);
  const { fill } = /<rect[^>]*fill="(?<fill>#\w+)"/.exec(await readFile(drawing, 'utf8'))!.groups!;
  // Apple rounds the corners itself.
  await save('public/apple-touch-icon.png', await drawn(180).flatten({ background: fill }).png().toBuffer());

  // An .ico of one picture: a head of 6 bytes, an entry of 16, and the picture as PNG.
  const size = 32;
  const picture = await drawn(size).png({ palette: true, effort: 10 }).toBuffer();
  const head = Buffer.alloc(22);
  head.writeUInt16LE(1, 2); // an icon
  head.writeUInt16LE(1, 4); // of one picture
  head.writeUInt8(size, 6);
  head.writeUInt8(size, 7);
  head.writeUInt16LE(1, 10); // plane
  head.writeUInt16LE(32, 12); // bits for each pixel
  head.writeUInt32LE(picture.length, 14);
  head.writeUInt32LE(head.length, 18); // where it begins
  await writeFile(resolve(root, 'public/favicon.ico'), Buffer.concat([head, picture]));
});
