/**
 * One conformance suite for every file system of ours. A backend says how to mount a given tree (see backend.ts),
 * and which things it honestly lacks.
 */
import { afterAll, afterEach, describe } from 'vitest';
import { newDirectory } from '../../tools/vfs/index.js';
import type { TreeDirectory } from '../../tools/vfs/index.js';
import { requires } from '../support/requires.js';
import { attributeTests } from './attributes.js';
import type { Backend, Mounted } from './backend.js';
import { contentTests } from './content.js';
import { nameTests } from './names.js';
import { randomTests } from './random.js';
import { readingTests, sampleTree } from './reading.js';
import { renameTests } from './rename.js';

export type { Backend, Lack, Mounted } from './backend.js';

/** Runs the suite on a backend; a read-only one gets the tests that read. */
export function describeFileSystem(backend: Backend): void {
  if (backend.missing !== undefined) {
    const need = { name: backend.missing, met: false };
    requires(need)(`${backend.name} file system`, () => undefined);
    return;
  }
  describe(`${backend.name} file system`, () => {
    const open: Mounted[] = [];
    const mount = (tree: TreeDirectory): Mounted => {
      const mounted = backend.mount(tree);
      open.push(mounted);
      return mounted;
    };
    afterEach(() => {
      for (const mounted of open.splice(0)) mounted.close?.();
    });
    const mountEmpty = (): Mounted => mount(newDirectory());
    const empty = (): Mounted['fileSystem'] => mountEmpty().fileSystem;

    // These tests change nothing, so one mount serves them all.
    let sample: Mounted | undefined;
    readingTests(backend, () => {
      sample ??= backend.mount(sampleTree(!backend.lacks?.includes('xattrs'), backend.nameMax));
      return sample.fileSystem;
    });
    afterAll(() => sample?.close?.());
    if (backend.readOnly) return;
    nameTests(backend, empty);
    contentTests(backend, empty);
    attributeTests(backend, empty);
    renameTests(backend, empty);
    randomTests(backend, mountEmpty);
  });
}
