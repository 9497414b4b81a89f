/** Every step a recipe may use, by name. */
import { InternalError } from '../../core/index.js';
import { assembleSteps } from './assemble.js';
import { compressSteps } from './compress.js';
import { kernelSteps } from './kernel.js';
import { loaderSteps } from './loader.js';
import { metadataSteps } from './metadata.js';
import { nandSteps } from './nand.js';
import { netgearSteps } from './netgear.js';
import { paddingSteps } from './padding.js';
import { tplinkSteps } from './tplink.js';
import { ubiquitiSteps } from './ubiquiti.js';
import { trxSteps } from './trx.js';
import { vendorSteps } from './vendor.js';
import type { StepKind } from './step.js';

/** Step kinds by name. */
export const stepKinds: ReadonlyMap<string, StepKind> = index([
  ...assembleSteps,
  ...paddingSteps,
  ...compressSteps,
  ...kernelSteps,
  ...loaderSteps,
  ...metadataSteps,
  ...tplinkSteps,
  ...ubiquitiSteps,
  ...netgearSteps,
  ...trxSteps,
  ...vendorSteps,
  ...nandSteps,
]);

function index(kinds: readonly StepKind[]): Map<string, StepKind> {
  const byName = new Map(kinds.map((kind) => [kind.name, kind]));
  if (byName.size !== kinds.length) throw new InternalError('two recipe steps share a name');
  return byName;
}
