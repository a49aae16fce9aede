// The page, as a visitor knows it.

import { expect, type Locator, type Page } from '@playwright/test';

/** The greetings, and the language each is written in. */
export const LANGUAGES = {
  'Hello World': 'en',
  'Hallo Welt': 'de',
  'Ciao Mondo': 'it',
  'Salut le Monde': 'fr',
  'Hola Mundo': 'es',
} as const;

export type Greeting = keyof typeof LANGUAGES;
export const GREETINGS = Object.keys(LANGUAGES) as Greeting[];

export class Home {
  /** `N views for "Greeting"` */
  readonly sentence: Locator;
  readonly greeting: Locator;
  readonly refresh: Locator;
  /** What went wrong, if something did. */
  readonly message: Locator;
  /** The part of the page that asks the server. */
  readonly counter: Locator;

  constructor(readonly page: Page) {
    this.sentence = page.locator('#sentence');
    this.greeting = page.locator('h1#greeting');
    this.refresh = page.locator('a#refresh');
    this.message = page.locator('#message');
    this.counter = page.locator('#counter');
  }

  /** Loads the page, which counts a view. */
  async open(origin = ''): Promise<void> {
    await this.page.goto(`${origin}/`);
  }

  /** Waits until the WASM has taken over, or has failed to. */
  async hydrated(outcome: 'true' | 'failed' = 'true'): Promise<void> {
    await expect(this.page.locator('html')).toHaveAttribute('data-hydrated', outcome);
  }

  /** Loads the page and waits for the WASM. */
  async openHydrated(): Promise<void> {
    await this.open();
    await this.hydrated();
  }

  async showsViews(count: number): Promise<void> {
    await expect(this.sentence).toHaveText(new RegExp(`^${count} views for "`));
  }

  /** Expects the page to say plainly that there is no session any more. */
  async showsForgotten(): Promise<void> {
    await expect(this.greeting).toHaveText('Forgotten');
    await expect(this.refresh).toHaveText('Start again');
    await expect(this.page.locator('form')).toHaveCount(2);
    for (const form of await this.page.locator('form').all()) await expect(form).toBeHidden();
  }

  /** Expects one greeting, in its language, as title and in the sentence. */
  async showsGreeting(greeting: Greeting): Promise<void> {
    await expect(this.greeting).toHaveText(greeting);
    await expect(this.greeting).toHaveAttribute('lang', LANGUAGES[greeting]);
    await expect(this.sentence).toHaveText(new RegExp(`^\\d+ views for "${greeting}"$`));
  }

  /** The greeting that stands there, which must be one of the five. */
  async shownGreeting(): Promise<Greeting> {
    const text = await this.greeting.innerText();
    expect(GREETINGS).toContain(text);
    return text as Greeting;
  }

  async choose(greeting: Greeting): Promise<void> {
    await this.page.locator(`form#choose button[value="${greeting}"]`).click();
  }

  async forget(): Promise<void> {
    await this.page.locator('form#forget button').click();
  }

  /** How often the page was left from now on: reads as a number. */
  navigations(): { count: number } {
    const navigations = { count: 0 };
    this.page.on('framenavigated', () => navigations.count++);
    return navigations;
  }

  /** The addresses of all POST requests from now on, filled as they are made. */
  posts(): string[] {
    const posts: string[] = [];
    this.page.on('request', (request) => request.method() === 'POST' && posts.push(request.url()));
    return posts;
  }

  /** The session cookie's value. */
  async sessionId(): Promise<string> {
    const cookie = (await this.page.context().cookies()).find(({ name }) => name === 'session_id');
    expect(cookie, 'cookie session_id').toMatchObject({ httpOnly: true });
    return cookie!.value;
  }
}
