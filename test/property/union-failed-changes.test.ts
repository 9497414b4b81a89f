/** Operations whose calls into the upper fail: nothing of them is left, in no form of whiteouts and on no kind of upper. */
import { expect, test } from 'vitest';
import type { Errno, FaultHook, MemoryFileSystem } from '../../tools/vfs/index.js';
import { FsError, Scheduler } from '../../tools/vfs/index.js';
import { find } from '../support/files.js';
import { shapes } from '../support/union-cases.js';
import type { Shape } from '../support/union-cases.js';
import { buildScene, mountScene, sceneOperations } from '../support/union-scenes.js';
import type { Scene, SceneOperation } from '../support/union-scenes.js';
import { strayIn } from '../support/unions.js';
import { viewOf, viewsAfterCut } from '../support/views.js';

/** Fails the call that changes something for the `ordinal`th time, or from then on all; counts them. */
function failing(code: Errno, ordinal: number, lasting: boolean): { hook: FaultHook; met: () => boolean } {
  let seen = 0;
  const hook: FaultHook = ({ changes }) => {
    if (!changes) return undefined;
    seen += 1;
    return (lasting ? seen >= ordinal : seen === ordinal) ? code : undefined;
  };
  return { hook, met: () => seen >= ordinal };
}

interface Attempt {
  readonly name: string;
  readonly store: MemoryFileSystem;
  readonly union: ReturnType<typeof mountScene>;
  /** What was opened before, by its path. */
  readonly held: ReadonlyMap<string, number>;
  /** Tries the operation again. */
  readonly again: () => string | undefined;
}

/** Every way in which a call into the upper fails an operation. */
function* failures(
  { name, policy }: Shape,
  scene: Scene,
  operation: SceneOperation,
  lasting: boolean,
  open: readonly string[] = [],
): Generator<Attempt> {
  for (const code of ['ENOSPC', 'EIO'] as const) {
    for (let ordinal = 1; ; ordinal += 1) {
      const store = scene.store.clone();
      const union = mountScene(scene, store, policy);
      // All names are known, so that what is remembered has to be put right too.
      viewOf(union);
      const held = new Map(open.map((path) => [path, find(union, path)]));
      for (const ino of held.values()) union.open(ino, 'write');
      const run = (): string | undefined => {
        const scheduler = new Scheduler();
        const job = scheduler.start(operation.prepare(union));
        scheduler.runAll();
        if (job.outcome?.kind !== 'failed') return undefined;
        if (!(job.outcome.error instanceof FsError)) throw job.outcome.error;
        return job.outcome.error.message;
      };
      const { hook, met } = failing(code, ordinal, lasting);
      store.fault = hook;
      const failure = run();
      if (!met()) break;
      if (failure === undefined) continue;
      yield {
        name: `${name}: ${operation.name}, ${code} at change ${ordinal}`,
        store,
        union,
        held,
        again: run,
      };
    }
  }
}

test('an operation that fails at any one of its calls changes nothing, leaves nothing, and works when tried again (union 76, 77)', () => {
  let tried = 0;
  for (const shape of shapes) {
    const scene = buildScene(shape.single ?? false, shape.policy);
    const before = viewOf(mountScene(scene, scene.store.clone(), shape.policy));
    for (const operation of sceneOperations) {
      for (const { name, store, union, again } of failures(shape, scene, operation, false)) {
        tried += 1;
        expect(viewOf(union), name).toBe(before);
        expect(viewOf(mountScene(scene, store.clone(), shape.policy)), `${name}, mounted anew`).toBe(before);
        expect(strayIn(store), name).toEqual([]);
        expect(again(), `${name}, tried again`).toBeUndefined();
      }
    }
  }
  console.log(`${tried} failures of one call`);
  expect(tried).toBeGreaterThan(1000);
});

test('when from some call on all fail, the state is that of before or after, also after a cut, and settles with the next change (union 76, 210, 215)', () => {
  let tried = 0;
  for (const shape of shapes.filter(({ name }) => /single|overlay-x|aufs/.test(name))) {
    const { policy } = shape;
    const scene = buildScene(shape.single ?? false, policy);
    const mounted = (store: MemoryFileSystem) => mountScene(scene, store, policy);
    const before = viewOf(mounted(scene.store.clone()));
    for (const operation of sceneOperations) {
      const done = scene.store.clone();
      const scheduler = new Scheduler();
      scheduler.start(operation.prepare(mounted(done)));
      scheduler.runAll();
      const allowed = viewsAfterCut(before, viewOf(mounted(done.clone())));
      for (const { name, store, union, again } of failures(shape, scene, operation, true)) {
        tried += 1;
        const cut = viewOf(mounted(store.clone()));
        expect(allowed(cut), `${name}, then a cut, shows\n${cut}`).toBe(true);
        store.fault = undefined;
        expect(again(), `${name}, tried again`).toBeUndefined();
        const settled = viewOf(union);
        expect(viewOf(mounted(store.clone())), `${name}, settled`).toBe(settled);
        union.unmount();
        expect(strayIn(store), name).toEqual([]);
      }
    }
  }
  console.log(`${tried} failures that last`);
  expect(tried).toBeGreaterThan(500);
});

const files = ['d/f', 'd/g', 'd/t', 'd/h1', 'd/sub/x', 'e/u', 'e/h2'];

test('whoever has files open when a change of names fails at one of its calls goes on writing to them (union 76, 115, 149)', () => {
  let tried = 0;
  const wanted = /^(rename|exchange|unlink|rmdir|link)/;
  for (const shape of shapes.filter(({ name }) => /^(overlayfs|openwrt|metacopy)/.test(name))) {
    const scene = buildScene(shape.single ?? false, shape.policy);
    const quiet = mountScene(scene, scene.store.clone(), shape.policy);
    viewOf(quiet);
    const before = [...files, 'd', 'd/sub', 'e', 'pure', 'old'].map(
      (path) => [path, find(quiet, path)] as const,
    );
    for (const operation of sceneOperations.filter(({ name }) => wanted.test(name))) {
      for (const { name, store, union, held } of failures(shape, scene, operation, false, files)) {
        tried += 1;
        store.fault = undefined;
        for (const [path, ino] of held) union.write(ino, 0, Buffer.from(path));
        for (const [path, ino] of before) expect([path, find(union, path)]).toEqual([path, ino]);
        const again = mountScene(scene, store.clone(), shape.policy);
        for (const fs of [union, again]) {
          for (const path of held.keys()) {
            const shared = shape.keepsLinks && path === 'd/h1' ? 'e/h2' : path;
            const text = Buffer.from(fs.read(find(fs, path), 0, shared.length)).toString();
            expect(text, `${name}: ${path}`).toBe(shared);
          }
        }
      }
    }
  }
  console.log(`${tried} failures with open files`);
  expect(tried).toBeGreaterThan(200);
});
