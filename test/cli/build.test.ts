/** What `build` makes of good and bad input: results, exit codes, messages, and what it leaves behind. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildDocument, verifyDocument } from '../../tools/cli/documents/budget.js';
import { firmwright, jsonOf } from '../support/cli.js';
import type { CliResult } from '../support/cli.js';
import { noise, uImageKernel, writeImageInputs } from '../support/image-inputs.js';
import type { ImageInputs } from '../support/image-inputs.js';
import { cliPath, path, requires, root, tool } from '../support/requires.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
let runs = 0;

interface Place extends ImageInputs {
  readonly folder: string;
  readonly out: string;
}

function place(options: Parameters<typeof writeImageInputs>[1] = {}): Place {
  runs += 1;
  const own = join(folder, String(runs));
  return { ...writeImageInputs(own, options), folder: own, out: join(own, 'out') };
}

async function build(
  { recipe, out }: Place,
  words: readonly string[] = [],
  options: Parameters<typeof firmwright>[1] = {},
): Promise<CliResult> {
  const cache = { XDG_CACHE_HOME: join(folder, 'cache') };
  return firmwright(['build', recipe, '--out', out, ...words], { env: cache, ...options });
}

const board = ['-b', 'ubnt_unifi-ap'];

/** A profile as the UniFi AP has it, less its vendor file, with other lines. */
function profileFile(at: Place, { limit = 7448 * 1024, kernel = 0, compressor = 'xz' } = {}): string {
  const file = join(at.folder, 'board.yaml');
  writeFileSync(
    file,
    `id: test_board
name: Test Board
target: test/generic
arch: mips_24kc
endianness: big
supported_devices: [test]
flash: { kind: nor, size: 8 MiB, erase_size: 64 KiB }
partitions:
  - { label: u-boot, offset: 0, size: 64 KiB, read_only: true }
  - { label: firmware, offset: 64 KiB, size: 7872 KiB, parser: 'denx,uimage' }
split: { mode: nested, parser: uimage }
block_size: 64 KiB
image_size: ${limit}
${kernel > 0 ? `kernel_size: ${kernel}\n` : ''}squashfs: { compressor: ${compressor} }
kernel: kernel-bin | uImage none
artefacts:
  sysupgrade.bin: append-kernel | append-rootfs | check-size | append-metadata
`,
  );
  return file;
}

function expectNothingLeft({ out }: Place): void {
  expect(existsSync(out) ? readdirSync(out) : []).toEqual([]);
}

test('artefacts, texts and sums stand in the output folder, and the document names them', async () => {
  const at = place();
  const result = await build(at, [...board, '--json', '--quiet']);
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  const { files, boards } = buildDocument.parse(jsonOf(result));
  expect(files.map((file) => file.slice(at.out.length + 1))).toEqual(readdirSync(at.out).sort());
  expect(boards[0]?.budget.fits).toBe(true);
  execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'sha256sums'], { cwd: at.out });
});

test('text goes to stdout, with the budget and the artefacts; a line for each finished task to stderr', async () => {
  const { exitCode, stdout, stderr } = await build(place(), board);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('rootfs_data');
  expect(stdout).toContain('squashfs-sysupgrade.bin');
  expect(stderr).toMatch(/^root tree .*\n(squashfs .*\n)?images of ubnt_unifi-ap .*\n$/);
});

test('--plan prints the steps and writes nothing', async () => {
  const at = place();
  const { exitCode, stdout } = await build(at, [...board, '--plan']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('append-rootfs');
  expect(existsSync(at.out)).toBe(false);
});

test('a second board takes the packed squashfs from the cache, --no-cache packs anew', async () => {
  const at = place({ payload: 50_000 });
  const cached = async (...words: readonly string[]): Promise<boolean | undefined> =>
    buildDocument.parse(jsonOf(await build(at, [...words, '--json']))).boards[0]?.squashfs.cached;
  expect(await cached(...board)).toBe(false);
  expect(await cached('-b', 'tplink_archer-c7-v2')).toBe(true);
  expect(await cached('-b', 'tplink_archer-c7-v2', '--no-cache')).toBe(false);
  writeFileSync(join(at.root, 'etc/more'), 'changed');
  expect(await cached(...board)).toBe(false);
});

describe('an input that cannot be used is one error with its exit code, and leaves nothing', () => {
  interface Bad {
    readonly recipe?: string;
    readonly words: readonly string[];
    readonly exitCode: number;
    readonly code: string;
    readonly says: string;
  }

  const cases: Readonly<Record<string, (at: Place) => Bad>> = {
    'a recipe that is not there': (at) => ({
      recipe: join(at.folder, 'none.yaml'),
      words: board,
      exitCode: 2,
      code: 'FW_USAGE_FILE',
      says: 'none.yaml',
    }),
    'a root that is not there': (at) => ({
      words: [...board, '--rootfs', join(at.folder, 'none.tar')],
      exitCode: 2,
      code: 'FW_USAGE_FILE',
      says: 'none.tar',
    }),
    'a root that never ends': () => ({
      words: [...board, '--rootfs', '/dev/zero'],
      exitCode: 2,
      code: 'FW_USAGE_FILE',
      says: 'root tree: /dev/zero is a device',
    }),
    'an overlay folder that is not there': (at) => ({
      words: [...board, '--files', join(at.folder, 'none')],
      exitCode: 2,
      code: 'FW_USAGE_FILE',
      says: 'none is not there',
    }),
    'an overlay folder that is a file': (at) => ({
      words: [...board, '--files', at.kernel],
      exitCode: 2,
      code: 'FW_USAGE_FILE',
      says: 'is no folder',
    }),
    'a kernel for a board that no one knows': (at) => ({
      words: [...board, '--kernel', `ubnt_unify-ap=${at.kernel}`],
      exitCode: 2,
      code: 'FW_USAGE_BOARD',
      says: 'hint: did you mean ubnt_unifi-ap?',
    }),
    'a device tree that is none': (at) => {
      const recipe = join(at.folder, 'tree.yaml');
      const text = readFileSync(at.recipe, 'utf8');
      writeFileSync(recipe, `${text}boards: { ubnt_unifi-ap: { device_tree: ${recipe} } }\n`);
      writeFileSync(at.kernel, noise(5000));
      return {
        recipe,
        words: board,
        exitCode: 4,
        code: 'FW_FIRMWARE_DEVICE_TREE',
        says: 'expected d00dfeed',
      };
    },
    'a kernel that never ends': () => ({
      words: [...board, '--kernel', '/dev/zero'],
      exitCode: 2,
      code: 'FW_USAGE_FILE',
      says: '/dev/zero is a device',
    }),
    'a tar that is cut off': (at) => {
      const tar = join(at.folder, 'root.tar');
      execFileSync('tar', ['-cf', tar, '-C', at.root, '.']);
      writeFileSync(tar, readFileSync(tar).subarray(0, 2500));
      return {
        words: [...board, '--rootfs', tar],
        exitCode: 4,
        code: 'FW_ARCHIVE_DAMAGED',
        says: 'root.tar',
      };
    },
    'a compressed tar that is cut off': (at) => {
      const tar = join(at.folder, 'root.tar.gz');
      execFileSync('tar', ['-czf', tar, '-C', at.root, '.']);
      writeFileSync(tar, readFileSync(tar).subarray(0, -20));
      return {
        words: [...board, '--rootfs', tar],
        exitCode: 4,
        code: 'FW_ARCHIVE_DAMAGED',
        says: 'root.tar.gz',
      };
    },
    'a file that is no root tree': (at) => {
      const file = join(at.folder, 'root.bin');
      writeFileSync(file, noise(5000));
      return {
        words: [...board, '--rootfs', file],
        exitCode: 4,
        code: 'FW_ARCHIVE_DAMAGED',
        says: 'root.bin',
      };
    },
    'a profile that is cut off': (at) => {
      const file = profileFile(at);
      writeFileSync(file, readFileSync(file, 'utf8').slice(0, 150));
      return { words: ['-b', file], exitCode: 3, code: 'FW_PROFILE_INVALID', says: 'board.yaml:' };
    },
    'a profile that is not there': (at) => ({
      words: ['-b', join(at.folder, 'none.yaml')],
      exitCode: 2,
      code: 'FW_USAGE_FILE',
      says: 'none.yaml',
    }),
    'a board that no one knows': () => ({
      words: ['-b', 'ubnt_unify-ap'],
      exitCode: 2,
      code: 'FW_USAGE_BOARD',
      says: 'ubnt_unify-ap',
    }),
    'a kernel that is not there': (at) => ({
      words: [...board, '--kernel', join(at.folder, 'none.bin')],
      exitCode: 2,
      code: 'FW_USAGE_FILE',
      says: 'kernel of ubnt_unifi-ap',
    }),
    'a kernel that is too big': (at) => ({
      words: ['-b', profileFile(at, { kernel: 99_999 })],
      exitCode: 10,
      code: 'FW_BUDGET_OVER',
      says: '1 byte over the limit "kernel"',
    }),
    'a kernel that no vendor layout has room for': (at) => {
      writeFileSync(at.kernel, uImageKernel(7_800_000));
      return { words: board, exitCode: 10, code: 'FW_BUDGET_OVER', says: 'factory.bin' };
    },
    'a kernel that the layout of TP-Link has no room for': (at) => {
      writeFileSync(at.kernel, uImageKernel(4_000_000));
      return {
        words: ['-b', 'tplink_tl-wr841-v11'],
        exitCode: 10,
        code: 'FW_BUDGET_OVER',
        says: 'firmware layout',
      };
    },
    'a compressor that the library does not write': (at) => ({
      words: ['-b', profileFile(at, { compressor: 'lzo' })],
      exitCode: 3,
      code: 'FW_PROFILE_COMPRESSOR',
      says: 'lzo',
    }),
    'a compressor that no one knows': (at) => ({
      words: ['-b', profileFile(at, { compressor: 'brotli' })],
      exitCode: 3,
      code: 'FW_PROFILE_INVALID',
      says: 'board.yaml:14:',
    }),
    'a board with NAND flash': () => ({
      words: ['-b', 'netgear_wndr4300'],
      exitCode: 3,
      code: 'FW_PROFILE_NAND',
      says: 'netgear_wndr4300',
    }),
    'an output folder that is a file': (at) => {
      writeFileSync(at.out, '');
      return { words: board, exitCode: 2, code: 'FW_USAGE_FILE', says: at.out };
    },
  };

  test.each(Object.entries(cases))('%s', async (_, make) => {
    const at = place();
    const { recipe = at.recipe, words, exitCode, code, says } = make(at);
    const result = await build({ ...at, recipe }, [...words, '--json']);
    expect(result.exitCode, result.stderr).toBe(exitCode);
    expect(jsonOf(result)).toMatchObject({ schemaVersion: 1, error: { code, exitCode } });
    expect(result.stderr).toContain(`[${code}]`);
    expect(result.stderr).toContain(says);
    expect(result.stderr).not.toContain('    at ');
    if (!existsSync(at.out) || statSync(at.out).isDirectory()) expectNothingLeft(at);
  });
});

test('a squashfs root that is cut off is refused', async () => {
  const at = place({ payload: 30_000 });
  const image = join(at.folder, 'root.squashfs');
  const made = await firmwright(['mkfs', 'squashfs', at.root, image]);
  expect(made.exitCode, made.stderr).toBe(0);
  writeFileSync(image, readFileSync(image).subarray(0, -5000));
  const result = await build(at, [...board, '--rootfs', image]);
  expect(result.exitCode, result.stderr).toBe(4);
  expect(result.stderr).toMatch(/\[FW_SQUASHFS_\w+\]/);
  expectNothingLeft(at);
});

test('an image of exactly the limit is built, over it by one byte it is not', async () => {
  const at = place({ payload: 200_000 });
  const made = await build(at, ['-b', profileFile(at), '--json']);
  const { boards } = buildDocument.parse(jsonOf(made));
  const limits = boards[0]?.budget.limits;
  const use = limits?.find(({ what }) => what === 'sysupgrade.bin')?.use ?? limits?.[0]?.use ?? 0;
  const exact = place({ payload: 200_000 });
  expect((await build(exact, ['-b', profileFile(exact, { limit: use })])).exitCode).toBe(0);
  const over = place({ payload: 200_000 });
  const result = await build(over, ['-b', profileFile(over, { limit: use - 1 }), '--json']);
  expect(result.exitCode).toBe(10);
  expect(jsonOf(result)).toMatchObject({
    error: { code: 'FW_BUDGET_OVER', data: { boards: [{ overBy: 1 }] } },
  });
  expectNothingLeft(over);
});

test('a failed build leaves the artefacts of the one before', async () => {
  const at = place();
  expect((await build(at, board)).exitCode).toBe(0);
  const before = readdirSync(at.out);
  writeFileSync(at.kernel, uImageKernel(7_600_000));
  expect((await build(at, board)).exitCode).toBe(10);
  expect(readdirSync(at.out)).toEqual(before);
  execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'sha256sums'], { cwd: at.out });
});

requires(root(), tool('mount'))(
  'a disk that fills up is told as such and holds nothing afterwards',
  async () => {
    const at = place({ payload: 300_000 });
    for (const kilobytes of [64, 1024, 9000]) {
      mkdirSync(at.out, { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'none', at.out]);
      try {
        const result = await build(at, [...board, '--no-cache', '--json']);
        expect(result.exitCode, result.stderr).toBe(5);
        expect(result.stderr).toMatch(/\[FW_ENV_DISK_FULL\]/);
        expectNothingLeft(at);
      } finally {
        execFileSync('umount', [at.out]);
      }
    }
  },
);

test('a build that is cancelled at any point leaves nothing', async () => {
  const at = place({ payload: 4_000_000 });
  for (const milliseconds of [0, 20, 60, 100]) {
    const cancel = new AbortController();
    const timer = setTimeout(() => {
      cancel.abort();
    }, milliseconds);
    if (milliseconds === 0) cancel.abort();
    const result = await build(at, [...board, '--no-cache'], { signal: cancel.signal });
    clearTimeout(timer);
    expect(result.exitCode, result.stderr).toBe(130);
    expect(result.stderr).toContain('error: cancelled; nothing was left half-written [FW_CANCELLED]\n');
    expectNothingLeft(at);
  }
});

requires(path(cliPath))(
  'Ctrl-C in the middle of packing ends the program with 130 and nothing left',
  async () => {
    const at = place({ payload: 6_000_000 });
    const words = ['build', at.recipe, '--out', at.out, ...board, '--no-cache'];
    const child = spawn(process.execPath, [cliPath, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text: Buffer) => {
      said += text.toString();
    });
    const ended = new Promise<number | null>((resolve) => {
      child.once('close', resolve);
    });
    while (child.exitCode === null && !packing(at)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    child.kill('SIGINT');
    expect(await ended, said).toBe(130);
    expect(said).toContain('[FW_CANCELLED]');
    expectNothingLeft(at);
  },
);

requires(path(cliPath), tool('setpriv'))(
  'a file of the root tree that may not be read is one error with its path',
  () => {
    const at = place();
    const secret = join(at.root, 'etc', 'secret');
    writeFileSync(secret, 'text', { mode: 0o000 });
    const words = ['mkfs', 'squashfs', at.root, join(at.folder, 'packed')];
    // Without the rights that let root read everything; for a plain user they are gone already.
    const without = '-dac_override,-dac_read_search';
    const drop =
      process.getuid?.() === 0 ? ['setpriv', `--inh-caps=${without}`, `--bounding-set=${without}`] : [];
    const [program = '', ...args] = [...drop, process.execPath, cliPath, ...words];
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    expect(status, stderr).toBe(5);
    expect(stderr).toContain(secret);
    expect(stderr).toContain('[FW_ENV_ACCESS]');
    expect(stderr.match(/^error:/gm)).toHaveLength(1);
    expect(readdirSync(at.folder).filter((name) => name.startsWith('packed'))).toEqual([]);
  },
);

/** Whether the squashfs is being written: it stands in the staging folder. */
function packing({ out }: Place): boolean {
  return (
    existsSync(out) &&
    readdirSync(out, { recursive: true, encoding: 'utf8' }).some((name) => name.includes('.squashfs'))
  );
}

describe('build --verify', () => {
  test('says that the same bytes come out again, and leaves everything alone', async () => {
    const at = place();
    await build(at, board);
    const before = readdirSync(at.out).sort();
    const result = await build(at, [...board, '--verify', at.out, '--jobs', '3']);
    expect([result.exitCode, result.stdout]).toEqual([
      0,
      `${at.out}: the same bytes come out again, for ubnt_unifi-ap\n`,
    ]);
    expect(readdirSync(at.out).sort()).toEqual(before);
    const json = await build(at, [...board, '--verify', at.out, '--json']);
    expect(verifyDocument.parse(jsonOf(json)).boards).toEqual(['ubnt_unifi-ap']);
  });

  test('ends with 12 and names the first byte when an artefact differs, or is not there', async () => {
    const at = place();
    await build(at, board);
    const name = readdirSync(at.out).find((file) => file.endsWith('-sysupgrade.bin')) ?? '';
    const image = join(at.out, name);
    const bytes = readFileSync(image);
    bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000);
    writeFileSync(image, bytes);
    const differs = await build(at, [...board, '--verify', at.out]);
    expect(differs.exitCode).toBe(12);
    expect(differs.stderr).toContain('sysupgrade.bin differs from byte 5000 [FW_BUILD_DIFFERS]');
    const empty = await build(at, [...board, '--verify', at.folder]);
    expect(empty.exitCode).toBe(12);
    expect(empty.stderr).toContain('is not there, and ');
  });
});
