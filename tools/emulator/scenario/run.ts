/** Runs a scenario on a device: step by step, with expectations, a power cut where one is asked for, and a report. */
import { FirmwrightError } from '../../core/index.js';
import { PowerCut } from '../../flash/index.js';
import { FsError } from '../../vfs/index.js';
import { boot, type BootResult } from '../boot/boot.js';
import { hangNow, planHangAt, start } from '../boot/restarts.js';
import type { Device, RestartCause } from '../device/device.js';
import { checkExpectation, type ScenarioState } from './expectations.js';
import { factoryReset } from '../reset/factory-reset.js';
import type { Finding } from '../findings.js';
import { mountRootStart } from '../boot/mount-root.js';
import { fillDevice } from '../device/filler.js';
import { doNow } from '../device/user-operations.js';
import { planCutAt, type Tear } from '../device/cut-recording.js';
import type { ScenarioStep, TogetherArguments } from './schema.js';
import { Together } from './together.js';
import { copyOverlay, plugStorage, storageOf } from './storage-steps.js';
import { contentOf, operationOfStep } from './user-steps.js';
import { staleBytes } from '../device/stale-flash.js';
import { recoveryFlash, sysupgrade, type UpgradeResult } from '../upgrade/sysupgrade.js';
import type { RunningSystem } from '../device/system.js';
import type { TimelineEvent } from '../device/timeline.js';
import { partitionHashes } from '../device/partition-hashes.js';
import type { RefusalReason } from '../upgrade/image-checks.js';
import { writeFromOutside } from '../device/write-from-outside.js';

/** How one step went. */
export interface StepReport {
  /** Counted from 1. */
  readonly step: number;
  readonly kind: ScenarioStep['kind'];
  readonly outcome: 'done' | 'power-cut' | 'hang' | 'failed';
  /** What went wrong, one line each; for an expectation: expected and found. */
  readonly problems: readonly string[];
  /** Of the order of operations that failed: `step:seed` repeats it alone. */
  readonly seed?: number;
}

/** One order of a step `together`, to be run instead of all. */
export interface OrderReplay {
  readonly step: number;
  readonly seed: number;
}

/** How a scenario went. */
export interface ScenarioReport {
  readonly name: string;
  readonly board: string;
  readonly branch: string;
  readonly passed: boolean;
  readonly steps: readonly StepReport[];
  readonly findings: readonly Finding[];
  readonly timeline: readonly TimelineEvent[];
  /** Emulated milliseconds that the root was on RAM, where changes are lost with the power. */
  readonly onRamMs: number;
  /** How often the device restarted, by cause. */
  readonly restarts: Readonly<Record<RestartCause, number>>;
}

/** Files that a scenario names, read by the caller. */
export interface ScenarioFiles {
  /** The image the device was flashed with. */
  readonly image: Uint8Array;
  /** What a step means by the image `upgrade`; without it, the image the device was flashed with. */
  readonly upgrade?: Uint8Array;
  /** Reads an image named in a step. */
  readonly read: (name: string) => Uint8Array;
}

/** The image that a step names; without a name, the one that the device was flashed with. */
export function imageOfStep(files: ScenarioFiles, name: string | undefined): Uint8Array {
  if (name === undefined) return files.image;
  return name === upgradeName ? (files.upgrade ?? files.image) : files.read(name);
}

/** Name of the newer image in a step; which one it is, the caller says. */
const upgradeName = 'upgrade';

/** Runs all steps; the first that fails ends the scenario. */
export function runScenario(...scenario: Parameters<typeof stepThroughScenario>): ScenarioReport {
  const steps = stepThroughScenario(...scenario);
  for (let next = steps.next(); ; next = steps.next()) if (next.done === true) return next.value;
}

/** The same, stopping behind each step for a caller who has to look at something else meanwhile. */
export function* stepThroughScenario(
  name: string,
  steps: readonly ScenarioStep[],
  device: Device,
  files: ScenarioFiles,
  replay?: OrderReplay,
): Generator<StepReport, ScenarioReport> {
  const runner = new ScenarioRunner(device, files, replay);
  const reports: StepReport[] = [];
  for (const [index, step] of steps.entries()) {
    const report = runner.run(step, index + 1);
    reports.push(report);
    yield report;
    if (report.outcome === 'failed') break;
  }
  return {
    name,
    board: device.profile.id,
    branch: device.branch.name,
    passed: reports.every(({ outcome }) => outcome !== 'failed'),
    steps: reports,
    findings: device.findings.list(),
    timeline: device.timeline.events(),
    onRamMs: device.timeline.onRamMs,
    restarts: device.restarts,
  };
}

/** A device on which the steps of a scenario are run. */
export class ScenarioRunner {
  readonly #device: Device;
  readonly #files: ScenarioFiles;
  readonly #partitionHashes: ReadonlyMap<string, string>;
  #last: BootResult | undefined;
  /** What is planned for the next step. */
  #pendingCut: { readonly operation: number; readonly tear: Tear | 'hang' } | undefined;
  readonly #replay: OrderReplay | undefined;
  #failedSeed: number | undefined;

  constructor(device: Device, files: ScenarioFiles, replay?: OrderReplay) {
    this.#device = device;
    this.#replay = replay;
    this.#files = files;
    this.#partitionHashes = partitionHashes(device);
  }

  /** @param number  of the step, from 1 */
  run(step: ScenarioStep, number: number): StepReport {
    const report = (outcome: StepReport['outcome'], problems: readonly string[] = []): StepReport => ({
      step: number,
      kind: step.kind,
      outcome,
      problems,
      ...(this.#failedSeed === undefined ? {} : { seed: this.#failedSeed }),
    });
    if (step.kind === 'power-cut') {
      this.#pendingCut = { operation: step.arguments.operation, tear: step.arguments.tear ?? 'half' };
      return report('done');
    }
    if (step.kind === 'hang' && step.arguments.operation !== undefined) {
      this.#pendingCut = { operation: step.arguments.operation, tear: 'hang' };
      return report('done');
    }
    try {
      if (this.#pendingCut) this.#armCut();
      const problems = this.#perform(step, number);
      return report(problems.length === 0 ? 'done' : 'failed', problems);
    } catch (error) {
      if (error instanceof PowerCut && this.#device.hangs) {
        this.#device.chip.observer = undefined;
        this.#last = hangNow(this.#device);
        return report('hang');
      }
      if (error instanceof PowerCut) {
        this.#last = undefined;
        this.#device.timeline.log('power', `power cut in step ${number} (${step.kind})`);
        return report('power-cut');
      }
      if (error instanceof FsError || error instanceof FirmwrightError)
        return report('failed', [error.message]);
      throw error;
    } finally {
      this.#device.chip.observer = undefined;
    }
  }

  /** A boot turns the power on first, which would drop the plan: it is set on the first operation instead. */
  #armCut(): void {
    if (!this.#pendingCut) return;
    this.#device.chip.powerOn();
    const { operation, tear } = this.#pendingCut;
    if (tear === 'hang') planHangAt(this.#device, operation);
    else planCutAt(this.#device.chip, operation, tear);
    this.#pendingCut = undefined;
  }

  #system(): RunningSystem {
    if (this.#last?.kind !== 'running') throw new FsError('ENODEV', 'the device is not running');
    return this.#last.system;
  }

  #perform(step: Exclude<ScenarioStep, { kind: 'power-cut' }>, number: number): readonly string[] {
    const { arguments: args, kind } = step;
    switch (kind) {
      case 'boot':
        this.#last = start(this.#device, {
          failsafe: args.failsafe ?? false,
          stopInPreinit: args.stop === 'preinit',
          ...(args.hangs ? { hangs: args.hangs } : {}),
        });
        return [];
      case 'hang':
        this.#system();
        this.#last = hangNow(this.#device);
        return [];
      case 'reboot':
        this.#reboot();
        return [];
      case 'power-off':
        this.#last = undefined;
        return [];
      case 'sync':
        this.#system().root.sync();
        return [];
      case 'write':
      case 'append':
      case 'rm':
      case 'mv':
      case 'mkdir':
      case 'chmod':
      case 'ln':
        doNow(this.#system(), operationOfStep(step));
        return [];
      case 'together':
        return this.#together(args, number);
      case 'fill':
        fillDevice(this.#system(), args.path, args.fileSize, args.keepFree);
        return [];
      case 'factory-reset':
        return this.#factoryReset(args);
      case 'sysupgrade':
        return this.#sysupgrade(args);
      case 'mount-root':
        this.#mountRoot();
        return [];
      case 'button':
        return this.#button(args.seconds);
      case 'plug':
        plugStorage(this.#device, args, this.#files.read);
        return [];
      case 'unplug':
        storageOf(this.#device, args.device).plugged = false;
        return [];
      case 'copy-overlay':
        copyOverlay(this.#system(), storageOf(this.#device, args.to));
        return [];
      case 'flash':
        writeFromOutside(this.#device, args.partition, args.offset ?? 0, (room) =>
          outsideContent(args, room, this.#device),
        );
        this.#last = undefined;
        return [];
      case 'recovery-flash':
        recoveryFlash(this.#device, this.#image(args.image));
        this.#last = undefined;
        return [];
      case 'expect':
        return checkExpectation(args, this.#state());
    }
  }

  #together(args: TogetherArguments, number: number): readonly string[] {
    const seed = this.#replay?.step === number ? this.#replay.seed : undefined;
    const together = new Together(this.#system(), args, seed);
    const { problems, failedSeed, schedules, different } = together.explore(this.#state());
    this.#device.timeline.log('together', `${schedules} orders tried, ${different} different`);
    if (failedSeed !== undefined) {
      this.#failedSeed = failedSeed;
      return problems.map((problem) => `order ${failedSeed}: ${problem}`);
    }
    this.#last = { kind: 'running', system: together.run() };
    return [];
  }

  #reboot(): void {
    this.#system().shutdown();
    this.#device.restart('asked');
    this.#last = start(this.#device);
  }

  #factoryReset(args: Extract<ScenarioStep, { kind: 'factory-reset' }>['arguments']): readonly string[] {
    if (args.via === 'failsafe') {
      if (this.#last?.kind === 'running') this.#last.system.shutdown();
      this.#last = boot(this.#device, { failsafe: true });
    }
    const { via, ...options } = args;
    const report = factoryReset(this.#system(), {
      via: via === 'failsafe' || via === undefined ? 'command' : via,
      reboot: options.reboot ?? false,
      keepSettings: options.keepSettings ?? false,
      thorough: options.thorough ?? false,
    });
    if (report.reboots) this.#reboot();
    return report.path === 'nothing' ? ['the reset did nothing'] : [];
  }

  /** What etc/rc.button/reset does when the button is released. */
  #button(seconds: number): readonly string[] {
    if (seconds < 1) this.#reboot();
    else if (seconds >= 5) return this.#factoryReset({ via: 'button' });
    return [];
  }

  #mountRoot(): void {
    const system = this.#system();
    if (system.mode !== 'failsafe') throw new FsError('EBUSY', 'the root is mounted already');
    this.#last = { kind: 'running', system: mountRootStart(this.#device, system.split, system.rom) };
  }

  #sysupgrade(args: Extract<ScenarioStep, { kind: 'sysupgrade' }>['arguments']): readonly string[] {
    const result = sysupgrade(this.#system(), this.#image(args.image), {
      keepSettings: args.keepSettings ?? true,
      changedEtc: args.changedEtc ?? false,
      changedAll: args.changedAll ?? false,
      skipEqual: args.skipEqual ?? false,
      listPackages: args.listPackages ?? false,
      force: args.force ?? false,
      test: args.test ?? false,
      ignoreMinorCompat: args.ignoreMinorCompat ?? false,
      ...(args.safeCarrier === undefined ? {} : { safeCarrier: args.safeCarrier }),
      ...(args.settings === undefined ? {} : { settings: this.#files.read(args.settings) }),
    });
    if (args.refused) return refusalProblems(args.refused, result);
    if (result.kind === 'refused') return result.verdict.reasons.map(({ text }) => `refused: ${text}`);
    if (result.kind === 'checked') return [];
    if (args.branch) this.#device.setBranch(args.branch);
    this.#device.restart('asked');
    this.#last = start(this.#device);
    return [];
  }

  #image(name: string | undefined): Uint8Array {
    return imageOfStep(this.#files, name);
  }

  #state(): ScenarioState {
    return { device: this.#device, last: this.#last, partitionHashes: this.#partitionHashes };
  }
}

/** Compares why an image was refused with why it had to be. */
function refusalProblems(expected: readonly RefusalReason[], result: UpgradeResult): readonly string[] {
  const found = result.kind === 'refused' ? result.verdict.reasons.map(({ reason }) => reason) : [];
  const want = [...expected].sort().join(', ');
  const have = [...found].sort().join(', ');
  return want === have ? [] : [`refused: expected ${want}, found ${have || 'that it was not'}`];
}

function outsideContent(
  args: Extract<ScenarioStep, { kind: 'flash' }>['arguments'],
  room: number,
  device: Device,
): Uint8Array {
  if (args.pattern) return staleBytes(args.pattern, room, device.profile);
  return args.erase ? new Uint8Array(room).fill(0xff) : contentOf(args);
}
