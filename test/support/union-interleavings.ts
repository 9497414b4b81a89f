/** Meetings of operations on a union, for the explorer of interleavings. */
import type { Safeguard, Union, UnionPolicy } from '../../tools/union/index.js';
import { FsError } from '../../tools/vfs/index.js';
import { ordersOf, outcomeOf, runSchedule } from './interleavings.js';
import type { Encounter, End, Meeting } from './interleavings.js';
import { mountScene } from './union-scenes.js';
import type { Scene, SceneOperation } from './union-scenes.js';
import { strayIn } from './unions.js';
import { viewOf } from './views.js';

/** Operations that meet, and where. */
export interface UnionMeeting {
  readonly scene: Scene;
  readonly policy: UnionPolicy;
  readonly operations: readonly SceneOperation[];
  readonly sabotage?: readonly Safeguard[];
  /** What else has to be as one order leaves it. */
  readonly also?: (union: Union) => string;
}

/** Makes the meeting; what may be is what doing the operations one after the other leaves, with all safeguards. */
export function unionMeeting(setting: UnionMeeting): Meeting {
  const honest = { begin: () => begin({ ...setting, sabotage: [] }) };
  const allowed = new Set<string>();
  for (const order of ordersOf(setting.operations.length)) {
    const { end } = runSchedule(honest, [], order);
    if (end.kind === 'fault') throw new Error(`one after the other: ${end.what}`);
    allowed.add(end.text);
  }
  const names = setting.operations.map(({ name }) => name);
  return { names, allowed, begin: () => begin(setting) };
}

function begin({ scene, policy, operations, sabotage, also = () => '' }: UnionMeeting): Encounter {
  const store = scene.store.clone();
  const union = mountScene(scene, store, policy, sabotage);
  const fault = (what: string): End => ({ kind: 'fault', what });
  return {
    operations: operations.map((operation) => operation.prepare(union)),
    end: (jobs) => {
      let view: string;
      try {
        view = viewOf(union);
      } catch (error) {
        if (error instanceof FsError) return fault(`the tree cannot be read: ${error.message}`);
        throw error;
      }
      const rest = also(union);
      const stray = strayIn(store);
      if (stray.length > 0) return fault(`stray files: ${stray.join(' ')}`);
      union.unmount();
      const again = viewOf(mountScene(scene, store, policy));
      if (again !== view) return fault(`another mount shows\n${again}\ninstead of\n${view}`);
      return { kind: 'end', text: `${jobs.map(outcomeOf).join(' ; ')}\n${view}\n${rest}` };
    },
  };
}
