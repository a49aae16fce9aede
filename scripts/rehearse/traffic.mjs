// Visitors who look at the page and refresh it, one view after the other, until a file is gone; each of them checks
// that every view counts once, and that each page gets its style and script. Says how many there were, or what went
// wrong.
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
      const { statusCode: status, headers: { 'set-cookie': cookies, location } } = response;
      response.on('end', () => resolve({ status, cookies, location, body }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}

let assets = 0;
let elsewhere = 0;

// Loads what the page loads. A server of another build sends the browser to the next one; browsers follow 20 redirects.
async function loadAssets(name, page) {
  const paths = new Set(page.match(/\/pkg\/[\w.-]+\.(?:css|js|wasm)/g));
  if (paths.size < 3) throw new Error(`${name}: a page with ${paths.size} assets`);
  for (const path of paths) {
    let response = { location: path };
    for (let redirects = -1; response.location && redirects < 20; redirects += 1) {
      if (redirects >= 0) elsewhere += 1;
      response = await ask(response.location, 'GET');
    }
    // The last server of the page's build has just gone; the page then works by its links and forms.
    if (response.status === 404 && path.endsWith('.css') === false && existsSync(`${file}.last`)) continue;
    if (response.status !== 200 || !response.body) throw new Error(`${name}: ${path} is ${response.status}`);
    assets += 1;
  }
}

// How the page says the count: an app with other words has its own here.
const counted = /(\d+) views/;

async function visit(name) {
  let cookie;
  let views = 0;
  while (existsSync(file)) {
    const [path, method] = views % 2 ? ['/api/refresh', 'POST'] : ['/', 'GET'];
    const { status, cookies, body } = await ask(path, method, cookie);
    if (status !== 200) throw new Error(`${name}, view ${views + 1}: ${status} ${body.slice(0, 200)}`);
    if (cookies && cookie) throw new Error(`${name}, view ${views + 1}: a new session`);
    cookie ??= cookies[0].split(';')[0];
    const seen = Number(method === 'POST' ? JSON.parse(body).views : counted.exec(body)?.[1]);
    views += 1;
    if (method === 'GET' && views % 10 === 1) await loadAssets(name, body);
    if (seen !== views) throw new Error(`${name}: view ${views} was counted as ${seen}`);
  }
  return views;
}

const names = Array.from({ length: Number(visitors) }, (_, n) => `visitor ${n + 1}`);
try {
  const views = (await Promise.all(names.map(visit))).reduce((sum, views) => sum + views, 0);
  if (!elsewhere) throw new Error('no page met a server of another build');
  console.log(`${views} views of ${names.length} visitors, not one failed or lost; ${assets} assets, redirected ${elsewhere} times`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  agent.destroy();
}
if (process.exitCode) process.exit();
