/** The commands of `firmwright shell`: words in, text out, on the running device. */
import { byteString, ScenarioError, textOf } from '../core/index.js';
import { PowerCut } from '../flash/index.js';
import { boot, type BootResult } from './boot.js';
import type { Device } from './device.js';
import { devicePath, fileAt, readFileIfThere } from './device-files.js';
import { factoryReset } from './factory-reset.js';
import {
  appendDeviceFile,
  changeDeviceMode,
  fillDevice,
  linkDeviceFile,
  makeDeviceFolder,
  moveDeviceFile,
  removeDeviceFile,
  writeDeviceFile,
} from './operations.js';
import { planCutAt } from './power-cuts.js';
import type { ScenarioFiles } from './scenario-run.js';
import { sysupgrade } from './sysupgrade.js';
import type { RunningSystem } from './system.js';

/** What a command printed, and the boot that is current after it. */
export interface CommandOutcome {
  readonly text: string;
  readonly last: BootResult | undefined;
}

const help = `ls [PATH]            cat PATH             write PATH TEXT      append PATH TEXT
rm [-r] PATH         mv FROM TO           mkdir PATH           chmod MODE PATH
ln [-s] TARGET PATH  fill PATH            df                   which PATH
reboot               failsafe             firstboot [-r] [-k]  sysupgrade [-n] [FILE]
power-cut [N]        (the power fails at the Nth flash operation from now; without N, now)
timeline             findings             exit
`;

/** Runs one command line. @throws FsError, FirmwrightError as the command meets them */
export function runDeviceCommand(
  device: Device,
  last: BootResult | undefined,
  words: readonly string[],
  files: ScenarioFiles,
): CommandOutcome {
  try {
    return perform(device, last, words, files);
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
    return { text: 'power cut\n', last: undefined };
  }
}

function perform(
  device: Device,
  last: BootResult | undefined,
  words: readonly string[],
  files: ScenarioFiles,
): CommandOutcome {
  const [command = '', ...args] = words;
  const flags = new Set(args.filter((word) => /^-[a-z]$/.test(word)));
  const [first = '/', second = ''] = args.filter((word) => !flags.has(word));
  const say = (text: string): CommandOutcome => ({ text, last });
  const rest = args.slice(1).join(' ');

  switch (command) {
    case '':
      return say('');
    case 'help':
      return say(help);
    case 'reboot':
      if (last?.kind === 'running') last.system.shutdown();
      return booted(boot(device));
    case 'failsafe':
      if (last?.kind === 'running') last.system.shutdown();
      return booted(boot(device, { failsafe: true }));
    case 'power-cut':
      if (first === '/') return { text: 'power cut\n', last: undefined };
      planCutAt(device.chip, Number(first), 'half');
      return say(`the power fails at flash operation ${first}\n`);
    case 'timeline':
      return say(
        device.timeline
          .events()
          .map(({ atMs, text }) => `${(atMs / 1000).toFixed(3)} s  ${text}\n`)
          .join(''),
      );
    case 'findings':
      return say(
        device.findings
          .list()
          .map(({ code, where }) => `${code} at ${where}\n`)
          .join(''),
      );
    default:
      break;
  }

  const system = running(last);
  switch (command) {
    case 'ls':
      return say(list(system, first));
    case 'cat':
      return say(textOf(byteString(readFileIfThere(system.root, devicePath(first)) ?? new Uint8Array())));
    case 'write':
      writeDeviceFile(system, first, Buffer.from(`${rest}\n`));
      return say('');
    case 'append':
      appendDeviceFile(system, first, Buffer.from(`${rest}\n`));
      return say('');
    case 'rm':
      removeDeviceFile(system, first, flags.has('-r'));
      return say('');
    case 'mv':
      moveDeviceFile(system, first, second);
      return say('');
    case 'mkdir':
      makeDeviceFolder(system, first, true);
      return say('');
    case 'chmod':
      changeDeviceMode(system, second, Number.parseInt(first, 8));
      return say('');
    case 'ln':
      linkDeviceFile(system, first, second, flags.has('-s'));
      return say('');
    case 'fill':
      return say(`${fillDevice(system, first)} bytes\n`);
    case 'df': {
      const { blockSize, blocks, blocksAvailable } = system.root.statfs();
      return say(`${blocks * blockSize} bytes, ${blocksAvailable * blockSize} available\n`);
    }
    case 'which': {
      const found = system.whereIs(devicePath(first));
      return say(`${found.layer}\n${found.causes.map((cause) => `  ${cause}\n`).join('')}`);
    }
    case 'firstboot': {
      const report = factoryReset(system, { reboot: flags.has('-r'), keepSettings: flags.has('-k') });
      if (!report.reboots) return say(`${report.path}\n`);
      system.shutdown();
      return booted(boot(device));
    }
    case 'sysupgrade': {
      const image = first === '/' ? files.image : files.read(first);
      const result = sysupgrade(system, image, { keepSettings: !flags.has('-n') });
      if (result.kind === 'refused')
        return say(`${result.verdict.reasons.map(({ text }) => text).join('\n')}\n`);
      return booted(boot(device));
    }
    default:
      throw new ScenarioError('FW_EMULATOR_COMMAND', `unknown command ${command}`, { hint: 'type help' });
  }
}

function running(last: BootResult | undefined): RunningSystem {
  if (last?.kind === 'running') return last.system;
  throw new ScenarioError('FW_EMULATOR_COMMAND', 'the device is not running', { hint: 'type reboot' });
}

function booted(result: BootResult): CommandOutcome {
  const text =
    result.kind === 'running'
      ? `up on ${result.system.mode}\n`
      : `does not boot: ${result.stage}: ${result.reason}\n`;
  return { text, last: result };
}

function list(system: RunningSystem, path: string): string {
  const { root } = system;
  const ino = fileAt(root, devicePath(path));
  if (root.getattr(ino).type !== 'directory') return `${path}\n`;
  return [...root.readdir(ino)]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, ino: child }) => {
      const { type, mode, uid, gid, size } = root.getattr(child);
      const target = type === 'symlink' ? ` -> ${textOf(root.readlink(child))}` : '';
      return `${type.padEnd(9)} ${mode.toString(8).padStart(4, '0')} ${uid}:${gid} ${String(size).padStart(9)} ${textOf(name)}${target}\n`;
    })
    .join('');
}
