// The page of what is stored, as a visitor knows it.

import { expect, type Locator, type Page } from '@playwright/test';
import type { Greeting } from './home';

export class SessionPage {
  /** What is stored: names and values. */
  readonly stored: Locator;
  readonly download: Locator;
  readonly greeting: Locator;
  readonly views: Locator;
  /** What went wrong, if something did. */
  readonly message: Locator;

  constructor(readonly page: Page) {
    this.stored = page.locator('#stored');
    this.download = page.getByRole('link', { name: 'Download' });
    this.greeting = page.getByLabel('Greeting');
    this.views = page.getByLabel('Views');
    this.message = page.locator('#message');
  }

  async open(): Promise<void> {
    await this.page.goto('/session');
  }

  async openHydrated(): Promise<void> {
    await this.open();
    await expect(this.page.locator('html')).toHaveAttribute('data-hydrated', 'true');
  }

  async shows(greeting: Greeting, views: number): Promise<void> {
    await expect(this.stored.locator('dd').nth(0)).toHaveText(greeting);
    await expect(this.stored.locator('dd').nth(1)).toHaveText(`${views}`);
  }

  async saysNothingIsStored(): Promise<void> {
    await expect(this.page.locator('#sentence')).toHaveText('Nothing is stored about you.');
  }

  async correct(greeting: Greeting, views: number): Promise<void> {
    await this.greeting.selectOption(greeting);
    await this.views.fill(`${views}`);
    await this.page.getByRole('button', { name: 'Correct' }).click();
  }

  /** How often the page was left from now on: reads as a number. */
  navigations(): { count: number } {
    const navigations = { count: 0 };
    this.page.on('framenavigated', () => navigations.count++);
    return navigations;
  }

  async forget(): Promise<void> {
    await this.page.getByRole('button', { name: 'Forget me' }).click();
  }
}
