/** Stages the texts of a build beside its images: package lists, profiles.json, firmwright.json, sha256sums. */
import type { InstalledPackage, RootInput } from '../rootfs/index.js';
import type { BuiltBoard } from './built-board.js';
import { json, packageManifest, profilesJson, sha256Sums } from './manifest.js';
import type { ManifestFile } from './manifest.js';
import type { BuildPlan } from './plan.js';
import type { Staging } from './staging.js';

/** A build whose images are staged. */
interface FinishedBuild {
  readonly plan: BuildPlan;
  readonly boards: readonly BuiltBoard[];
  readonly packages: readonly InstalledPackage[];
  readonly inputs: readonly RootInput[];
  /** Plain JSON by board id. */
  readonly budgets: Readonly<Record<string, unknown>>;
  /** Of the program. */
  readonly version: string;
}

/** Stages the texts of every folder of targets. */
export function stageTexts(build: FinishedBuild & { readonly staging: Staging }): void {
  const { plan, boards, packages, staging } = build;
  for (const folder of new Set(boards.map((board) => board.plan.folder))) {
    const here = boards.filter((board) => board.plan.folder === folder);
    const texts: ManifestFile[] = [];
    const add = (name: string, text: string, type: string): void => {
      texts.push(staging.addListed(folder, name, text, type));
    };
    for (const board of here) {
      add(`${board.plan.prefix}.manifest`, packageManifest(packages), 'manifest');
    }
    const profiles = profilesJson(
      here.map((board) => ({ profile: board.profile, prefix: board.plan.prefix, images: board.files })),
      plan.version,
      plan.sourceDateEpoch,
    );
    add('profiles.json', profiles, 'profiles');
    add('firmwright.json', json(buildRecord({ ...build, boards: here })), 'record');
    const sums = sha256Sums([...here.flatMap((board) => board.files), ...texts]);
    add('sha256sums', sums, 'sums');
  }
}

/** Everything a rebuild needs. No path of the builder's machine is in it: inputs are named by their hashes. */
function buildRecord({ plan, boards, inputs, budgets, version }: FinishedBuild): Record<string, unknown> {
  return {
    schemaVersion: 1,
    firmwright: version,
    name: plan.name,
    version: plan.version,
    sourceDateEpoch: plan.sourceDateEpoch,
    root: { inputs: inputs.map(({ kind, sha256 }) => ({ kind, sha256 })) },
    boards: boards.map((board) => ({
      board: board.profile.id,
      kernel: { sha256: board.kernelInput.sha256, size: board.images.kernelSize },
      stepFiles: board.stepFiles,
      squashfs: {
        parameters: plan.packs.find(({ id }) => id === board.plan.pack)?.parameters,
        size: board.packed.bytes.length,
        sha256: board.packed.sha256,
      },
      kernelSteps: board.plan.kernelSteps.map(({ text }) => text),
      artefacts: board.plan.artefacts.map(({ name, file, steps }) => ({
        name,
        file,
        steps: steps.map(({ text }) => text),
      })),
      files: board.files,
      budget: budgets[board.profile.id],
    })),
  };
}
