/** Every step a recipe may use, by name. */
import { InternalError } from '../../core/index.js';
import { assembleSteps } from './assemble.js';
import { kernelSteps } from './kernel.js';
import { metadataSteps } from './metadata.js';
import { paddingSteps } from './padding.js';
import { tplinkSteps } from './tplink.js';
import { ubiquitiSteps } from './ubiquiti.js';
import { refusedSteps, vendorSteps } from './vendor.js';
import type { StepKind } from './step.js';

/** Step kinds by name. */
export const stepKinds: ReadonlyMap<string, StepKind> = index([
  ...assembleSteps,
  ...paddingSteps,
  ...kernelSteps,
  ...metadataSteps,
  ...tplinkSteps,
  ...ubiquitiSteps,
  ...vendorSteps,
  ...refusedSteps,
]);

function index(kinds: readonly StepKind[]): Map<string, StepKind> {
  const byName = new Map(kinds.map((kind) => [kind.name, kind]));
  if (byName.size !== kinds.length) throw new InternalError('two recipe steps share a name');
  return byName;
}
