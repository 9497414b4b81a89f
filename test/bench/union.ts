/**
 * Numbers of the union engine, in memory: lookup, listing, copy-up, changes of names, and lookup by number of layers.
 *
 *     npx tsx test/bench/union.ts
 *
 * Prints one JSON document; times in microseconds or milliseconds as named.
 */
import { byteStringFromText as b } from '../../tools/core/index.js';
import type { ByteString } from '../../tools/core/index.js';
import type { Union } from '../../tools/union/index.js';
import { MemoryFileSystem } from '../../tools/vfs/index.js';
import { unionOf } from '../support/unions.js';

const file = { type: 'file', mode: 0o644, uid: 0, gid: 0 } as const;
const folder = { mode: 0o755, uid: 0, gid: 0 };

function median(values: number[]): number {
  return values.sort((x, y) => x - y)[values.length >> 1] ?? 0;
}

function filled(from: number, to: number): MemoryFileSystem {
  const fs = new MemoryFileSystem();
  const big = fs.mkdir(fs.root, b('big'), folder);
  for (let at = from; at < to; at += 1) fs.mknod(big, b(`entry-${at}`), file);
  return fs;
}

function walk(union: Union, path: readonly ByteString[]): number {
  let ino = union.root;
  for (const name of path) ino = union.lookup(ino, name) ?? 0;
  return ino;
}

/** Median microseconds of a call, measured in batches. */
function microseconds(call: () => unknown, batch = 200, batches = 200): number {
  const times: number[] = [];
  for (let at = 0; at < batches; at += 1) {
    const start = performance.now();
    for (let n = 0; n < batch; n += 1) call();
    times.push(((performance.now() - start) * 1000) / batch);
  }
  return median(times);
}

const merged = unionOf({ lowers: [filled(0, 6000)], store: new MemoryFileSystem() });
const big = walk(merged, [b('big')]);
for (let at = 6000; at < 10_000; at += 1) merged.mknod(big, b(`entry-${at}`), file);
const path = [b('big'), b('entry-5000')];
const warmLookupUs = microseconds(() => walk(merged, path));

const listings: number[] = [];
for (let round = 0; round < 15; round += 1) {
  const lower = filled(0, 6000);
  const upper = new MemoryFileSystem();
  const union = unionOf({ lowers: [lower], store: upper });
  const directory = walk(union, [b('big')]);
  for (let at = 6000; at < 10_000; at += 1) union.mknod(directory, b(`entry-${at}`), file);
  union.unmount();
  const again = unionOf({ lowers: [lower], store: upper });
  const start = performance.now();
  const entries = again.readdir(walk(again, [b('big')]));
  listings.push(performance.now() - start);
  if (entries.length !== 10_000) throw new Error(`listed ${entries.length} entries`);
}

const copies: number[] = [];
for (let round = 0; round < 15; round += 1) {
  const lower = new MemoryFileSystem();
  const count = 32;
  for (let at = 0; at < count; at += 1) {
    lower.write(lower.mknod(lower.root, b(`f${at}`), file), 0, new Uint8Array(1024 * 1024).fill(at + 1));
  }
  const union = unionOf({ lowers: [lower], store: new MemoryFileSystem() });
  const inos = union.readdir(union.root).map((entry) => union.lookup(union.root, entry.name) ?? 0);
  const start = performance.now();
  for (const ino of inos) union.setattr(ino, { mode: 0o600 });
  copies.push((count * 1.048576) / ((performance.now() - start) / 1000));
}

const names = Array.from({ length: 5000 }, (_, at) => [b(`new-${at}`), b(`moved-${at}`)] as const);
function perSecond(change: (name: ByteString, other: ByteString) => unknown): number {
  const start = performance.now();
  for (const [name, other] of names) change(name, other);
  return Math.round(names.length / ((performance.now() - start) / 1000));
}
const changes = { create: [] as number[], rename: [] as number[], unlink: [] as number[] };
for (let round = 0; round < 9; round += 1) {
  changes.create.push(perSecond((name) => merged.mknod(big, name, file)));
  changes.rename.push(perSecond((name, other) => merged.rename(big, name, big, other)));
  changes.unlink.push(perSecond((_, other) => merged.unlink(big, other)));
}

const lookupByLayers: Record<string, { coldUs: number; warmUs: number }> = {};
for (const layers of [1, 2, 8, 64]) {
  const lowers = Array.from({ length: layers }, (_, layer) => filled(layer * 100, layer * 100 + 100));
  const cold: number[] = [];
  for (let round = 0; round < 30; round += 1) {
    const union = unionOf({ lowers });
    const wanted = Array.from({ length: 50 }, (_, at) => b(`entry-${(at * layers * 100) / 50}`));
    const directory = walk(union, [b('big')]);
    const start = performance.now();
    for (const name of wanted) union.lookup(directory, name);
    cold.push(((performance.now() - start) * 1000) / wanted.length);
  }
  const union = unionOf({ lowers });
  lookupByLayers[layers] = {
    coldUs: median(cold),
    warmUs: microseconds(() => walk(union, [b('big'), b('entry-50')])),
  };
}

console.log(
  JSON.stringify(
    {
      schemaVersion: 1,
      warmLookupUs,
      listing10000Ms: median(listings),
      copyUpMegabytesPerSecond: median(copies),
      operationsPerSecond: {
        create: median(changes.create),
        rename: median(changes.rename),
        unlink: median(changes.unlink),
      },
      lookupByLayers,
    },
    undefined,
    2,
  ),
);
