export { norGeometry } from './geometry.js';
export type { FlashGeometry } from './geometry.js';
