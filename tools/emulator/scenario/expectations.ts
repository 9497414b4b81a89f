/** What an `expect` step of a scenario compares. */
import { textOf } from '../../core/index.js';
import type { BootResult } from '../boot/boot.js';
import type { Device } from '../device/device.js';
import { devicePath, findFile } from '../device-files.js';
import { readOverlayState } from '../overlay/fs-state.js';
import { volumeState } from '../boot/mount-root.js';
import { fillerBytes } from '../device/filler.js';
import type { Expectation } from './expectation-schema.js';
import { digestDifferences, digestTree, hash } from '../tree-digest.js';

/** What an expectation looks at. */
export interface ScenarioState {
  readonly device: Device;
  /** Outcome of the last boot; undefined while the device is off. */
  readonly last: BootResult | undefined;
  /** Hash of each partition at the start of the scenario. */
  readonly partitionHashes: ReadonlyMap<string, string>;
}

/** Compares everything the expectation names; returns one line `what: expected X, found Y` per difference. */
export function checkExpectation(expected: Expectation, state: ScenarioState): readonly string[] {
  const problems: string[] = [];
  const compare = (what: string, want: unknown, found: unknown): void => {
    if (want !== found) problems.push(`${what}: expected ${String(want)}, found ${String(found)}`);
  };
  const { device, last } = state;
  const system = last?.kind === 'running' ? last.system : undefined;

  if (expected.state !== undefined) {
    compare('state', expected.state, last === undefined ? 'off' : (system?.mode ?? 'no-boot'));
  }
  if (expected.stage !== undefined)
    compare('stage', expected.stage, last?.kind === 'no-boot' ? last.stage : 'running');
  if (expected.onRam && device.timeline.onRamMs > expected.onRam.atMostSeconds * 1000) {
    const seconds = (device.timeline.onRamMs / 1000).toFixed(1);
    problems.push(`seconds on RAM: expected at most ${expected.onRam.atMostSeconds}, found ${seconds}`);
  }
  const { asked, watchdog, panic } = device.restarts;
  if (expected.restarts?.asked !== undefined) compare('reboots', expected.restarts.asked, asked);
  if (expected.restarts?.watchdog !== undefined)
    compare('restarts by the watchdog', expected.restarts.watchdog, watchdog);
  if (expected.restarts?.panic !== undefined)
    compare('restarts after a panic', expected.restarts.panic, panic);
  if (expected.volume !== undefined) {
    const volume = device.rootfsData(device.split());
    compare('rootfs_data', expected.volume, volume ? volumeState(device, volume) : 'none');
  }
  if (expected.fsState !== undefined) {
    compare(
      '.fs_state',
      expected.fsState,
      system?.jffs2 ? readOverlayState(system.jffs2, system.jffs2.root) : 'none',
    );
  }
  for (const file of expected.file ?? []) problems.push(...fileProblems(file, state));
  if (expected.treeEqualsBase && system) {
    const skip = (path: string): boolean => path.startsWith('/etc/uci-defaults');
    problems.push(
      ...digestDifferences(
        digestTree(system.rom, system.rom.root, { skip }),
        digestTree(system.root, system.root.root, { skip }),
      ),
    );
  }
  if (expected.freeBytes && system) {
    const { blockSize, blocksAvailable } = system.root.statfs();
    const free = blockSize * blocksAvailable;
    if (free < expected.freeBytes.atLeast) {
      problems.push(`free bytes: expected at least ${expected.freeBytes.atLeast}, found ${free}`);
    }
  }
  const codes = new Set(device.findings.list().map(({ code }) => code));
  for (const code of expected.findings ?? []) {
    if (!codes.has(code))
      problems.push(`finding ${code}: expected, found ${[...codes].join(', ') || 'none'}`);
  }
  for (const code of expected.noFindings ?? []) {
    if (codes.has(code)) problems.push(`finding ${code}: expected none, found it`);
  }
  for (const label of expected.unchanged ?? []) {
    const partition = device.profile.partitions.find((candidate) => candidate.label === label);
    if (!partition) {
      problems.push(`partition ${label}: expected on ${device.profile.id}, found none`);
      continue;
    }
    const bytes = device.chip.image().subarray(partition.offset, partition.offset + partition.size);
    compare(`bytes of ${label}`, state.partitionHashes.get(label), hash(bytes));
  }
  return problems;
}

type FileExpectation = NonNullable<Expectation['file']>[number];

function fileProblems(expected: FileExpectation, { device, last }: ScenarioState): readonly string[] {
  const running = last?.kind === 'running' ? last.system : undefined;
  const fs = expected.on === undefined ? running?.root : device.storages.get(expected.on)?.fs;
  if (!fs) {
    const where = expected.on === undefined ? 'a running system' : `the storage ${expected.on}`;
    return [`${expected.path}: expected on ${where}, found none`];
  }
  const path = devicePath(expected.path);
  const ino = findFile(fs, path, false);
  if (expected.absent) return ino === undefined ? [] : [`${expected.path}: expected absent, found`];
  if (ino === undefined) return [`${expected.path}: expected, found nothing`];

  const problems: string[] = [];
  const { type, mode, size } = fs.getattr(ino);
  const want =
    expected.text !== undefined
      ? Buffer.from(expected.text, 'utf8')
      : expected.base64 !== undefined
        ? Buffer.from(expected.base64, 'base64')
        : expected.bytes !== undefined
          ? Buffer.from(fillerBytes(expected.bytes))
          : undefined;
  if (want && type === 'file') {
    const found = Buffer.from(fs.read(ino, 0, size));
    if (!found.equals(want)) {
      problems.push(
        `${textOf(path)}: expected ${want.length} bytes ${hash(want)}, found ${size} bytes ${hash(found)}`,
      );
    }
  } else if (want) problems.push(`${expected.path}: expected a file, found a ${type}`);
  if (expected.contains !== undefined && type === 'file') {
    const found = Buffer.from(fs.read(ino, 0, size));
    if (!found.includes(expected.contains))
      problems.push(
        `${expected.path}: expected to contain ${JSON.stringify(expected.contains)}, found ${size} other bytes`,
      );
  }
  if (expected.mode !== undefined) {
    const wantMode = typeof expected.mode === 'string' ? Number.parseInt(expected.mode, 8) : expected.mode;
    if (mode !== wantMode)
      problems.push(`mode of ${expected.path}: expected ${wantMode.toString(8)}, found ${mode.toString(8)}`);
  }
  if (expected.layer !== undefined && running) {
    const { layer } = running.whereIs(path);
    if (layer !== expected.layer)
      problems.push(`layer of ${expected.path}: expected ${expected.layer}, found ${layer}`);
  }
  return problems;
}
