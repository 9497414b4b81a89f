/** What is read from pipes and standard input, and written to what is no file, by the program as a shell starts it. */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { firmwright } from '../support/cli.js';
import { cliPath, path, requires } from '../support/requires.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
mkdirSync(at('root'));
writeFileSync(at('root/file'), 'content');
spawnSync('mkfifo', [at('pipe')]);

const program = requires(path(cliPath));
const jffs2 = ['--endian', 'big', '--quiet'];

/** Runs a script of bash in the folder, in which `fw` is the program. */
function shell(script: string): { status: number | null; stdout: string; stderr: string } {
  const words = ['-c', `fw() { '${process.execPath}' '${cliPath}' "$@"; }; cd '${folder}'; ${script}`];
  const { status, stdout, stderr } = spawnSync('bash', words, { encoding: 'latin1', timeout: 60_000 });
  return { status, stdout, stderr };
}

program('an image comes from standard input, a file or a pipe alike', () => {
  const made = shell('fw mkfs jffs2 root image --endian big -q >/dev/null; fw inspect image');
  expect(made).toMatchObject({ status: 0, stderr: '' });
  expect(shell('cat image | fw inspect -')).toEqual(made);
  expect(shell('fw inspect - <image')).toEqual(made);
  expect(shell('fw inspect <(cat image)')).toEqual(made);
});

for (const line of ['mkfs jffs2 root - --endian big', 'mkfs squashfs root -', 'unpack image --tar -'])
  program(`${line}: the bytes of a file on standard output, and the rest on stderr`, () => {
    shell('fw mkfs jffs2 root image --endian big');
    const { status, stdout, stderr } = shell(`fw ${line} --quiet`);
    expect(status).toBe(0);
    shell(`fw ${line.replace(/ -( |$)/, ' file ')} --quiet`);
    expect(stdout).toBe(readFileSync(at('file'), 'latin1'));
    expect(stderr).toMatch(/^-: /);
  });

test('an image is not printed on a terminal', async () => {
  const words = ['mkfs', 'jffs2', at('root'), '-', ...jffs2];
  const { exitCode, stderr } = await firmwright(words, { terminal: true });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('an image is not printed on a terminal [FW_USAGE_ARGUMENT]');
});

program('what is no file is never replaced by one, and a link stays a link', () => {
  const script = `
    cat pipe | wc -c & fw mkfs squashfs root pipe -q >/dev/null; wait
    fw mkfs jffs2 root /dev/full --endian big -q; echo $?`;
  const { stdout, stderr } = shell(script);
  expect(Number(stdout.split('\n')[0])).toBeGreaterThan(0);
  expect(stdout.split('\n')[1]).toBe('5');
  expect(stderr).toContain('FW_ENV_DISK_FULL');
  expect(lstatSync(at('pipe')).isFIFO()).toBe(true);
  writeFileSync(at('target'), '', { mode: 0o640 });
  symlinkSync('target', at('link'));
  shell('fw mkfs jffs2 root link --endian big');
  expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
  expect(statSync(at('target'))).toMatchObject({ size: 65_536, mode: 0o100640 });
});

for (const [line, exitCode, message] of [
  ['mkfs jffs2 root pipe --endian big', 5, 'ENXIO'],
  ['mkfs jffs2 root . --endian big', 2, '. is a folder where a file is to be written [FW_USAGE_FILE]'],
  ['mkfs squashfs root no/image', 2, 'no/image cannot be written: no is not there [FW_USAGE_FILE]'],
  ['inspect /dev/zero', 2, '/dev/zero is a device or a socket where an image is expected [FW_USAGE_FILE]'],
  ['inspect - </dev/null', 2, 'standard input is empty where an image is expected [FW_USAGE_FILE]'],
  ['build pipe -b ubnt_unifi-ap', 2, 'pipe is no regular file where a recipe is expected [FW_USAGE_FILE]'],
  ['boards lint latin1.yaml', 2, 'latin1.yaml is no UTF-8 text where a board profile is expected'],
  ['emulate root', 2, 'root is a folder where a scenario is expected [FW_USAGE_FILE]'],
] as const)
  program(`${line} ends with exit code ${exitCode} and says why`, () => {
    writeFileSync(at('latin1.yaml'), 'id: \xe4\n', 'latin1');
    const before = readdirSync(folder);
    const { status, stderr } = shell(`fw ${line} --quiet`);
    expect(stderr).toContain(message);
    expect(status).toBe(exitCode);
    expect(readdirSync(folder)).toEqual(before);
  });

program('a Ctrl-C that arrives twice, as through npx, still cleans up', async () => {
  writeFileSync(at('root/noise'), randomBytes(12_000_000));
  const words = ['mkfs', 'squashfs', 'root', 'cancelled', '--effort', 'most', '--quiet'];
  const child = spawn(process.execPath, [cliPath, ...words], { cwd: folder, stdio: 'ignore' });
  const isPacking = (): boolean => readdirSync(folder).some((name) => name.endsWith('.partial'));
  await vi.waitUntil(isPacking, { timeout: 30_000, interval: 20 });
  const exit = once(child, 'exit');
  child.kill('SIGINT');
  child.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 100));
  child.kill('SIGINT');
  expect(await exit).toEqual([130, null]);
  expect(readdirSync(folder).filter((name) => name.startsWith('cancelled'))).toEqual([]);
});

program('a full disk is told with the name of the file', () => {
  const { status, stderr } = shell('fw mkfs jffs2 root /dev/full --endian big -q');
  expect(status).toBe(5);
  expect(stderr).toMatch(/^error: no space left for \/dev\/full \[FW_ENV_DISK_FULL\]\n/);
});

program('of two runs that unpack into one folder, one wins and the other leaves nothing', () => {
  const { stdout } = shell(`
    fw mkfs jffs2 root image --endian big -q >/dev/null; mkdir parts; ln -s parts parts-link
    for i in 1 2; do (fw unpack image -C parts-link -q >/dev/null 2>&1; echo $?) & done; wait`);
  const exitCodes = stdout.trim().split('\n');
  expect(exitCodes).toContain('0');
  expect(shell('fw repack parts -o again -q >/dev/null; cmp image again; ls -A | grep part').stdout).toBe(
    'parts\nparts-link\n',
  );
});

program('Ctrl-C ends a wait for input', async () => {
  const child = spawn(process.execPath, [cliPath, 'inspect', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  // More than a pipe holds: once all is taken the program reads, and its handlers are there.
  await new Promise((resolve) => child.stdin.write(Buffer.alloc(4 << 20), resolve));
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([130, null]);
});
