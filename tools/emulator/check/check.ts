/** `firmwright check`: all proofs over one image on one board, with the power cuts that were asked for. */
import { FlashError } from '../../flash/index.js';
import { FsError } from '../../vfs/index.js';
import type { BranchName } from '../branches.js';
import { cutFlows } from './cut-flows.js';
import {
  proveFirstBoot,
  proveFull,
  proveReboot,
  proveReset,
  proveStale,
  proveUpgrade,
  showHiddenSurvivors,
} from './proofs.js';
import type { CheckOptions } from './options.js';
import { sweepInShares } from './shares.js';
import { CheckSubject } from './subject.js';
import { imageForFirmware } from '../image/chip-image.js';
import { findingTexts, type Finding } from '../findings.js';
import type { SweptCuts } from '../power-cuts/shares.js';
import { CutSweep } from '../power-cuts/sweep.js';
import { tablesOf, type CutTable } from '../power-cuts/table.js';
import { staleKinds } from '../device/stale-flash.js';

/** One proof: what was to be shown, and what is in the way. */
export interface ProofReport {
  readonly id: string;
  readonly title: string;
  readonly problems: readonly string[];
}

/** Everything a check found. */
export interface CheckReport {
  readonly board: string;
  /** Release whose flows ran. */
  readonly branch: BranchName;
  readonly passed: boolean;
  readonly proofs: readonly ProofReport[];
  readonly cuts: readonly CutTable[];
  readonly findings: readonly (Finding & { readonly text: string })[];
}

/**
 * Proves boot, reset and upgrade of an image on a board.
 *
 * @throws FormatError, ProfileError when the image or the board cannot be emulated at all
 */
export async function checkImage(options: CheckOptions): Promise<CheckReport> {
  const subject = new CheckSubject(options);
  const firmware = imageForFirmware(options.profile, options.image);
  // Nobody upgrades to a dump or a container as it is; what is in it may lack the metadata that a device asks for.
  const force = firmware !== options.image;
  const newer = options.upgrade && imageForFirmware(options.profile, options.upgrade);
  const proofs: ProofReport[] = [];
  const prove = async (id: string, title: string, proof: () => readonly string[]): Promise<void> => {
    await options.onProof?.(title);
    proofs.push({ id, title, problems: problemsOf(proof) });
  };
  if (!options.replay) {
    await prove('first-boot', 'first boot reaches a clean writable overlay', () => proveFirstBoot(subject));
    await prove('reboot', 'settings survive a reboot', () => proveReboot(subject));
    await prove('full', 'a full overlay boots, deletes and resets', () => proveFull(subject));
    for (const way of ['command', 'button', 'failsafe', 'mtd-erase'] as const) {
      await prove(
        `reset-${way}`,
        `factory reset by ${way} gives back the base and nothing else changes`,
        () => proveReset(subject, way),
      );
    }
    const way = (forced: boolean): string => (forced ? 'a forced upgrade (-F)' : 'an upgrade');
    await prove('upgrade-self', `${way(force)} to the same image keeps the settings`, () =>
      proveUpgrade(subject, firmware, { force }),
    );
    if (newer) {
      const forced = newer !== options.upgrade;
      await prove('upgrade-new', `${way(forced)} to the new image keeps the settings`, () =>
        proveUpgrade(subject, newer, { force: forced }),
      );
    }
    for (const kind of staleKinds) {
      await prove(`stale-${kind}`, `old flash content (${kind}) behind the image does no harm`, () =>
        proveStale(subject, kind),
      );
    }
    showHiddenSurvivors(subject);
  }
  const { tables: cuts, findings: found } = await sweep(subject, options, newer ?? firmware);
  const passed =
    proofs.every(({ problems }) => problems.length === 0) &&
    cuts.every(({ violations }) => violations.length === 0);
  const unique = new Map<string, Finding>();
  for (const finding of [...subject.findings(), ...found])
    unique.set(`${finding.code} ${finding.where}`, finding);
  const findings = [...unique.values()].map((finding) => ({ ...finding, text: findingTexts[finding.code] }));
  return { board: options.profile.id, branch: subject.branch(), passed, proofs, cuts, findings };
}

/** Cuts the power as asked for, if there is anything to cut; findings of other processes are told, those of this one are the subject's. */
async function sweep(
  subject: CheckSubject,
  options: CheckOptions,
  upgradeTo: Uint8Array,
): Promise<SweptCuts> {
  const { replay, powerCuts = 'none', jobs, sampleSize, onCut } = options;
  if (!replay && (powerCuts === 'none' || !subject.settles())) return { tables: [], findings: [] };
  if (!replay && jobs !== undefined) return sweepInShares(options, upgradeTo);
  const cuts = new CutSweep(cutFlows(subject, upgradeTo));
  const tallies = replay
    ? [cuts.replay(replay)]
    : await cuts.share({
        mode: powerCuts === 'all' ? 'all' : 'sample',
        ...(sampleSize === undefined ? {} : { sampleSize }),
        ...(onCut ? { onCut } : {}),
      });
  return { tables: tablesOf([tallies]), findings: [] };
}

/** A flash or file operation that the device refuses is what the proof found, not a fault of this program. */
function problemsOf(proof: () => readonly string[]): readonly string[] {
  try {
    return proof();
  } catch (error) {
    if (error instanceof FlashError || error instanceof FsError) return [error.message];
    throw error;
  }
}
