export { readIpk, writeIpk } from './ipk.js';
export type { Ipk } from './ipk.js';
export { readArchiveTree, readArchiveTreeFromBytes } from './read-archive.js';
export type { ArchiveReadOptions, ArchiveTree } from './read-archive.js';
export { archiveChunks, writeArchive } from './write-archive.js';
export type { ArchiveWriteOptions } from './write-archive.js';
