// Writes a stand-in for a kernel: an LZMA stream of about 1 MiB, the same at every run. It unpacks, it does not boot.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { lzmaAloneEncode } from '../addon/index.js';
import { seededRandom } from '../core/index.js';

const [file] = process.argv.slice(2);
if (!file) {
  console.error('usage: tsx tools/dev/demo-kernel.ts FILE');
  process.exit(2);
}
// Code compresses to about a third; so does this mix of random and repeated bytes.
const random = seededRandom(1);
const bytes = new Uint8Array(3 * 1024 * 1024);
for (let i = 0; i < bytes.length; i += 1) bytes[i] = i % 3 === 0 ? random.below(256) : i % 64;
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, lzmaAloneEncode(bytes, { dictSize: 1 << 23, lc: 1, lp: 2, pb: 2 }));
