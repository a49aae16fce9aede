// The tutorial's page in Node: its HTTP server and Google's Firestore client, whose transaction does it all.

import { randomInt, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Firestore } from '@google-cloud/firestore';

const greetings = ['Hello World', 'Hallo Welt', 'Ciao Mondo', 'Salut le Monde', 'Hola Mundo'];
const firestore = new Firestore({ projectId: process.env.GOOGLE_CLOUD_PROJECT });
const sessions = firestore.collection('sessions');

/** Counts a view of the session with this id, or of a new one. */
const count = (id) =>
  firestore.runTransaction(async (transaction) => {
    const found = id && (await transaction.get(sessions.doc(id)));
    const known = found && found.exists;
    const newest = known ? id : randomUUID();
    const { greeting, views } = known ? found.data() : { greeting: greetings[randomInt(greetings.length)], views: 0 };
    const viewed = { greeting, views: views + 1 };
    transaction.set(sessions.doc(newest), viewed);
    return { ...viewed, newest };
  });

createServer(async (request, response) => {
  if (request.url === '/readyz') return response.end();
  try {
    const id = /(?:^|; )session_id=([0-9a-f-]+)/.exec(request.headers.cookie ?? '')?.[1];
    const { greeting, views, newest } = await count(id);
    if (newest !== id) response.setHeader('Set-Cookie', `session_id=${newest}; Path=/; HttpOnly`);
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(`<!DOCTYPE html><title>Hello</title><h1>${views} views for &quot;${greeting}&quot;</h1>\n`);
  } catch {
    response.statusCode = 503;
    response.end("The session can't be reached.");
  }
}).listen(Number(process.env.PORT), process.env.HOST);
