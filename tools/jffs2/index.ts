export { cleanmarkerSizeOf, MINIMUM_BLOCKS, predictFirstMount, reservesOf } from './first-mount.js';
export type { AreaUse, FirstMount, Reserves } from './first-mount.js';
export { decodeDevice, encodeDevice } from './node-device.js';
export {
  encodeCleanmarker,
  encodeDirent,
  encodeInode,
  encodePadding,
  encodeXattr,
  encodeXref,
} from './node-encode.js';
export type { DirentFields, InodeFields, XattrFields, XrefFields } from './node-encode.js';
export type { Endian } from './node-layout.js';
export { inodeData, inodeDataIsValid, parseNode, xattrBody } from './node-parse.js';
export type {
  BareNode,
  DirentNode,
  InodeNode,
  Jffs2Node,
  NodeFault,
  NodeFaultReason,
  NodePlace,
  XattrNode,
  XrefNode,
} from './node-parse.js';
export { encodeSummary, parseSummary, summaryEntrySize } from './node-summary.js';
export type { Summary, SummaryEntry, SummaryFault } from './node-summary.js';
