/** Power cuts at the flash operations of a union over JFFS2: each operation of the scene, then a mount, then the clean-up cut. */
import { fixedClock } from '../../tools/core/index.js';
import { explorePowerCuts, NorChip, norGeometry } from '../../tools/flash/index.js';
import type { ExploreResult } from '../../tools/flash/index.js';
import { mountJffs2 } from '../../tools/jffs2/index.js';
import { runStraight, Task } from '../../tools/vfs/index.js';
import { find } from './files.js';
import { prepareUpper, sceneLower } from './union-scenes.js';
import type { SceneOperation } from './union-scenes.js';
import { policyWith, strayIn, unionOf } from './unions.js';
import { viewOf, viewsAfterCut } from './views.js';

const eraseSize = 8192;
const policy = policyWith({});
const lower = sceneLower();

function mountOn(chip: NorChip) {
  const store = mountJffs2(chip, { endian: 'big', clock: fixedClock(1) });
  return { store, union: unionOf({ lowers: [lower], store, policy }) };
}

function preparedChip(): NorChip {
  const chip = new NorChip({ geometry: norGeometry(24 * eraseSize, eraseSize) });
  prepareUpper(lower, mountJffs2(chip, { endian: 'big', clock: fixedClock(1) }), policy);
  return chip;
}

let prepared: NorChip | undefined;

/** Cuts at every `stride`th flash operation of one operation of the scene; `depth` 2: again during the next mount. */
export function cutsOnJffs2(operation: SceneOperation, stride: number, depth: 1 | 2): ExploreResult {
  prepared ??= preparedChip();
  const work = (chip: NorChip): void => {
    const { union } = mountOn(chip);
    runStraight(operation.prepare(union)(new Task(false)));
    union.sync();
  };
  const shown = (chip: NorChip): string => viewOf(mountOn(chip).union);
  const after = prepared.fork();
  work(after);
  const allowed = viewsAfterCut(shown(prepared.fork()), shown(after));
  return explorePowerCuts({
    chip: prepared,
    workload: work,
    range: { stride },
    depth,
    recover: (chip) => {
      mountOn(chip);
    },
    check: ({ chip }) => {
      const { store, union } = mountOn(chip);
      const view = viewOf(union);
      if (!allowed(view)) throw new Error(`shows\n${view}`);
      // A directory that a cut left in work and in the upper stays under both names: no call takes one away.
      const work = find(store, 'work/work');
      const stray = strayIn(store).filter(
        (name) => store.getattr(store.lookup(work, name) ?? 0).type !== 'directory',
      );
      if (stray.length > 0) throw new Error(`stray files ${stray.join(' ')}`);
      return 'fine';
    },
  });
}
