/** `doctor`: looks at everything Firmwright needs of the machine and says how to get what is missing. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { loadAddon } from '../../addon/index.js';
import { EnvironmentError } from '../../core/index.js';
import { defineCommand, example } from '../command.js';
import type { Session } from '../command.js';
import type { DoctorDocument } from '../documents/doctor.js';
import { helperPath } from '../mount/helper.js';
import { renderTable } from '../render/table.js';

type Check = DoctorDocument['checks'][number];

const addonParts = [
  ['squashfs', 'every build; reading squashfs', 'needed'],
  ['archive', 'root trees and packages from tar, cpio, ipk', 'needed'],
  ['compress', 'kernels, JFFS2 data, vendor images', 'needed'],
  ['hostfs', 'owners, devices and xattrs of host folders', 'needed'],
  ['fuse', 'firmwright mount', 'optional'],
] as const;

type AddonPart = (typeof addonParts)[number][0];

/** Programs that only the tests compare with, and the Debian package of each. */
const programs: readonly (readonly [string, string])[] = [
  ['unsquashfs', 'squashfs-tools'],
  ['gensquashfs', 'squashfs-tools-ng'],
  ['mkfs.jffs2', 'mtd-utils'],
  ['mkimage', 'u-boot-tools'],
  ['dtc', 'device-tree-compiler'],
];

/** The verb. */
export const doctor = defineCommand(
  (yargs) => yargs.example(...example('$0 doctor', 'one line for everything that is looked at')),
  (_, session) => {
    const checks = [nodeCheck(), ...addonParts.map(([part, use, need]) => addonCheck(part, use, need))];
    checks.push(...fuseChecks(), ...programs.map(([name, debian]) => programCheck(name, debian, session)));
    const document: DoctorDocument = {
      schemaVersion: 1,
      ready: checks.every((check) => check.state !== 'missing'),
      checks,
    };
    session.result(document, () => render(document, session));
    return Promise.resolve(document.ready ? 0 : 5);
  },
);

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const good = major > 20 || (major === 20 && minor >= 19);
  return {
    subject: 'Node.js',
    state: good ? 'good' : 'missing',
    found: process.versions.node,
    neededFor: 'everything (20.19 or newer)',
    ...(good ? {} : { install: 'https://nodejs.org/' }),
  };
}

function addonCheck(part: AddonPart, use: string, need: 'needed' | 'optional'): Check {
  const subject = `addon part ${part}`;
  try {
    loadAddon<object>(part, []);
    return { subject, state: 'good', found: 'loads', neededFor: use };
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    return {
      subject,
      state: need === 'needed' ? 'missing' : 'optional',
      found: error.message.replace(`the ${part} addon `, '').replace(/^is not built:.*/, 'is not built'),
      neededFor: use,
      install: error.hint ?? 'npm run build:native',
    };
  }
}

/** The device, the helper of plain users, and the helper of mount(8). */
function fuseChecks(): Check[] {
  const device = '/dev/fuse';
  const usable = isAccessible(device, constants.R_OK | constants.W_OK);
  const here = existsSync(device);
  const unmounter = ['/usr/bin/fusermount3', '/bin/fusermount3'].find(isExecutable);
  const helper = isExecutable(helperPath);
  return [
    {
      subject: device,
      state: usable ? 'good' : 'optional',
      found: usable ? 'there' : here ? 'there, but not for this user' : 'not there',
      neededFor: 'firmwright mount',
      ...(!usable && { install: here ? `chmod 666 ${device}` : 'modprobe fuse' }),
    },
    {
      subject: 'fusermount3',
      state: unmounter === undefined ? 'optional' : 'good',
      found: unmounter ?? 'not there',
      neededFor: 'firmwright mount as a plain user',
      ...(unmounter === undefined && { install: 'apt-get install fuse3' }),
    },
    {
      subject: 'helper of mount(8)',
      state: helper ? 'good' : 'optional',
      found: helper ? helperPath : 'not there',
      neededFor: 'mount -t fuse.firmwright, fstab',
      ...(!helper && { install: `firmwright mount --helper | sudo install -m 755 /dev/stdin ${helperPath}` }),
    },
  ];
}

function programCheck(name: string, debian: string, session: Session): Check {
  const folders = [...(session.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const found = folders.map((folder) => join(folder, name)).find(isExecutable);
  return {
    subject: name,
    state: found === undefined ? 'optional' : 'good',
    found: found ?? 'not there',
    neededFor: 'tests that compare with it',
    ...(found === undefined ? { install: `apt-get install ${debian}` } : {}),
  };
}

function isExecutable(file: string): boolean {
  return isAccessible(file, constants.X_OK);
}

function isAccessible(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}

function render(document: DoctorDocument, { style }: Session): string {
  const paint = { good: style.green, missing: style.red, optional: style.yellow };
  const table = renderTable(
    [
      { heading: 'state' },
      { heading: 'subject' },
      { heading: 'found' },
      { heading: 'needed for' },
      { heading: 'to install' },
    ],
    document.checks.map((c) => [paint[c.state](c.state), c.subject, c.found, c.neededFor, c.install]),
    style.bold,
  );
  return `${table}\n${document.ready ? 'Ready.' : 'Something is missing.'}\n`;
}
