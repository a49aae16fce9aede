// The network goes and comes back: what is shown stays, the page says so, and it all works again.

import { expect, test } from '../fixtures';

test('each control says so, and works when the network is back', async ({ context, home }) => {
  await home.openHydrated();
  await context.setOffline(true);

  for (const act of [() => home.refresh.click(), () => home.choose('Ciao Mondo'), () => home.forget()]) {
    await act();
    await expect(home.message).toHaveText('There is no connection. Check it and try again.');
    await home.showsViews(1);
  }

  await context.setOffline(false);
  await home.refresh.click();
  await home.showsViews(2);
  await expect(home.message).toBeEmpty();
});

test('a view is not counted twice by the tries in between', async ({ context, home, stored }) => {
  await home.openHydrated();
  await context.setOffline(true);
  for (let tries = 0; tries < 3; tries++) {
    await home.refresh.click();
    await expect(home.message).not.toBeEmpty();
  }
  await context.setOffline(false);

  await home.refresh.click();

  await home.showsViews(2);
  expect(await stored()).toBe(2);
});
