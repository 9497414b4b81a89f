/** A sample of the comparison with the running kernel's overlay; all of it is test/sweep/union-kernel.ts. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { byteStringFromText } from '../../tools/core/index.js';
import { policies } from '../../tools/union/index.js';
import type { UnionPolicy } from '../../tools/union/index.js';
import { HostFileSystem, MemoryFileSystem } from '../../tools/vfs/index.js';
import { errnoOf } from '../support/files.js';
import { kernelFileSystem, mountNamespace, requires, root } from '../support/requires.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { unionOf } from '../support/unions.js';

const program = fileURLToPath(new URL('../sweep/union-kernel.ts', import.meta.url));
const sequences = 100;
requires(
  root(),
  mountNamespace(),
  kernelFileSystem('overlay'),
)(`${sequences} random sequences answer and end as on the kernel's overlay, also after another mount`, () => {
  const { FW_REPLAY: seed } = process.env;
  const which = seed === undefined ? [String(sequences), '1'] : ['1', seed];
  const { stdout, status } = spawnSync(process.execPath, ['--import', 'tsx', program, ...which], {
    encoding: 'utf8',
  });
  const failed = /^seed (\d+):/m.exec(stdout)?.[1];
  expect(stdout, `FW_REPLAY=${failed} npx vitest run test/oracle/union-kernel.test.ts`).toContain(
    `${which[0]} sequences, 0 differences`,
  );
  expect(status).toBe(0);
});

/** Runs a shell in a mount namespace of its own, in a folder of memory; its output. */
function shell(script: string, environment: Readonly<Record<string, string>>): string {
  const setUp = 'set -e; mount -t tmpfs union-kernel /mnt; cd /mnt; mkdir lower upper work merged';
  const { stdout, stderr, status } = spawnSync('unshare', ['-m', 'sh', '-c', `${setUp}; ${script}`], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

const mountOverlay = 'mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work';

requires(
  root(),
  mountNamespace(),
  kernelFileSystem('overlay'),
)(
  'a union that does not flush and the kernel’s volatile overlay refuse what the other left (union 174)',
  () => {
    const ours = temporaryFolder();
    const volatile = { ...policies.overlayfs, volatile: true };
    const lower = new MemoryFileSystem();
    const mount = (folder: string, policy: UnionPolicy) =>
      unionOf({ lowers: [lower], store: new HostFileSystem(byteStringFromText(folder)), policy });
    mount(ours, volatile);
    // The mark alone stands between the kernel and this upper.
    const script = `
    cp -a "$OURS"/. .
    ${mountOverlay} merged 2>/dev/null && echo taken || echo refused
    rmdir work/work/incompat/volatile
    ${mountOverlay} merged && umount merged && echo taken
    ${mountOverlay},volatile merged
    cp -a upper work "$THEIRS"`;
    const theirs = temporaryFolder();
    expect(shell(script, { OURS: ours, THEIRS: theirs }).trim().split('\n')).toEqual(['refused', 'taken']);
    expect(errnoOf(() => mount(theirs, policies.overlayfs))).toBe('EINVAL');
    rmSync(join(theirs, 'work/work/incompat'), { recursive: true });
    mount(theirs, policies.overlayfs).unmount();
  },
);
