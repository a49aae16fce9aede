// An ordinary Firefox, over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), which needs no driver program.

import { launch, type Browser } from 'puppeteer-core';
import { middle, type Engine } from './driver';

export async function firefox(executablePath: string): Promise<Engine> {
  const browsers: Browser[] = [];
  // JavaScript is switched off for the whole browser, so visitors without it have a browser of their own.
  const start = async (script: boolean) => {
    const browser = await launch({
      browser: 'firefox',
      executablePath,
      extraPrefsFirefox: { 'javascript.enabled': script },
    });
    browsers.push(browser);
    return browser;
  };
  const running = new Map<boolean, Promise<Browser>>();
  const browserFor = (script: boolean) => {
    const browser = running.get(script) ?? start(script);
    running.set(script, browser);
    return browser;
  };

  return {
    async visitor({ script }) {
      const context = await (await browserFor(script)).createBrowserContext();
      return {
        async tab() {
          const page = await context.newPage();
          return {
            goto: async (url) => void (await page.goto(url)),
            // Without waiting for a load: a page that is restored from the back/forward cache has none.
            back: () => page.evaluate('history.back()') as Promise<void>,
            click: async (selector) => {
              const { x, y } = (await page.evaluate(middle(selector))) as { x: number; y: number };
              await page.mouse.click(x, y);
            },
            evaluate: <T>(expression: string) => page.evaluate(expression) as Promise<T>,
          };
        },
        close: () => context.close(),
      };
    },
    close: async () => {
      await Promise.all(browsers.map((browser) => browser.close()));
    },
  };
}
