// Playwright's own build of an engine.

import type { BrowserType } from '@playwright/test';
import type { Engine } from './driver';

export async function playwright(type: BrowserType): Promise<Engine> {
  const browser = await type.launch();
  return {
    async visitor({ script }) {
      const context = await browser.newContext({ javaScriptEnabled: script });
      return {
        async tab() {
          const page = await context.newPage();
          return {
            goto: async (url) => void (await page.goto(url)),
            back: async () => void (await page.goBack({ waitUntil: 'commit' })),
            click: (selector) => page.click(selector),
            evaluate: (expression) => page.evaluate(expression),
          };
        },
        close: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
}
