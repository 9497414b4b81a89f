/** Looks over the books of a mounted volume, as the kernel does when it is built with CONFIG_JFFS2_FS_DEBUG. */
import type { BlockList, EraseBlock, NodeRef } from './block.js';
import type { InodeRecord, LiveInode } from './inode.js';
import type { Space, SpaceSums } from './space.js';
import type { Volume } from './volume.js';

const uses = ['free', 'used', 'dirty', 'wasted', 'unchecked'] as const;

/**
 * Compares sizes, sums and lists of blocks with one another and with the nodes they stand for, and the nodes with the inodes
 * in memory that show them.
 *
 * @returns one sentence for each thing that does not agree
 */
export function auditVolume({ space, inodes }: Volume): string[] {
  const faults = auditSpace(space);
  for (const record of inodes.values()) if (record.live) faults.push(...auditInode(record, record.live));
  return faults;
}

function auditInode(record: InodeRecord, { metadata, fragments, names }: LiveInode): string[] {
  const shown = new Set<NodeRef>(metadata ? [metadata.ref] : []);
  for (const { node } of fragments.all) if (node) shown.add(node.ref);
  for (const { ref } of names.all()) shown.add(ref);
  const faults: string[] = [];
  for (const ref of shown) {
    const at = (ref.block.offset + ref.offset).toString(16);
    if (ref.state === 'obsolete') faults.push(`inode ${record.ino}: shows an obsolete node at 0x${at}`);
    if (!record.nodes.includes(ref))
      faults.push(`inode ${record.ino}: shows a node at 0x${at} that is not its own`);
  }
  for (const ref of record.nodes)
    if (ref.state !== 'obsolete' && !shown.has(ref))
      faults.push(
        `inode ${record.ino}: a live node at 0x${(ref.block.offset + ref.offset).toString(16)} shows nothing`,
      );
  return faults;
}

function auditSpace(space: Space): string[] {
  const faults: string[] = [];
  const say = (block: EraseBlock, what: string): number => faults.push(`block ${block.index}: ${what}`);
  const total: SpaceSums = { free: 0, used: 0, dirty: 0, wasted: 0, unchecked: 0, erasing: 0, bad: 0 };
  const places = placesOf(space);
  for (const block of space.blocks) {
    const where = places.get(block) ?? [];
    if (where.length !== 1) say(block, `is in ${where.join(' and ') || 'no list'}`);
    if (where.includes('bad')) {
      total.bad += space.eraseSize;
      continue;
    }
    const size = uses.reduce((sum, use) => sum + block[use], 0);
    if (size !== space.eraseSize) say(block, `its parts add up to ${size}`);
    for (const use of uses) total[use] += block[use];
    const live = block.nodes
      .filter((ref) => ref.state !== 'obsolete')
      .reduce((sum, ref) => sum + ref.length, 0);
    if (live !== block.used + block.unchecked)
      say(block, `${live} bytes of live nodes, ${block.used + block.unchecked} in the books`);
  }
  for (const [use, sum] of Object.entries(total))
    if (space.sums[use as keyof SpaceSums] !== sum)
      faults.push(`${use}: ${space.sums[use as keyof SpaceSums]} in the books, ${sum} in the blocks`);
  if (space.erasingCount !== space.erasePending.length) faults.push(`${space.erasingCount} blocks in erase`);
  return faults;
}

/** Where each block is: on a list, written or collected. */
function placesOf(space: Space): Map<EraseBlock, string[]> {
  const { clean, dirty, veryDirty, erasable, erasePending, free, bad } = space;
  const places = new Map<EraseBlock, string[]>();
  const add = (block: EraseBlock | undefined, place: string): void => {
    if (block) places.set(block, [...(places.get(block) ?? []), place]);
  };
  const lists: readonly BlockList[] = [clean, dirty, veryDirty, erasable, erasePending, free, bad];
  for (const list of lists) for (const block of list.blocks) add(block, list.name);
  add(space.next, 'written');
  add(space.collected, 'collected');
  return places;
}
