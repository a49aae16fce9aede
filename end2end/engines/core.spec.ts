// The core of the page in another engine than Chromium: what a visitor does, and that each view counts once.

import { expect, test } from './fixtures';
import { Page } from './page';

test('the page comes alive, and coming alive counts nothing', async ({ visitor, origin }) => {
  const page = await Page.openAlive(await visitor.tab(), origin);
  await page.showsViews(1);
  expect(await page.countedWithThis()).toBe(2);
});

test('a refresh counts one view, in place', async ({ visitor, origin }) => {
  const page = await Page.openAlive(await visitor.tab(), origin);
  const greeting = await page.greeting();
  await page.mark();

  await page.refresh();
  await page.showsViews(2);
  await page.refresh();
  await page.showsViews(3);

  await page.showsGreeting(greeting);
  expect(await page.isMarked()).toBe(true);
  expect(await page.countedWithThis()).toBe(4);
});

test('a greeting is chosen in place, and stays', async ({ visitor, origin }) => {
  const page = await Page.openAlive(await visitor.tab(), origin);
  const other = (await page.greeting()) === 'Hola Mundo' ? 'Ciao Mondo' : 'Hola Mundo';
  await page.mark();

  await page.choose(other);

  await page.showsGreeting(other);
  await page.showsViews(1);
  expect(await page.isMarked()).toBe(true);
  expect(await page.countedWithThis()).toBe(2);
  await page.showsGreeting(other);
});

test('the other tab shows the view as well', async ({ visitor, origin }) => {
  const page = await Page.openAlive(await visitor.tab(), origin);
  const other = await Page.openAlive(await visitor.tab(), origin);
  await page.showsViews(2);

  await other.refresh();
  await page.showsViews(3);

  await page.refresh();
  await other.showsViews(4);
});

test('a page that the visitor goes back to shows what is true by then', async ({ visitor, origin }) => {
  const page = await Page.openAlive(await visitor.tab(), origin);
  await page.leave();
  const other = await Page.openAlive(await visitor.tab(), origin);
  await other.showsViews(2);

  await page.back();

  await page.showsViews(3);
  expect(await page.countedWithThis()).toBe(4);
});

test('forgetting deletes the session in place, and all tabs say so', async ({ visitor, origin }) => {
  const page = await Page.openAlive(await visitor.tab(), origin);
  const other = await Page.openAlive(await visitor.tab(), origin);
  await other.showsViews(2);
  await page.mark();

  await page.forget();

  await page.showsForgotten();
  await other.showsForgotten();
  expect(await page.isMarked()).toBe(true);
  await page.refresh();
  await page.showsViews(1);
  expect(await page.countedWithThis()).toBe(2);
});

test('without JavaScript links and forms do the same, and a view is one view', async ({ visitorWithoutScript, origin }) => {
  const page = await Page.open(await visitorWithoutScript.tab(), origin);
  await page.showsViews(1);

  await page.refresh();
  await page.showsViews(2);

  const other = (await page.greeting()) === 'Hola Mundo' ? 'Ciao Mondo' : 'Hola Mundo';
  await page.choose(other);
  await page.showsViews(3);
  await page.showsGreeting(other);

  await page.forget();
  await page.showsViews(1);
  expect(await page.countedWithThis()).toBe(2);
});
