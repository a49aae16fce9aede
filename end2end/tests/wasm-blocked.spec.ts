// A browser that gets no WASM: the page says so, and works by its link and forms.

import { expect, test } from '../fixtures';

test('the page counts by its link, and complains once on the console', async ({ home, page, stored }) => {
  const complaints: string[] = [];
  page.on('console', (message) => message.text().startsWith('The page works') && complaints.push(message.text()));
  await home.open();
  await home.hydrated('failed');
  expect(complaints).toHaveLength(1);

  await home.refresh.click();

  await home.showsViews(2);
  expect(await stored()).toBe(2);
});
