/** What a test of seeded faults needs of one compiled copy of the sources. */
export { explore } from './interleavings.js';
export { callNamed, Jffs2Scene } from './jffs2-meetings.js';
