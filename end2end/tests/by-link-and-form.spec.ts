// Where no script runs, or none that does anything, every link and form does its work, and a view is still one view.

import { expect, test } from '../fixtures';
import { GREETINGS } from '../pages/home';

test('a load counts one view', async ({ home, stored }) => {
  await home.open();

  await home.showsViews(1);
  expect(await stored()).toBe(1);
});

test('the refresh link counts one view', async ({ home, stored }) => {
  await home.open();

  await home.refresh.click();

  await home.showsViews(2);
  expect(await stored()).toBe(2);
});

test('choosing a greeting counts the one view of the page that follows', async ({ home, stored }) => {
  await home.open();
  const shown = await home.shownGreeting();
  const other = GREETINGS.find((greeting) => greeting !== shown)!;

  await home.choose(other);

  await home.showsGreeting(other);
  await home.showsViews(2);
  expect(await stored()).toBe(2);
});

test('forgetting starts again at one', async ({ home, stored }) => {
  await home.open();
  await home.open();
  await home.showsViews(2);
  const before = await home.sessionId();

  await home.forget();

  await home.showsViews(1);
  expect(await home.sessionId()).not.toBe(before);
  expect(await stored()).toBe(1);
});
