/** What a test of seeded faults needs of one compiled copy of the sources. */
export { explorePowerCuts } from '../../tools/flash/index.js';
export { jffs2PowerCuts } from './jffs2-power-cuts.js';
