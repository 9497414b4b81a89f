export { countBudget } from './count.js';
export type { BudgetInput, BudgetLimit, BudgetPartition, FlashBudget, OverlayBudget } from './count.js';
export { fileCosts, imageFileCosts } from './file-costs.js';
export type { FileCost } from './file-costs.js';
export { imageParts } from './image-parts.js';
export type { ImageParts } from './image-parts.js';
export { budgetMarkdown, verdict } from './markdown.js';
