// What the stores hold, read beside the page.

import { createHash } from 'node:crypto';
import { expect } from '@playwright/test';
import type { Home } from './pages/home';
import { emulator, project, type Store } from './stores';

export interface Document {
  greeting: string;
  views: number;
}

/** The session's document, read from the emulator through Firestore's REST API. */
export async function storedDocument(home: Home): Promise<Document> {
  const id = createHash('sha256').update(await home.sessionId()).digest('hex');
  const documents = `http://${emulator}/v1/projects/${project}/databases/(default)/documents`;
  const answer = await fetch(`${documents}/sessions/${id}`);
  expect(answer.status, `document sessions/${id}`).toBe(200);
  const { fields } = (await answer.json()) as {
    fields: { greeting: { stringValue: string }; views: { integerValue: string } };
  };
  return { greeting: fields.greeting.stringValue, views: Number(fields.views.integerValue) };
}

/**
 * The views counted so far. Of Firestore the document is read. SQLite has no other way in, so one more view is
 * counted by a request, which is then taken off.
 */
export async function storedViews(home: Home, store: Store): Promise<number> {
  if (store.name === 'firestore') return (await storedDocument(home)).views;
  const html = await (await home.page.request.get('/')).text();
  return Number(/(\d+) views for "/.exec(html)?.[1]) - 1;
}
