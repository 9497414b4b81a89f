import { expect, test } from 'vitest';
import { masquerade } from '../../../tools/union/index.js';
import { ownershipOfCopy } from '../../../tools/union/copy-mode.js';
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

test('bits that are not given come from each other, then from the mount point; owners from the mount point alone (union 96)', () => {
  const mountPoint = { mode: 0o1751, uid: 11, gid: 12 };
  const filled = (options: Parameters<typeof masquerade>[0]): unknown => masquerade(options, mountPoint);
  const owners = { kind: 'masquerade', uid: 11, gid: 12 };
  expect(filled({})).toEqual({ ...owners, ufile: 0o751, udir: 0o751 });
  expect(filled({ ufile: 0, udir: 0 })).toEqual({ ...owners, ufile: 0o751, udir: 0o751 });
  expect(filled({ udir: 0o700 })).toEqual({ ...owners, ufile: 0o700, udir: 0o700 });
  expect(filled({ ufile: 0o4640, udir: 0 })).toEqual({ ...owners, ufile: 0o640, udir: 0o640 });
  expect(filled({ ufile: 0o644, udir: 0o755, uid: 5 })).toEqual({
    ...owners,
    ufile: 0o644,
    udir: 0o755,
    uid: 5,
  });
  expect(filled({ gid: 0 })).toEqual({ ...owners, ufile: 0o751, udir: 0o751, gid: 0 });
});

test('what is no file or directory, and everything in a union that cannot copy, shows its own rights; times are kept (union 98, 99)', () => {
  const lower = memory();
  const owner = { mode: 0o4711, uid: 9, gid: 9 };
  for (const type of ['file', 'fifo'] as const) lower.mknod(lower.root, b(type), { type, ...owner });
  for (const name of ['file', 'fifo']) lower.setattr(find(lower, name), { atimeNs: 5n, mtimeNs: 6n });
  const copyMode = masquerade({ ufile: 0o640, uid: 5 }, { mode: 0o755, uid: 1, gid: 2 });
  const policy = policyWith({ copyMode });
  const union = unionOf({ lowers: [lower], store: memory(), policy });
  const readOnly = unionOf({ lowers: [lower], policy });
  expect(readOnly.getattr(find(readOnly, 'file'))).toMatchObject(owner);
  expect(union.getattr(find(union, 'fifo'))).toMatchObject(owner);
  for (const [name, wanted] of [
    ['file', { mode: 0o640, uid: 5, gid: 2 }],
    ['fifo', owner],
  ] as const) {
    const ino = find(union, name);
    expect(union.getattr(ino)).toMatchObject(wanted);
    union.setxattr(ino, b('user.x'), Buffer.from('1'));
    expect(union.getattr(ino)).toMatchObject({ ...wanted, atimeNs: 5n, mtimeNs: 6n });
  }
  union.remount(true);
  expect(union.getattr(find(union, 'file'))).toMatchObject({ mode: 0o640, uid: 5 });
});
