/**
 * Tests that need something of the machine (a tool, root, real firmware, real kernels) are declared through
 * `requires`, so that a skipped test names what is missing. With FW_REQUIRE_ALL=1 they fail instead.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';

/** One thing a test needs: its name for people, and whether it is here. */
export interface Need {
  readonly name: string;
  readonly met: boolean;
}

const checkout = fileURLToPath(new URL('../../', import.meta.url));

/** Folder of real firmware, outside the project. */
export const fixturesFolder = resolve(
  process.env['FIRMWRIGHT_FIXTURES'] ?? join(checkout, '../shared/fixtures'),
);
/** Folder of the programs that boot real kernels, outside the project. */
export const oracleFolder = resolve(process.env['FIRMWRIGHT_ORACLE'] ?? join(checkout, '../shared/oracle'));
/** The compiled command line, as users start it. */
export const cliPath = join(checkout, 'dist/cli/main.js');

/** Path of a fixture; use only under `requires(fixture(name))`. */
export function fixturePath(name: string): string {
  return join(fixturesFolder, name);
}

/** Needs a file of the real firmware collection. */
export function fixture(name: string): Need {
  return { name: `fixture ${name} (FIRMWRIGHT_FIXTURES)`, met: existsSync(fixturePath(name)) };
}

/** Needs a program on the PATH. */
export function tool(name: string): Need {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return { name: `program ${name}`, met: folders.some((folder) => isExecutable(join(folder, name))) };
}

/** Needs uid 0. */
export function root(): Need {
  return { name: 'root', met: process.getuid?.() === 0 };
}

/** Needs a mount namespace of its own: a container or a chroot may refuse it, also to root. */
export function mountNamespace(): Need {
  const { status } = spawnSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
  return { name: 'a private mount namespace (unshare --mount)', met: status === 0 };
}

/** Needs a file system that the running kernel knows, such as overlay. */
export function kernelFileSystem(name: string): Need {
  const known = readFileSync('/proc/filesystems', 'utf8').split('\n');
  return { name: `the kernel's ${name} file system`, met: known.some((line) => line.endsWith(`\t${name}`)) };
}

/** Needs a device or file of the system, such as /dev/fuse. */
export function path(name: string): Need {
  return { name, met: existsSync(name) };
}

/** Needs the real kernels of the oracle, set up for `backend`. */
export function oracle(backend: 'uml' | 'uml-big' | 'qemu' | 'qemu-big' = 'uml'): Need {
  return {
    name: `oracle ${backend} (FIRMWRIGHT_ORACLE)`,
    met: existsSync(join(oracleFolder, 'run')) && oracleIsSetUp(backend),
  };
}

function oracleIsSetUp(backend: string): boolean {
  const cache =
    process.env['FIRMWRIGHT_ORACLE_CACHE'] ??
    join(process.env['HOME'] ?? '/root', '.cache/firmwright-oracle');
  const emulator = { qemu: 'qemu-system-x86_64', 'qemu-big': 'qemu-system-s390x' }[backend];
  return (
    existsSync(join(cache, backend.replace('-big', ''))) && (emulator === undefined || tool(emulator).met)
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Declares a test that runs only where every need is met; otherwise it is skipped, and its title says why. */
export function requires(
  ...needs: readonly Need[]
): (title: string, body: () => void | Promise<void>) => void {
  const missing = needs.filter((need) => !need.met).map((need) => need.name);
  return (title, body) => {
    if (missing.length === 0) {
      test(title, body);
    } else if (process.env['FW_REQUIRE_ALL'] === '1') {
      test(title, () => {
        throw new Error(`missing: ${missing.join(', ')}`);
      });
    } else {
      test.skip(`${title} [missing: ${missing.join(', ')}]`, body);
    }
  };
}
