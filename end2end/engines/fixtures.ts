// The engine that the project names, started once for all checks; a visitor for each of them.

import { firefox as playwrightFirefox, test as base, webkit as playwrightWebkit } from '@playwright/test';
import type { Engine, Visitor } from './driver';
import { firefox } from './firefox';
import { playwright } from './playwright';
import { webkit } from './webkit';

export type Name = 'firefox' | 'webkit';

/** What scripts/setup-engines.sh found: `playwright`, the path of a program, or nothing. */
const found = { firefox: process.env['FIREFOX'], webkit: process.env['WEBKIT'] };

const start: Record<Name, (program: string) => Promise<Engine>> = {
  firefox: (program) => (program === 'playwright' ? playwright(playwrightFirefox) : firefox(program)),
  webkit: (program) => (program === 'playwright' ? playwright(playwrightWebkit) : webkit(program)),
};

interface Fixtures {
  /** Skips the check where there is no such browser. A worker's fixture can't do that for more than one test. */
  installed: void;
  visitor: Visitor;
  /** A visitor whose browser has JavaScript switched off. */
  visitorWithoutScript: Visitor;
  origin: string;
}

export const test = base.extend<Fixtures, { name: Name; engine: Engine }>({
  name: ['firefox', { option: true, scope: 'worker' }],
  engine: [
    async ({ name }, use) => {
      const engine = await start[name](found[name]!);
      await use(engine);
      await engine.close();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  installed: async ({ name }, use, info) => {
    info.skip(!found[name], `there is no ${name} here`);
    await use();
  },
  origin: async ({ baseURL }, use) => use(baseURL!),
  visitor: async ({ installed: _, engine }, use) => {
    const visitor = await engine.visitor({ script: true });
    await use(visitor);
    await visitor.close();
  },
  visitorWithoutScript: async ({ installed: _, engine }, use) => {
    const visitor = await engine.visitor({ script: false });
    await use(visitor);
    await visitor.close();
  },
});

export { expect } from '@playwright/test';
