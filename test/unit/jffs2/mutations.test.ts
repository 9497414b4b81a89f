/** Seeded faults in the code that recovers: the power-cut runs find each of them. */
import { expect, test } from 'vitest';
import type * as flashModule from '../../../tools/flash/index.js';
import type * as cutsModule from '../../support/jffs2-power-cuts.js';
import { loadMutant } from '../../support/mutants.js';
import type { Mutation } from '../../support/mutants.js';

const jffs2 = (file: string): string => `tools/jffs2/${file}.ts`;

/** A fault, and the workload whose cuts show it. */
const faults: readonly (Mutation & { readonly workload: string })[] = [
  {
    name: 'the checksum of data is not looked at',
    file: jffs2('mount/load'),
    from: 'if (!inodeDataIsValid(bytes, { ...node, nodeOffset: 0 })) {',
    to: 'if (bytes.length < 0) {',
    workload: 'overwrite',
  },
  {
    name: 'the checksum of names is not looked at',
    file: jffs2('node/parse'),
    from: "if (crc32Raw(name) !== nameCrc) return bad('name-crc');",
    to: '',
    workload: 'create',
  },
  {
    name: 'the older of two dirents wins at the build',
    file: jffs2('mount/scan-medium'),
    from: 'if (old && found.version < old.version) {',
    to: 'if (old && found.version > old.version) {',
    workload: 'rename over',
  },
  {
    name: 'the older of two dirents wins in the directory',
    file: jffs2('mount/inode'),
    from: 'if (old && dirent.version < old.version) return dirent.ref;',
    to: 'if (old && dirent.version > old.version) return dirent.ref;',
    workload: 'unlink',
  },
  {
    name: 'data nodes are applied newest first',
    file: jffs2('mount/load'),
    from: 'a.node.version - b.node.version',
    to: 'b.node.version - a.node.version',
    workload: 'overwrite',
  },
  {
    name: 'deleted names are found',
    file: jffs2('mount/inode'),
    from: 'for (const dirent of this.#entries.values()) if (dirent.ino !== 0) yield dirent;',
    to: 'for (const dirent of this.#entries.values()) yield dirent;',
    workload: 'unlink',
  },
  {
    name: 'the older attributes win',
    file: jffs2('mount/load'),
    from: 'if (!latest || node.version > latest.node.version) latest = candidate;',
    to: 'latest ??= candidate;',
    workload: 'append',
  },
  {
    name: 'of two states of a reference the older wins',
    file: jffs2('mount/xattr'),
    from: 'const newer = ref.xseqno > other.xseqno ? ref : other;',
    to: 'const newer = ref.xseqno < other.xseqno ? ref : other;',
    workload: 'xattr',
  },
  {
    name: 'of two values of one attribute the older wins',
    file: jffs2('mount/xattr'),
    from: 'if (other) this.#drop(record, other.xseqno > ref.xseqno ? ref : other);',
    to: 'if (other) this.#drop(record, other.xseqno < ref.xseqno ? ref : other);',
    workload: 'xattr',
  },
  {
    name: 'collection drops every deletion',
    file: jffs2('mount/collect'),
    from: '(yield* isStillNeeded(volume, task, live.record, dirent))',
    to: 'dirent.version < 0',
    workload: 'collection',
  },
  {
    name: 'versions are given twice',
    file: jffs2('mount/load'),
    from: '    this.#highestVersion = Math.max(this.#highestVersion, node.version);',
    to: '',
    workload: 'overwrite',
  },
  {
    name: 'a second name of a file is not counted',
    file: jffs2('mount/build'),
    from: 'child.nlink += 1;',
    to: 'child.nlink = 1;',
    workload: 'unlink',
  },
  {
    name: 'the older of two nodes without data wins',
    file: jffs2('mount/load'),
    from: 'newest.node.version > candidate.node.version ? candidate : newest',
    to: 'newest.node.version < candidate.node.version ? candidate : newest',
    workload: 'attributes',
  },
  {
    name: 'removed attributes are shown',
    file: jffs2('mount/xattr'),
    from: 'if ((ref.xseqno & DELETED) !== 0) continue;',
    to: '',
    workload: 'xattr',
  },
  {
    name: 'what stands before a newer node in a file is lost',
    file: jffs2('mount/fragments'),
    from: 'if (old.offset < offset) {',
    to: 'if (old.offset < -1) {',
    workload: 'overwrite',
  },
  {
    name: 'of two nodes with one version the damaged one is kept',
    file: jffs2('mount/load'),
    from: "if (ref.state === 'obsolete') return false;\n    if (ref.state !== 'unchecked') return true;",
    to: 'return true;',
    workload: 'overwrite',
  },
];

async function firstFault(mutation: Mutation | undefined, workload: string): Promise<string | undefined> {
  // One file gives both modules, so that they share their classes.
  const mutant = await loadMutant(mutation, 'test/support/power-cut-check.ts');
  const { explorePowerCuts, jffs2PowerCuts } = mutant as unknown as typeof flashModule & typeof cutsModule;
  try {
    const large = workload === 'collection';
    const options = jffs2PowerCuts({
      workload,
      endian: 'little',
      eraseSize: large ? 4096 : 65536,
      blocks: large ? 26 : 8,
      stride: large ? 6 : 1,
    });
    return explorePowerCuts({ ...options, violationLimit: 1, bitSubsets: 3 }).violations[0]?.message;
  } catch (error) {
    return String(error);
  }
}

test.each(faults)('found: $name', async ({ workload, ...mutation }) => {
  expect(await firstFault(mutation, workload)).toBeDefined();
});

test.each([...new Set(faults.map(({ workload }) => workload))])(
  'without a fault nothing is found: %s',
  async (workload) => {
    expect(await firstFault(undefined, workload)).toBeUndefined();
  },
);
