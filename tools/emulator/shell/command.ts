/** The commands of `firmwright shell`: words in, text out, on the running device. */
import { ScenarioError, textOf } from '../../core/index.js';
import { readFile } from '../../vfs/index.js';
import { PowerCut } from '../../flash/index.js';
import { boot, type BootResult } from '../boot/boot.js';
import { hangNow, planHangAt, start } from '../boot/restarts.js';
import type { Device } from '../device/device.js';
import { devicePath, fileAt } from '../device-files.js';
import { findingTexts } from '../findings.js';
import { factoryReset } from '../reset/factory-reset.js';
import { mountRootStart } from '../boot/mount-root.js';
import { fillDevice } from '../device/filler.js';
import { doNow, userOperation } from '../device/user-operations.js';
import { badCommand, operationOfCommand, typedCommand } from './words.js';
import { runTogether } from '../device/together.js';
import { planCutAt } from '../device/cut-recording.js';
import type { ScenarioFiles } from '../scenario/run.js';
import { sysupgrade, type UpgradeOptions } from '../upgrade/sysupgrade.js';
import type { RunningSystem } from '../device/system.js';

/** What a command printed, and the boot that is current after it. */
export interface CommandOutcome {
  readonly text: string;
  readonly last: BootResult | undefined;
}

const help = `ls [PATH]            cat PATH             write PATH TEXT      append PATH TEXT
rm [-r] PATH         mv FROM TO           mkdir PATH           chmod MODE PATH
ln [-s] TARGET PATH  fill PATH            df                   which PATH
reboot               failsafe             mount_root           button SECONDS
firstboot [-r] [-k]  (or factory-reset; -y is understood)
sysupgrade [-n] [-c] [-o] [-u] [-k] [-F] [-T] [FILE]           (without FILE, to the same image)
COMMAND & COMMAND    (those of the first line and mkdir, chmod, ln: in flight at one time)
power-cut [N]        (the power fails at the Nth flash operation from now; without N, now)
hang [N]             (the system stops there, and its watchdog restarts it)
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
    if (device.hangs) return afterHang(device);
    return { text: 'power cut\n', last: undefined };
  }
}

function perform(
  device: Device,
  last: BootResult | undefined,
  words: readonly string[],
  files: ScenarioFiles,
): CommandOutcome {
  const say = (text: string): CommandOutcome => ({ text, last });
  if (words.includes('&')) return say(performTogether(running(last), words));
  const command = typedCommand(words);
  const { name, flags } = command;
  const [first = '/'] = command.operands;

  switch (name) {
    case '':
      return say('');
    case 'help':
      return say(help);
    case 'reboot':
      if (last?.kind !== 'running') return booted(start(device));
      last.system.shutdown();
      return restarted(device);
    case 'failsafe':
      if (last?.kind === 'running') last.system.shutdown();
      return booted(boot(device, { failsafe: true }));
    case 'power-cut':
      if (first === '/') return { text: 'power cut\n', last: undefined };
      planCutAt(device.chip, countOf(name, first), 'half');
      return say(`the power fails at flash operation ${first}\n`);
    case 'hang':
      if (first === '/') return afterHang(device);
      planHangAt(device, countOf(name, first));
      return say(`the system hangs at flash operation ${first}\n`);
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
          .map(({ code, where }) => `${code} at ${where}: ${findingTexts[code]}\n`)
          .join(''),
      );
    default:
      break;
  }

  const system = running(last);
  const operation = operationOfCommand(command);
  if (operation) {
    doNow(system, operation);
    return say('');
  }
  switch (name) {
    case 'ls':
      return say(list(system, first));
    case 'cat':
      return say(Buffer.from(readFile(system.root, devicePath(first))).toString());
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
    case 'mount_root':
      if (system.mode !== 'failsafe') throw badCommand('the root is mounted already');
      return booted({ kind: 'running', system: mountRootStart(device, system.split, system.rom) });
    case 'button': {
      if (!(Number(first) >= 0)) throw badCommand(`button: expected seconds, found ${first}`);
      const reset = Number(first) >= 5 ? factoryReset(system, { via: 'button' }) : undefined;
      if (!reset?.reboots && Number(first) >= 1) return say(`${reset?.path ?? 'nothing'}\n`);
      system.shutdown();
      return restarted(device);
    }
    case 'factory-reset':
    case 'firstboot': {
      const report = factoryReset(system, { reboot: flags.has('-r'), keepSettings: flags.has('-k') });
      if (!report.reboots) return say(`${report.path}\n`);
      system.shutdown();
      return restarted(device);
    }
    case 'sysupgrade': {
      const image = first === '/' ? files.image : files.read(first);
      const result = sysupgrade(system, image, upgradeOptions(flags));
      if (result.kind === 'refused')
        return say(`refused: ${result.verdict.reasons.map(({ text }) => text).join('; ')}\n`);
      return result.kind === 'checked' ? say('the image would be taken\n') : restarted(device);
    }
    default:
      throw badCommand(`unknown command ${name}`);
  }
}

function upgradeOptions(flags: ReadonlySet<string>): UpgradeOptions {
  return {
    keepSettings: !flags.has('-n'),
    changedEtc: flags.has('-c'),
    changedAll: flags.has('-o'),
    skipEqual: flags.has('-u'),
    listPackages: flags.has('-k'),
    force: flags.has('-F'),
    test: flags.has('-T'),
  };
}

/** `A & B`: operations in flight at one time, in an order that is the same every time. */
function performTogether(system: RunningSystem, words: readonly string[]): string {
  const operations = wordsBetween(words, '&').map((part) => {
    const operation = operationOfCommand(typedCommand(part));
    if (!operation) throw badCommand(`${part[0] ?? 'nothing'}: cannot be done together with others`);
    return userOperation(system, operation);
  });
  const { answers } = runTogether(operations, 1);
  return answers.every((answer) => answer === 'done') ? '' : `${answers.join(' & ')}\n`;
}

function wordsBetween(words: readonly string[], separator: string): readonly (readonly string[])[] {
  const at = words.indexOf(separator);
  return at < 0 ? [words] : [words.slice(0, at), ...wordsBetween(words.slice(at + 1), separator)];
}

function countOf(command: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw badCommand(`${command}: expected a count from 1, found ${text}`);
  return Number(text);
}

/** The watchdog restarts the device. */
function afterHang(device: Device): CommandOutcome {
  device.chip.observer = undefined;
  const { text, last } = booted(hangNow(device));
  return { text: `hangs, and is restarted by its watchdog: ${text}`, last };
}

/** Splits a command line as a shell does: blanks, and quotes of both kinds. @throws ScenarioError for an open quote */
export function splitCommandLine(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (const char of line) {
    if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word = (word ?? '') + char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== undefined) throw badCommand(`quote ${quote} is not closed`);
  return word === undefined ? words : [...words, word];
}

function running(last: BootResult | undefined): RunningSystem {
  if (last?.kind === 'running') return last.system;
  throw new ScenarioError('FW_EMULATOR_COMMAND', 'the device is not running', { hint: 'type reboot' });
}

function restarted(device: Device): CommandOutcome {
  device.restart('asked');
  return booted(start(device));
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
