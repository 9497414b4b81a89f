export { billOf } from './bill.js';
export type { Bill, BillComponent, BillFile, BillSubject } from './bill.js';
export { cycloneDx } from './cyclonedx.js';
export { spdx } from './spdx.js';
