// Visitors who look at the page and refresh it, one view after the other, until a file is gone; each of them checks
// that every view counts once. Says how many there were, or what went wrong.
//
//   node traffic.mjs URL VISITORS FILE

import { existsSync } from 'node:fs';
import { Agent, request } from 'node:http';

const [url, visitors, file] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });

// A response, with its body.
function ask(path, method, cookie) {
  return new Promise((resolve, reject) => {
    const headers = { ...(cookie && { cookie }), ...(method === 'POST' && { 'sec-fetch-site': 'same-origin' }) };
    const sent = request(new URL(path, url), { method, headers, agent }, response => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', chunk => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode, cookies: response.headers['set-cookie'], body }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}

async function visit(name) {
  let cookie;
  let views = 0;
  while (existsSync(file)) {
    const [path, method] = views % 2 ? ['/api/refresh', 'POST'] : ['/', 'GET'];
    const { status, cookies, body } = await ask(path, method, cookie);
    if (status !== 200) throw new Error(`${name}, view ${views + 1}: ${status} ${body.slice(0, 200)}`);
    if (cookies && cookie) throw new Error(`${name}, view ${views + 1}: a new session`);
    cookie ??= cookies[0].split(';')[0];
    const seen = Number(method === 'POST' ? JSON.parse(body).views : /(\d+) views for "/.exec(body)?.[1]);
    views += 1;
    if (seen !== views) throw new Error(`${name}: view ${views} was counted as ${seen}`);
  }
  return views;
}

const names = Array.from({ length: Number(visitors) }, (_, n) => `visitor ${n + 1}`);
try {
  const views = (await Promise.all(names.map(visit))).reduce((sum, views) => sum + views, 0);
  console.log(`${views} views of ${names.length} visitors, not one failed or lost`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  agent.destroy();
}
if (process.exitCode) process.exit();
