// What a page of somebody else's can do to a visitor of ours: nothing.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '../fixtures';

/** A page of somebody else's, on another port; it does what its address says to the address given to it. */
const hostile = `<!DOCTYPE html><title>Win a prize</title><script>
  const [act, target] = location.hash.slice(1).split('|');
  const form = () => {
    const form = document.createElement('form');
    Object.assign(form, { method: 'post', action: target + '/api/forget' });
    document.body.append(form);
    form.submit();
  };
  const fetched = () => fetch(target + '/api/forget', { method: 'POST', mode: 'no-cors', credentials: 'include' });
  const framed = () => {
    const frame = document.createElement('iframe');
    frame.src = target;
    document.body.append(frame);
  };
  addEventListener('load', ({ form, fetched, framed })[act]);
</script><body>`;

let server: Server;

test.beforeAll(async () => {
  server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(hostile));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});

test.afterAll(() => server.close());

// The same host on another port is the same site, so the cookie is sent along; another host is another site.
for (const host of ['127.0.0.1', 'localhost']) {
  for (const act of ['form', 'fetched']) {
    test(`a page on ${host} cannot end the visitor's session (${act})`, async ({ home, baseURL, context }) => {
      await home.openHydrated();
      const id = await home.sessionId();
      const other = await context.newPage();
      // What a script may not read, the browser reports as failed: Cross-Origin-Resource-Policy.
      const answered =
        act === 'form' ? other.waitForResponse(`${baseURL}/api/forget`) : other.waitForEvent('requestfailed');
      const { port } = server.address() as AddressInfo;
      await other.goto(`http://${host}:${port}/#${act}|${baseURL}`);
      const answer = await answered;
      if ('status' in answer) expect(answer.status()).toBe(403);
      expect(await home.sessionId()).toBe(id);
      await home.open();
      await home.showsViews(2);
    });
  }
}

test('no other page can frame ours', async ({ home, baseURL, context, page }) => {
  await home.open();
  const other = await context.newPage();
  const { port } = server.address() as AddressInfo;
  await other.goto(`http://127.0.0.1:${port}/#framed|${baseURL}`);
  const frame = await other.waitForSelector('iframe');
  await expect.poll(async () => (await frame.contentFrame())?.url()).toContain('chrome-error');
  expect(await page.title()).not.toBe('');
});

test('scripts see nothing of the cookie, and neither does the page', async ({ home, page }) => {
  await home.openHydrated();
  const id = await home.sessionId();
  expect(await page.evaluate(() => document.cookie)).toBe('');
  expect(await page.content()).not.toContain(id);
  expect(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]))).not.toContain(id);
});
