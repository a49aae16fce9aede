// WebKitGTK's small browser, MiniBrowser, over WebDriver (https://www.w3.org/TR/webdriver2/). It has no headless
// mode, so it runs on a virtual screen.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as passed } from 'node:timers/promises';
import type { Engine, Tab, Visitor } from './driver';

type Call = <T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<T>;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

export async function webkit(binary: string): Promise<Engine> {
  const port = await freePort();
  const driver = spawn('xvfb-run', ['--auto-servernum', 'WebKitWebDriver', '--host=127.0.0.1', `--port=${port}`], {
    // Root, as in a container, has no sandbox to put a browser into.
    env: { ...process.env, ...(process.getuid?.() === 0 && { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' }) },
    stdio: 'ignore',
    // A process group of its own, with the screen and the browsers in it.
    detached: true,
  });
  const ended = once(driver, 'exit');

  const call: Call = async <T>(method: string, path: string, body?: object) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const { value } = (await response.json()) as { value: T & { error?: string; message?: string } };
    if (!response.ok) throw new Error(`${method} ${path}: ${value.error} ${value.message}`);
    return value;
  };
  const ready = () => call<{ ready: boolean }>('GET', '/status').then(({ ready }) => ready, () => false);
  for (let tries = 0; !(await ready()); tries++) {
    if (driver.exitCode !== null || tries > 300) throw new Error('WebKitWebDriver did not start');
    await passed(50);
  }

  return {
    visitor: async ({ script }) => visitor(call, binary, script),
    close: async () => {
      process.kill(-driver.pid!, 'SIGTERM');
      await ended;
    },
  };
}

/** A session of WebDriver: a browser that has nothing stored yet. */
async function visitor(call: Call, binary: string, script: boolean): Promise<Visitor> {
  const args = ['--automation', `--enable-javascript=${script}`];
  const alwaysMatch = { 'webkitgtk:browserOptions': { binary, args } };
  const { sessionId } = await call<{ sessionId: string }>('POST', '/session', { capabilities: { alwaysMatch } });
  const session = `/session/${sessionId}`;
  let used = 0;
  return {
    async tab(): Promise<Tab> {
      // The session begins with one window.
      const handle =
        used++ === 0
          ? await call<string>('GET', `${session}/window`)
          : (await call<{ handle: string }>('POST', `${session}/window/new`, { type: 'tab' })).handle;
      // A command goes to the window that was chosen last.
      const here = async <T>(method: 'GET' | 'POST', path: string, body?: object) => {
        await call('POST', `${session}/window`, { handle });
        return call<T>(method, session + path, body);
      };
      return {
        goto: (url) => here('POST', '/url', { url }),
        back: () => here('POST', '/back', {}),
        click: async (selector) => {
          const element = await here<Record<string, string>>('POST', '/element', { using: 'css selector', value: selector });
          await here('POST', `/element/${Object.values(element)[0]}/click`, {});
        },
        evaluate: (expression) => here('POST', '/execute/sync', { script: `return ${expression}`, args: [] }),
      };
    },
    close: () => call('DELETE', session),
  };
}
