// `npm run lighthouse`: has Lighthouse judge the release as on a phone with a slow network, and prints its four
// categories. Everything but the speed, which is a measurement and varies, has to be perfect.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from 'chrome-launcher';
import lighthouse from 'lighthouse';

const least = { performance: 0.9, accessibility: 1, 'best-practices': 1, seo: 1 };

const port = Number(process.env.E2E_PORT ?? 18080) + 4;
const origin = `http://127.0.0.1:${port}`;
const work = await mkdtemp(join(tmpdir(), 'lighthouse-'));
const server = spawn('target/release/server', {
  cwd: join(import.meta.dirname, '..'),
  env: { ...process.env, HOST: '127.0.0.1', PORT: `${port}`, SESSION_STORE: `sqlite:${work}/sessions.db`, RUST_LOG: 'warn' },
  stdio: 'inherit',
});
const answers = () => fetch(`${origin}/readyz`).then(({ ok }) => ok, () => false);
while (!(await answers())) {
  if (server.exitCode !== null) throw new Error('the server did not start');
  await new Promise((passed) => setTimeout(passed, 50));
}

// Root, as in a container, has no sandbox to put a browser into.
const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
const chrome = await launch({
  chromePath: process.env.CHROMIUM_PATH || undefined,
  chromeFlags: ['--headless=new', '--disable-gpu', ...sandbox],
});
// Now and then Chromium hands over no trace. That is no judgement, so Lighthouse runs once more.
const judgement = async (tries = 3) => {
  const { lhr } = await lighthouse(`${origin}/`, { port: chrome.port, onlyCategories: Object.keys(least), logLevel: 'error' });
  const errors = Object.values(lhr.audits).filter(({ scoreDisplayMode }) => scoreDisplayMode === 'error');
  for (const { id, errorMessage } of errors) console.log(`  ${id}: ${errorMessage}`);
  return errors.length > 0 && tries > 1 ? judgement(tries - 1) : lhr;
};
try {
  const lhr = await judgement();
  for (const [name, { score, auditRefs }] of Object.entries(lhr.categories)) {
    console.log(`${name.padEnd(15)}${Math.round(score * 100)}`);
    if (score >= least[name]) continue;
    process.exitCode = 1;
    for (const { id } of auditRefs) {
      const audit = lhr.audits[id];
      if (audit.score !== null && audit.score < 1) console.log(`  ${id}: ${audit.title} ${audit.displayValue ?? ''}`);
    }
  }
} finally {
  await chrome.kill();
  server.kill();
  await rm(work, { recursive: true, force: true });
}
