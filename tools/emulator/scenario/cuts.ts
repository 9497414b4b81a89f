/**
 * `emulate --power-cuts`: cuts the power in the steps of a scenario.
 *
 * The scenario is run again for each share of the cuts, and of its operations only those are kept that are cut: a step that
 * fills the flash has thousands.
 */
import { createHash } from 'node:crypto';
import type { BoardProfile } from '../../boards/index.js';
import { InternalError } from '../../core/index.js';
import type { BranchName } from '../branches.js';
import { BootContents } from '../device/boot-content.js';
import { Device, type ScriptEffect } from '../device/device.js';
import { partitionHashes } from '../device/partition-hashes.js';
import type { Finding, FindingLog } from '../findings.js';
import { fixesHeader } from '../boot/fix-header.js';
import { chipFromImage, imageForFirmware } from '../image/chip-image.js';
import type { CutPoint } from '../power-cuts/cut-points.js';
import type { Flow, Verdict } from '../power-cuts/flow.js';
import { recordOperations } from '../device/cut-recording.js';
import { chooseShare, FlowSweep, noSuchCut, type CutSweepOptions } from '../power-cuts/sweep.js';
import type { CutTally } from '../power-cuts/table.js';
import { digestTree, type TreeDigest } from '../tree-digest.js';
import { bootedState, firstBootUpper, judgeCutStep, type BootedState, type CutStep } from './cut-step.js';
import type { Expectation } from './expectation-schema.js';
import { imageOfStep, ScenarioRunner, type ScenarioFiles } from './run.js';
import type { ScenarioStep } from './schema.js';

/** A scenario, its device and its files; plain data, so that other processes can run it. */
export interface CutScenario {
  readonly steps: readonly ScenarioStep[];
  readonly afterCut?: Expectation | undefined;
  readonly profile: BoardProfile;
  /** Image that the device is flashed with, or dump of its chip. */
  readonly image: Uint8Array;
  readonly upgrade?: Uint8Array | undefined;
  /** Other files that steps name. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly branch?: BranchName | undefined;
  readonly scriptEffects: readonly ScriptEffect[];
  readonly safeCarrier: boolean;
}

/** What is known of a step from runs before this one. */
interface StepMemory {
  readonly phase: string;
  /** Flash operations. */
  readonly operations: number;
  readonly before: BootedState;
  readonly after: BootedState;
  readonly verdicts: Map<string, Verdict>;
}

/** The power cuts of one scenario. */
export class ScenarioCuts {
  readonly #scenario: CutScenario;
  readonly #contents = new BootContents();
  readonly #logs: FindingLog[] = [];
  #memories: readonly (StepMemory | undefined)[] | undefined;

  constructor(scenario: CutScenario) {
    this.#scenario = scenario;
  }

  /** Makes the cuts of a share: two tallies for each step that changes the flash. */
  async share(options: CutSweepOptions): Promise<readonly CutTally[]> {
    const tallies: CutTally[] = [];
    for (const { memory, record } of this.#walk()) {
      const chosen = chooseShare(memory.phase, memory.operations, options);
      const flow = record(new Set(chosen.map(({ cut }) => cut.operation)));
      tallies.push(...(await new FlowSweep(flow, memory.verdicts).share(options)));
    }
    return tallies;
  }

  /** Makes one cut. @throws FormatError FW_EMULATOR_REPLAY when the scenario has no such step or operation */
  replay(cut: CutPoint): CutTally {
    for (const { memory, record } of this.#walk()) {
      const isIt = memory.phase === cut.phase;
      const flow = record(isIt ? new Set([cut.operation]) : new Set());
      if (isIt) return new FlowSweep(flow, memory.verdicts).replay(cut);
    }
    throw noSuchCut(cut);
  }

  /** Findings of all boots after cuts so far, each code and place once. */
  findings(): readonly Finding[] {
    const seen = new Map<string, Finding>();
    for (const log of this.#logs)
      for (const finding of log.list()) seen.set(`${finding.code} ${finding.where}`, finding);
    return [...seen.values()];
  }

  /**
   * Runs the scenario; gives each step that changes the flash, to be run by calling `record` once with the operations to keep.
   */
  *#walk(): Generator<{ readonly memory: StepMemory; readonly record: (kept: ReadonlySet<number>) => Flow }> {
    const memories = (this.#memories ??= this.#firstRun());
    const { device, runner } = this.#start();
    const hashes = partitionHashes(device);
    for (const [index, step] of this.#scenario.steps.entries()) {
      const memory = memories[index];
      if (memory) {
        const record = (kept: ReadonlySet<number>): Flow =>
          this.#record(device, memory, kept, hashes, step, () => runner.run(step, index + 1));
        yield { memory, record };
      } else runner.run(step, index + 1);
    }
  }

  /** Runs the scenario to count its operations and to see what a power failure before and after each step leads to. */
  #firstRun(): readonly (StepMemory | undefined)[] {
    const { device, runner } = this.#start();
    return this.#scenario.steps.map((step, index) => {
      const before = device.withoutPast(device.chip.fork());
      const { count } = recordOperations(
        device.chip,
        () => runner.run(step, index + 1),
        () => false,
      );
      // A programmer that is pulled off is no power cut of the device.
      if (count === 0 || step.kind === 'flash') return undefined;
      return {
        phase: `step-${index + 1}-${step.kind}`,
        operations: count,
        before: bootedState(before),
        after: bootedState(device.withoutPast(device.chip.fork())),
        verdicts: new Map(),
      };
    });
  }

  #record(
    device: Device,
    memory: StepMemory,
    kept: ReadonlySet<number>,
    hashes: CutStep['partitionHashes'],
    step: ScenarioStep,
    run: () => void,
  ): Flow {
    const before = device.withoutPast(device.chip.fork());
    /** The device at each operation: its storage, and which release it runs. */
    const moments = new Map<number, Device>();
    const recording = recordOperations(device.chip, run, (index) => {
      if (kept.has(index)) moments.set(index, device.withoutPast(device.chip));
      return kept.has(index);
    });
    const after = device.withoutPast(device.chip.fork());
    let firstBoots: readonly TreeDigest[] | undefined;
    const cutStep: CutStep = {
      ...memory,
      kind: step.kind,
      firstBoots: () => (firstBoots ??= [before, after].map(firstBootUpper)),
      image: this.#recoveryImage(step),
      afterCut: this.#scenario.afterCut,
      partitionHashes: hashes,
    };
    return {
      phase: memory.phase,
      chip: device.chip,
      recording,
      deviceOn: (chip, operation) => {
        const cut = (moments.get(operation) ?? before).withoutPast(chip);
        this.#logs.push(cut.findings);
        return cut;
      },
      besides: (operation) => storageKey(moments.get(operation)),
      judge: (cut) => judgeCutStep(cutStep, cut),
    };
  }

  #start(): { readonly device: Device; readonly runner: ScenarioRunner } {
    const { profile, image, branch, scriptEffects, safeCarrier } = this.#scenario;
    const device = new Device({
      profile,
      chip: chipFromImage(profile, image),
      contents: this.#contents,
      scriptEffects,
      safeCarrier,
      ...(branch ? { branch } : {}),
    });
    return { device, runner: new ScenarioRunner(device, this.#files()) };
  }

  /** What the boot loader flashes where a cut in this step leaves a device that does not start. */
  #recoveryImage(step: ScenarioStep): Uint8Array | undefined {
    const { profile, image } = this.#scenario;
    if (step.kind === 'sysupgrade' || step.kind === 'recovery-flash')
      return imageOfStep(this.#files(), step.arguments.image);
    return fixesHeader(profile) ? imageForFirmware(profile, image) : undefined;
  }

  #files(): ScenarioFiles {
    const { image, upgrade, files } = this.#scenario;
    return {
      image,
      ...(upgrade ? { upgrade } : {}),
      read: (name) => {
        const file = files[name];
        if (!file) throw new InternalError(`the file ${name} was not read before`);
        return file;
      },
    };
  }
}

/** Names what is on the storage of a device, and the release that it runs. */
function storageKey(device: Device | undefined): string {
  if (!device || device.storages.size === 0) return '';
  const hash = createHash('sha256').update(device.branch.name);
  for (const [name, { fs, plugged }] of device.storages) {
    hash.update(`${name} ${String(plugged)}`);
    for (const [path, line] of digestTree(fs, fs.root)) hash.update(`${path} ${line}\n`);
  }
  return hash.digest('base64url');
}
