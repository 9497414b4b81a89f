/**
 * Scans many damaged images: `npx tsx test/sweep/jffs2.ts [cases] [first seed]`, 100 000 cases by default. Any error
 * that is not a FormatError, and any case that takes longer than two seconds, ends the run with a replay id.
 */
import { existsSync, readFileSync } from 'node:fs';
import { seededRandom } from '../../tools/core/index.js';
import { writeJffs2 } from '../../tools/jffs2/index.js';
import type { Endian } from '../../tools/jffs2/index.js';
import { mutate, nodesOf, scanAll } from '../support/jffs2-mutation.js';
import { directory, file, sampleTree, textLike } from '../support/jffs2-trees.js';
import { fixturePath } from '../support/requires.js';

const cases = Number(process.argv[2] ?? 100_000);
const firstSeed = Number(process.argv[3] ?? 1);
const SLOW_MS = 2000;

interface Base {
  readonly bytes: Uint8Array;
  readonly endian: Endian;
}

const small = directory({ etc: directory({ motd: file(textLike(9000, 1)) }), empty: file(new Uint8Array()) });
const bases: Base[] = [
  { bytes: writeJffs2(small, { endian: 'little', eraseSize: 4096, summaries: true }), endian: 'little' },
  { bytes: writeJffs2(small, { endian: 'big', eraseSize: 8192, compression: 'openwrt' }), endian: 'big' },
  {
    bytes: writeJffs2(sampleTree(), { endian: 'little', eraseSize: 65536, summaries: true }),
    endian: 'little',
  },
];
for (const [name, endian, size] of [
  ['tiny-jffs2-le.img', 'little', 8192],
  ['tiny-jffs2-be.img', 'big', 8192],
  ['flash-zyxel-pmg3000-v2.50-config.jffs2', 'big', 131072],
  ['flash-yi-1080-backup.jffs2', 'little', 65536],
] as const) {
  if (!existsSync(fixturePath(name))) continue;
  bases.push({ bytes: new Uint8Array(readFileSync(fixturePath(name))).subarray(0, size), endian });
}
const prepared = bases.map((base) => ({ ...base, nodes: nodesOf(base.bytes, base.endian) }));

let files = 0;
let slowest = 0;
for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
  const random = seededRandom(seed);
  const base = prepared[random.below(prepared.length)];
  if (!base) break;
  const start = performance.now();
  try {
    files += scanAll(mutate(base.bytes, base.nodes, base.endian, random));
  } catch (error) {
    console.error(`replay: npx tsx test/sweep/jffs2.ts 1 ${seed}`);
    throw error;
  }
  const took = performance.now() - start;
  slowest = Math.max(slowest, took);
  if (took > SLOW_MS) throw new Error(`${took.toFixed(0)} ms; replay: npx tsx test/sweep/jffs2.ts 1 ${seed}`);
}
console.log(`${cases} cases, ${files} files read, slowest ${slowest.toFixed(0)} ms`);
