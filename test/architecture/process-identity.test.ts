/** The identity of the process is nobody's tool: rights of callers are judged one operation at a time (union 89). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Calls that change user, groups or file mode creation mask of all threads at once. */
const change = /\b(?:process\.umask|umask|set(?:res|re|fs|e)?[ug]id|setgroups|initgroups)\s*\(/;
/** The mask of whoever causes a copy, asked by a function of that name. */
const asked = /state\.umask\(\)/g;

test('no code changes user, groups or mask of the process (union 89)', () => {
  const sources = ['tools', 'native'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:ts|cc|h)$/.test(name))
      .map((name) => join(folder, name)),
  );
  expect(sources.length).toBeGreaterThan(300);
  const found = sources.filter((name) =>
    change.test(readFileSync(join(root, name), 'utf8').replace(asked, '')),
  );
  expect(found).toEqual([]);
});
