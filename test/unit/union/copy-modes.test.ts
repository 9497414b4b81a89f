import { expect, test } from 'vitest';
import { masquerade, ownershipOfCopy } from '../../../tools/union/index.js';
import type { Attributes } from '../../../tools/vfs/index.js';

test('copy modes follow the formulas for all 4096 modes (union 92 to 96)', () => {
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
