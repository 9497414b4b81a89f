import { expect, test } from 'vitest';
import type { Safeguard, UnionPolicy } from '../../tools/union/index.js';
import { FsError, Scheduler } from '../../tools/vfs/index.js';
import type { FaultHook, MemoryFileSystem } from '../../tools/vfs/index.js';
import { policyWith, strayIn } from '../support/unions.js';
import { viewsAfterCut, viewOf } from '../support/views.js';
import { buildScene, mountScene, sceneOperations } from '../support/union-scenes.js';
import type { Scene, SceneOperation } from '../support/union-scenes.js';

/** Lets `count` changes through, then none: as if the power went. */
function cutAfter(count: number): FaultHook {
  let seen = 0;
  return ({ changes }) => (changes && ++seen > count ? 'EIO' : undefined);
}

/** Runs an operation on a fresh clone with the power cut after `count` changes; tells whether it finished. */
function runCut(
  scene: Scene,
  policy: UnionPolicy,
  operation: SceneOperation,
  count: number,
  sabotage: readonly Safeguard[] = [],
): { readonly store: MemoryFileSystem; readonly finished: boolean } {
  const store = scene.store.clone();
  const union = mountScene(scene, store, policy, sabotage);
  viewOf(union);
  const start = operation.prepare(union);
  store.fault = cutAfter(count);
  const scheduler = new Scheduler();
  const job = scheduler.start(start);
  scheduler.runAll();
  if (job.outcome?.kind === 'failed' && !(job.outcome.error instanceof FsError)) throw job.outcome.error;
  return { store: store.clone(), finished: job.outcome?.kind === 'done' };
}

interface Sweep {
  readonly cuts: number;
  readonly fault: string | undefined;
}

function sweep(
  scene: Scene,
  policy: UnionPolicy,
  operation: SceneOperation,
  sabotage: readonly Safeguard[] = [],
): Sweep {
  const before = viewOf(mountScene(scene, scene.store.clone(), policy));
  const after = viewOf(mountScene(scene, runCut(scene, policy, operation, Infinity).store, policy));
  const allowed = viewsAfterCut(before, after);
  let cuts = 0;
  for (let count = 0; ; count += 1) {
    const { store, finished } = runCut(scene, policy, operation, count, sabotage);
    const name = `${operation.name}, cut after ${count} changes`;
    cuts += 1;
    // The power goes again while the mount cleans up: the state stays of the same kind (210).
    for (let inner = 0; inner < 4; inner += 1) {
      const again = store.clone();
      again.fault = cutAfter(inner);
      try {
        mountScene(scene, again, policy);
      } catch (error) {
        if (!(error instanceof FsError)) throw error;
      }
      const fault = inspect(scene, again.clone(), policy, allowed);
      if (fault !== undefined) return { cuts, fault: `${name}, again after ${inner}: ${fault}` };
      cuts += 1;
    }
    const fault = inspect(scene, store, policy, allowed);
    if (fault !== undefined) return { cuts, fault: `${name}: ${fault}` };
    if (finished) return { cuts, fault: undefined };
  }
}

function inspect(
  scene: Scene,
  store: MemoryFileSystem,
  policy: UnionPolicy,
  allowed: (view: string) => boolean,
): string | undefined {
  const union = mountScene(scene, store, policy);
  const view = viewOf(union);
  if (!allowed(view)) return `shows\n${view}`;
  const stray = strayIn(store);
  union.unmount();
  return stray.length > 0 ? `stray files ${stray.join(' ')}` : undefined;
}

const uppers = [
  { title: 'an upper that exchanges names', single: false },
  { title: 'an upper that replaces one name at a time', single: true },
];
const policy = policyWith({});

for (const { title, single } of uppers) {
  test(`after a cut at any change, ${title} shows the state before or after (union 202, 203, 204, 205, 207, 209, 210, 211, 212, 213, 214, 215)`, () => {
    const scene = buildScene(single, policy);
    let cuts = 0;
    for (const operation of sceneOperations) {
      const result = sweep(scene, policy, operation);
      expect(result.fault).toBeUndefined();
      cuts += result.cuts;
    }
    console.log(`${cuts} cuts on ${title}`);
  });
}

const seeded: readonly [Safeguard, string][] = [
  ['whiteout order', 'unlink d/t'],
  ['opaque before visible', 'mkdir gone'],
];

for (const [safeguard, name] of seeded) {
  test(`a cut notices a union without the safeguard '${safeguard}'`, () => {
    const operation = sceneOperations.find((candidate) => candidate.name === name);
    if (!operation) throw new Error(`no operation '${name}'`);
    expect(sweep(buildScene(false, policy), policy, operation, [safeguard]).fault).toBeDefined();
  });
}
