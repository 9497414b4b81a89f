/** What `diff` says of two images: figures, lists, limits, exit codes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { diffDocument } from '../../tools/cli/documents/diff.js';
import { firmwright, jsonOf } from '../support/cli.js';
import type { CliResult } from '../support/cli.js';
import { noise } from '../support/image-inputs.js';
import { profileOf, routerTree, sysupgradeImage } from '../support/router-image.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const oldImage = join(folder, 'old.bin');
const newImage = join(folder, 'new.bin');
const hugeImage = join(folder, 'huge.bin');

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Lists of opkg: a paragraph a package, and its files. */
function packageLists(
  packages: readonly (readonly [string, string, readonly string[]])[],
): Record<string, string> {
  return {
    '/usr/lib/opkg/status': packages
      .map(
        ([name, version]) =>
          `Package: ${name}\nVersion: ${version}\nStatus: install user installed\nArchitecture: mips_24kc\n`,
      )
      .join('\n'),
    ...Object.fromEntries(
      packages.map(([name, , files]) => [`/usr/lib/opkg/info/${name}.list`, `${files.join('\n')}\n`]),
    ),
    '/usr/lib/opkg/info/dnsmasq.conffiles': '/etc/config/dhcp\n',
  };
}

beforeAll(async () => {
  const profile = profileOf('ubnt_unifi-ap');
  writeFileSync(
    oldImage,
    await sysupgradeImage(
      profile,
      routerTree({
        ...packageLists([
          ['dnsmasq', '2.80-16', ['/etc/config/dhcp', '/usr/sbin/dnsmasq']],
          ['luci', '1.0-1', ['/www/<index>|x.html']],
          ['zlib', '1.2.13-1', ['/usr/lib/libz.so']],
        ]),
        '/etc/config/dhcp': 'old default\n',
        '/usr/sbin/dnsmasq': latin1(noise(20_000, 5)),
        '/usr/lib/libz.so': latin1(noise(9_000, 6)),
        '/www/<index>|x.html': 'page\n',
      }),
    ),
  );
  writeFileSync(
    newImage,
    await sysupgradeImage(
      profile,
      routerTree({
        ...packageLists([
          ['dnsmasq', '2.90-1', ['/etc/config/dhcp', '/usr/sbin/dnsmasq']],
          ['curl', '8.0-1', ['/usr/bin/curl']],
          ['zlib', '1.2.11-9', ['/usr/lib/libz.so']],
        ]),
        '/etc/config/dhcp': 'new default\n',
        '/usr/sbin/dnsmasq': latin1(noise(120_000, 8)),
        '/usr/lib/libz.so': latin1(noise(9_000, 6)),
        '/usr/bin/curl': latin1(noise(150_000, 9)),
      }),
    ),
  );
  writeFileSync(hugeImage, await sysupgradeImage(profile, routerTree(), 7_300_000));
});

function diff(...words: readonly string[]): Promise<CliResult> {
  return firmwright(['diff', oldImage, newImage, '--quiet', ...words]);
}

test('the document has packages, files with their owners, new defaults and what the flash pays', async () => {
  const result = await diff('--json');
  expect(result, result.stderr).toMatchObject({ exitCode: 0, stderr: '' });
  const document = diffDocument.parse(jsonOf(result));
  expect(document.packages.map(({ name, change }) => [name, change])).toEqual([
    ['curl', 'added'],
    ['dnsmasq', 'upgraded'],
    ['luci', 'removed'],
    ['zlib', 'downgraded'],
  ]);
  expect(document.packages[0]?.storedAfter).toBe(150_000);
  expect(document.files).toContainEqual({
    path: '/usr/bin/curl',
    change: 'added',
    aspects: [],
    sizeAfter: 150_000,
    package: 'curl',
  });
  expect(document.files).toContainEqual(
    expect.objectContaining({ path: '/www/<index>|x.html', change: 'removed', package: 'luci' }),
  );
  expect(document.files).toContainEqual(
    expect.objectContaining({ path: '/etc/config/dhcp', aspects: ['content'] }),
  );
  expect(document.newDefaults).toEqual(['/etc/config/dhcp']);
  const squashfs = document.figures.find(({ what }) => what === 'squashfs bytes');
  expect((squashfs?.after ?? 0) - (squashfs?.before ?? 0)).toBeGreaterThan(200_000);
  expect(document.partitions.map(({ label }) => label)).toContain('rootfs_data');
});

test('an image differs from itself in nothing', async () => {
  const result = await firmwright([
    'diff',
    oldImage,
    oldImage,
    '--json',
    '--max-growth',
    '0',
    '--refuse',
    'compat',
  ]);
  const document = diffDocument.parse(jsonOf(result));
  expect(result.exitCode).toBe(0);
  expect(document).toMatchObject({ packages: [], files: [], partitions: [], newDefaults: [], breaches: [] });
  expect(document.filesUnchanged).toBeGreaterThan(20);
});

test('each limit that is broken is told, with exit code 11', async () => {
  const limits = [
    '--max-growth',
    '64k',
    '--max-blocks-lost',
    '1',
    '--refuse',
    'removed-package',
    'downgrade',
  ];
  const result = await diff('--json', ...limits);
  expect(result.exitCode).toBe(11);
  expect(result.stderr).toContain('FW_DIFF_LIMIT');
  expect(diffDocument.parse(jsonOf(result)).breaches.map(({ limit }) => limit)).toEqual([
    'max-growth',
    'max-blocks-lost',
    'refuse removed-package',
    'refuse downgrade',
  ]);
  expect(
    (await diff('--max-growth', '10m', '--max-blocks-lost', '100', '--refuse', 'partitions')).exitCode,
  ).toBe(0);
});

test('a new image that does not fit is exit code 10, whatever the limits', async () => {
  const result = await firmwright(['diff', oldImage, hugeImage, '--max-growth', '0', '--quiet']);
  expect(result.exitCode).toBe(10);
  expect(result.stderr).toContain('FW_BUDGET_OVER');
  expect(result.stdout).toContain('does not fit');
});

test('text and Markdown name the same packages; Markdown escapes what an image calls its files', async () => {
  const text = await diff();
  const markdown = await diff('--format', 'markdown');
  for (const name of ['curl', 'dnsmasq', 'luci', 'zlib', '/etc/config/dhcp']) {
    expect(text.stdout).toContain(name);
    expect(markdown.stdout).toContain(name);
  }
  expect(text.stdout).toContain('<index>|x.html');
  expect(markdown.stdout).not.toContain('<index>');
  expect(markdown.stdout).toContain('/www/&#60;index&#62;&#124;x.html');
});

test('the board comes from the metadata, or must be named', async () => {
  const bare = join(folder, 'bare.bin');
  writeFileSync(bare, noise(100_000));
  const unnamed = await firmwright(['diff', oldImage, bare]);
  expect(unnamed).toMatchObject({ exitCode: 2 });
  expect(unnamed.stderr).toContain('--board ID');
});
