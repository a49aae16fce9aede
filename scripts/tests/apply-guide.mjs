// `node apply-guide.mjs GUIDE FOLDER`: does in an app what the guide says. A code block goes where the comment before it
// says: `new: FILE`, `FILE, after: LINE` or `FILE, instead of: LINE`, where LINE is a part of one line alone.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [guide, folder] = process.argv.slice(2);
const steps = readFileSync(guide, 'utf8').matchAll(/<!-- ([^\n]*) -->\n```rust\n(.*?)```\n/gs);
let done = 0;
for (const [, where, code] of steps) {
  const created = /^new: (.*)$/.exec(where)?.[1];
  if (created) {
    writeFileSync(join(folder, created), code, { flag: 'wx' });
  } else {
    const [, file, how, line] = /^(.*?), (after|instead of): (.*)$/.exec(where) ?? [];
    if (!file) throw new Error(`the guide says nothing clear: ${where}`);
    const path = join(folder, file);
    const lines = readFileSync(path, 'utf8').split('\n');
    const found = lines.flatMap((text, index) => (text.includes(line) ? [index] : []));
    if (found.length !== 1) throw new Error(`${file} has ${found.length} lines with: ${line}`);
    lines.splice(found[0] + (how === 'after' ? 1 : 0), how === 'after' ? 0 : 1, code.trimEnd());
    writeFileSync(path, lines.join('\n'));
  }
  done += 1;
}
if (done === 0) throw new Error('the guide has no steps');
console.log(`${done} steps of the guide are done`);
