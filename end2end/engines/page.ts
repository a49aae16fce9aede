// The page as the checks of the engines see it. How its elements are found stands here and nowhere else.

import { expect } from '@playwright/test';
import type { Tab } from './driver';

const at = {
  greeting: 'h1',
  sentence: '#sentence',
  refresh: '#refresh',
  choice: (greeting: string) => `#choose button[value="${greeting}"]`,
  forget: '#forget button',
};

/** `true` once the WASM has taken over. */
const alive = 'document.documentElement.dataset.hydrated === "true"';

const text = (selector: string) => `document.querySelector(${JSON.stringify(selector)})?.innerText ?? null`;

export class Page {
  private constructor(
    readonly tab: Tab,
    private readonly origin: string,
  ) {}

  /** Loads the page, which counts a view. */
  static async open(tab: Tab, origin: string): Promise<Page> {
    await tab.goto(`${origin}/`);
    return new Page(tab, origin);
  }

  /** Loads the page and waits for the WASM. */
  static async openAlive(tab: Tab, origin: string): Promise<Page> {
    const page = await Page.open(tab, origin);
    await expect.poll(() => tab.evaluate(alive), { message: 'the page comes alive' }).toBe(true);
    return page;
  }

  refresh = () => this.tab.click(at.refresh);
  choose = (greeting: string) => this.tab.click(at.choice(greeting));
  forget = () => this.tab.click(at.forget);

  greeting = () => this.tab.evaluate<string>(text(at.greeting));

  async showsViews(count: number): Promise<void> {
    await this.shows(at.sentence, new RegExp(`^${count} views for "`));
  }

  async showsGreeting(greeting: string): Promise<void> {
    await this.shows(at.greeting, greeting);
    await this.shows(at.sentence, new RegExp(`^\\d+ views for "${greeting}"$`));
  }

  async showsForgotten(): Promise<void> {
    await this.shows(at.greeting, 'Forgotten');
  }

  /** Leaves the page for one of the same site that counts nothing. */
  leave = () => this.tab.goto(`${this.origin}/healthz`);
  back = () => this.tab.back();

  /** Leaves a mark in the document, which is there as long as the document is. */
  mark = () => this.tab.evaluate<boolean>('(window.marked = true)');
  isMarked = () => this.tab.evaluate<boolean>('window.marked === true');

  /** What the server counts for this visitor, with this view: read by a request beside the page. */
  async countedWithThis(): Promise<number> {
    await this.tab.goto(`${this.origin}/`);
    const shown = await this.tab.evaluate<string>(text(at.sentence));
    return Number(/^(\d+) views for "/.exec(shown)?.[1]);
  }

  private async shows(selector: string, expected: string | RegExp): Promise<void> {
    // A document that is being replaced can't be read.
    const shown = () => this.tab.evaluate<string>(text(selector)).catch(() => '(no document)');
    await expect.poll(shown, { message: selector }).toMatch(typeof expected === 'string' ? new RegExp(`^${expected}$`) : expected);
  }
}
