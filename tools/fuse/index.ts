export { FuseMount, mountFileSystem } from './mount.js';
export type { FuseMountOptions } from './mount-arguments.js';
