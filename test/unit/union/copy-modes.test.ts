import { expect, test } from 'vitest';
import { masquerade, ownershipOfCopy } from '../../../tools/union/index.js';
import type { CopyMode } from '../../../tools/union/index.js';
import type { Attributes } from '../../../tools/vfs/index.js';
import { b, find, putDirectory } from '../../support/files.js';
import { memory, policyWith, unionOf } from '../../support/unions.js';

test('copy modes follow the formulas for all 4096 modes (union 92, 93, 94, 95, 96)', () => {
  const masked = masquerade({ ufile: 0o640, uid: 5 }, { mode: 0o755, uid: 1, gid: 2 });
  expect(masked).toEqual({ kind: 'masquerade', ufile: 0o640, udir: 0o640, uid: 5, gid: 2 });
  for (let mode = 0; mode < 0o10000; mode += 1) {
    const lower = { type: 'file', mode, uid: 9, gid: 9 } as Attributes;
    expect(ownershipOfCopy({ kind: 'transparent' }, lower, 0o22)).toEqual({ mode, uid: 9, gid: 9 });
    expect(ownershipOfCopy({ kind: 'traditional', uid: 1, gid: 1 }, lower, 0o27).mode).toBe(0o750);
    expect(ownershipOfCopy(masked, lower, 0o22)).toEqual({ mode: 0o640, uid: 5, gid: 2 });
    const own = ownershipOfCopy(masked, { ...lower, uid: 5 }, 0o22);
    expect(own).toEqual({ mode: (mode & 0o7077) | 0o600, uid: 5, gid: 9 });
  }
});

test('a copy of each of the 4096 modes gets what was shown before, in every copy mode (union 67, 92, 93, 94, 95, 98, 99)', () => {
  const lower = memory();
  const [files, directories] = ['files', 'directories'].map((name) => putDirectory(lower, name));
  for (let mode = 0; mode < 0o10000; mode += 1) {
    const owner = { uid: mode % 2 === 0 ? 5 : 9, gid: 9 };
    lower.mknod(files ?? 0, b(String(mode)), { type: 'file', mode, ...owner });
    lower.mkdir(directories ?? 0, b(String(mode)), { mode, ...owner });
  }
  const copyModes: readonly CopyMode[] = [
    { kind: 'transparent' },
    { kind: 'traditional', uid: 1, gid: 2 },
    masquerade({ ufile: 0o640, udir: 0o711, uid: 5, gid: 6 }, { mode: 0o755, uid: 1, gid: 2 }),
  ];
  for (const copyMode of copyModes) {
    const store = memory();
    const union = unionOf({ lowers: [lower], store, policy: policyWith({ copyMode }) });
    for (const folder of ['files', 'directories']) {
      for (const { ino, name } of union.readdir(find(union, folder))) {
        const shown = union.getattr(ino);
        union.setattr(ino, { mtimeNs: 1n });
        const { mode, uid, gid } = store.getattr(find(store, `upper/${folder}/${name}`));
        if (shown.mode !== mode || shown.uid !== uid || shown.gid !== gid) {
          expect(shown, `${copyMode.kind} ${folder} ${name}`).toMatchObject({ mode, uid, gid });
        }
        const wanted = ownershipOfCopy(copyMode, lower.getattr(find(lower, `${folder}/${name}`)), 0o22);
        if (wanted.mode !== mode || wanted.uid !== uid || wanted.gid !== gid) {
          expect({ mode, uid, gid }, `${copyMode.kind} ${folder} ${name}`).toEqual(wanted);
        }
      }
    }
  }
});
