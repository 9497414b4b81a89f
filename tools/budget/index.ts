export { attributeImage } from './attribution.js';
export type { ImageAttribution, NameCost, PackageCost } from './attribution.js';
export { compareBudgets } from './compare-costs.js';
export type { BudgetComparison, ComparableBudget, CostChange } from './compare-costs.js';
export { countBudget, innermostPartitions, overlayBlocksBehind } from './count.js';
export type {
  BudgetInput,
  BudgetLimit,
  BudgetPartition,
  FlashBudget,
  OverlayBudget,
  RootfsCost,
} from './count.js';
export { imageParts } from './image-parts.js';
export type { ImageParts } from './image-parts.js';
export { budgetMarkdown, markdownCode, markdownText, verdict } from './markdown.js';
export { packageSavings } from './package-savings.js';
export type { PackageSaving, PackageSavings, SavingsOptions } from './package-savings.js';
export { budgetReport } from './report/report.js';
export type { ReportInput } from './report/report.js';
export { readMemory, tuneCandidates } from './tune-candidates.js';
export type { TuneCandidate } from './tune-candidates.js';
export { tuneSquashfs } from './tune.js';
export type { TuneOptions, TuneReport, TuneResult } from './tune.js';
