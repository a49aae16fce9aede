// What only Firestore can show: the document behind the page, and two instances sharing it.

import { expect, test } from '../fixtures';
import { storedDocument } from '../stored';

test('the document holds what the page shows', async ({ home }) => {
  await home.openHydrated();
  await home.refresh.click();
  await home.showsViews(2);

  expect(await storedDocument(home)).toEqual({ greeting: await home.shownGreeting(), views: 2 });
});

test('a visitor who alternates between two instances has one session', async ({ home, store }) => {
  let views = 0;
  for (const origin of [...store.origins, ...store.origins]) {
    await home.open(origin);
    await home.hydrated();
    await home.showsViews(++views);

    await home.refresh.click();
    await home.showsViews(++views);
  }

  expect((await storedDocument(home)).views).toBe(views);
});
