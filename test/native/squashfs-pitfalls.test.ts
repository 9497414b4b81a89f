/** The binding itself: errors with threads running, cancellation, ended workers, a full disk. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { byteString, byteStringFromText } from '../../tools/core/index.js';
import { packSquashfs, squashfsTree, writeSquashfs } from '../../tools/squashfs/index.js';
import type { TreeFile } from '../../tools/vfs/index.js';
import { requires, root } from '../support/requires.js';
import {
  attributes,
  describeTree,
  directory,
  fastOptions,
  file,
  noise,
  prose,
} from '../support/squashfs-trees.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const checkout = fileURLToPath(new URL('../../', import.meta.url));

function hostFile(name: string, size: number): TreeFile {
  const path = join(folder, name);
  writeFileSync(path, prose(size, size));
  const read = (offset: number, length: number): Uint8Array =>
    readFileSync(path).subarray(offset, offset + length);
  return {
    type: 'file',
    ...attributes(),
    content: { size, read, hostFile: { path: byteStringFromText(path), offset: 0 } },
  };
}

/** Takes long enough to be stopped in the middle. */
function longTree(): ReturnType<typeof directory> {
  return directory({ long: file(noise(12_000_000)) });
}
const slowOptions = { ...fastOptions, compressor: { kind: 'xz', level: 6 }, blockSize: 65_536 } as const;

test('a path on the host that is not UTF-8 is read in place too', async () => {
  const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff, 0xc3)]);
  writeFileSync(path, prose(7000));
  const read = (): never => expect.unreachable('the addon reads the file itself');
  const content = { size: 7000, read, hostFile: { path: byteString(path), offset: 0 } };
  const { bytes } = await packSquashfs(
    directory({ a: { type: 'file', ...attributes(), content } }),
    fastOptions,
  );
  expect(describeTree(squashfsTree(bytes))).toEqual(describeTree(directory({ a: file(prose(7000)) })));
});

test('contents on the host are read in place, and equal those read through the tree', async () => {
  const tree = directory({ a: hostFile('a', 10_000), b: hostFile('b', 4096), spooled: file(prose(9000)) });
  const { bytes } = await packSquashfs(tree, fastOptions);
  expect(describeTree(squashfsTree(bytes))).toEqual(describeTree(tree));
});

test('pitfall 14: a source that fails while the threads run is one error, and nothing is left', async () => {
  const out = join(folder, 'failing');
  mkdirSync(out);
  for (let round = 0; round < 10; round += 1) {
    const gone = hostFile('gone', 50_000 + round * 4096);
    const tree = directory({ a: file(noise(400_000, round + 1)), gone });
    rmSync(join(folder, 'gone'));
    await expect(writeSquashfs(tree, join(out, 'image'), fastOptions)).rejects.toMatchObject({
      code: 'FW_ENV_FILE',
      data: { errno: 'ENOENT', path: join(folder, 'gone') },
    });
  }
  expect(readdirSync(out)).toEqual([]);
});

test('a source that shrank since the tree was made is refused', async () => {
  const shrunk = hostFile('shrunk', 50_000);
  truncateSync(join(folder, 'shrunk'), 49_999);
  await expect(packSquashfs(directory({ shrunk }), fastOptions)).rejects.toMatchObject({
    code: 'FW_ENV_FILE',
    data: { errno: 'ESTALE' },
  });
});

test('a content that ends before its declared size is refused', async () => {
  const short: TreeFile = {
    type: 'file',
    ...attributes(),
    content: { size: 100, read: (offset) => new Uint8Array(Math.max(0, 60 - offset)) },
  };
  await expect(packSquashfs(directory({ short }), fastOptions)).rejects.toMatchObject({
    code: 'FW_SQUASHFS_CONTENT',
  });
});

test('pitfall 15: ending a worker thread during a pack run does not take the process down', () => {
  const child = fileURLToPath(new URL('squashfs-ended-worker.ts', import.meta.url));
  const output = execFileSync(process.execPath, ['--import', 'tsx', child], {
    encoding: 'utf8',
    cwd: checkout,
  });
  expect(output).toBe('4 workers ended\n');
});

test('pitfall 16: aborting stops the run, rejects with the reason, and leaves the old file alone', async () => {
  const out = join(folder, 'aborted');
  mkdirSync(out);
  writeFileSync(join(out, 'image'), 'old');
  for (const after of [1, 30, 100]) {
    const abort = new AbortController();
    const reason = new Error('enough');
    const run = writeSquashfs(longTree(), join(out, 'image'), { ...slowOptions, signal: abort.signal });
    setTimeout(() => abort.abort(reason), after);
    await expect(run).rejects.toBe(reason);
    expect(readdirSync(out)).toEqual(['image']);
  }
  expect(readFileSync(join(out, 'image'), 'utf8')).toBe('old');
});

test('pitfall 16: aborted runs give back the blocks that were under way', async () => {
  const tree = directory({ long: hostFile('long', 12_000_000) });
  const options = { ...slowOptions, blockSize: 131_072, workers: 8 };
  const abortedRun = async (): Promise<number> => {
    const abort = new AbortController();
    const run = packSquashfs(tree, { ...options, signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 100);
    await expect(run).rejects.toThrow('enough');
    return process.memoryUsage.rss();
  };
  const first = await abortedRun();
  for (let run = 0; run < 9; run += 1) await abortedRun();
  // Ten blocks of each worker were lost at each run once, 100 MiB in all.
  expect((await abortedRun()) - first).toBeLessThan(50 * 1024 * 1024);
});

test('pitfall 16: a signal that is aborted already starts nothing', async () => {
  const signal = AbortSignal.abort(new Error('before'));
  await expect(packSquashfs(longTree(), { ...slowOptions, signal })).rejects.toThrow('before');
});

test('pitfall 16: runs at the same time leave the pool of Node to others', async () => {
  const abort = new AbortController();
  let finished = 0;
  const runs = Array.from({ length: 6 }, () =>
    packSquashfs(longTree(), { ...slowOptions, workers: 1, signal: abort.signal }).then(
      () => (finished += 1),
    ),
  );
  const settled = Promise.allSettled(runs);
  await readFile(fileURLToPath(import.meta.url));
  expect(finished).toBe(0);
  abort.abort();
  await settled;
});

test('progress rises to the total', async () => {
  const seen: number[] = [];
  await packSquashfs(longTree(), {
    ...slowOptions,
    compressor: { kind: 'xz', level: 0 },
    onProgress: ({ bytesDone, bytesTotal }) => {
      expect(bytesTotal).toBe(12_000_000);
      seen.push(bytesDone);
    },
  });
  expect(seen.at(-1)).toBe(12_000_000);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
});

test('pitfall 17: a folder that is not there is an error with its errno and path', async () => {
  await expect(writeSquashfs(directory({}), join(folder, 'none/image'), fastOptions)).rejects.toMatchObject({
    code: 'FW_ENV_FILE',
    data: { errno: 'ENOENT', path: join(folder, 'none/image') },
  });
});

requires(root())('pitfall 17: a full disk is an error of its own, and no partial file is left', async () => {
  const small = join(folder, 'small');
  mkdirSync(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', small]);
  try {
    const path = join(folder, 'big');
    writeFileSync(path, noise(600_000));
    const hostFile = { path: byteStringFromText(path), offset: 0 };
    const content = { size: 600_000, read: () => new Uint8Array(0), hostFile };
    const tree = directory({ big: { type: 'file', ...attributes(), content } });
    await expect(writeSquashfs(tree, join(small, 'image'), fastOptions)).rejects.toMatchObject({
      code: 'FW_ENV_DISK_FULL',
      exitCode: 5,
    });
    await expect(writeSquashfs(longTree(), join(small, 'image'), fastOptions)).rejects.toMatchObject({
      code: 'FW_ENV_DISK_FULL',
    });
    expect(readdirSync(small)).toEqual([]);
  } finally {
    execFileSync('umount', [small]);
  }
});
