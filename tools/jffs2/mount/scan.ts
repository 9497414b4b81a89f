/**
 * Scan of one erase block by the rules of the kernel: which nodes it holds, which bytes are dirt, where free space begins.
 *
 * The result depends on the bytes of the block alone, so it is kept under the identity of the block's array
 * (`Flash.block`): after a power cut only the blocks that changed are scanned again, and those only from the first byte that
 * differs. SPEC of the walk: Linux 6.1 fs/jffs2/scan.c, jffs2_scan_eraseblock.
 */
import { DIRENT_SIZE, HEADER_SIZE, padToNode, viewOf } from '../node/layout.js';
import { compatClasses, compatMask } from '../node/layout.js';
import type { Endian } from '../node/layout.js';
import { parseNode } from '../node/parse.js';
import type { DirentNode, InodeNode, NodeFault, XattrNode, XrefNode } from '../node/parse.js';
import { parseSummary } from '../node/summary.js';
import type { SummaryEntry } from '../node/summary.js';

/** A node that the scan takes. */
export type ScannedNode = DirentNode | InodeNode | XattrNode | XrefNode;

/** One step of the walk through a block; all lengths are multiples of four. */
export type ScanStep =
  | { readonly kind: 'node'; readonly offset: number; readonly length: number; readonly node: ScannedNode }
  | {
      readonly kind: 'listed';
      readonly offset: number;
      readonly length: number;
      readonly entry: SummaryEntry;
    }
  | { readonly kind: 'cleanmarker' | 'summary' | 'copied'; readonly offset: number; readonly length: number }
  | { readonly kind: 'dirt'; readonly offset: number; readonly length: number; readonly obsolete?: boolean };

/** What the scan found in a block. */
export interface BlockScan {
  /** `erased`: the first bytes are FF; `end-marker`: the file system ends here; `free`: a cleanmarker and nothing else. */
  readonly verdict: 'erased' | 'end-marker' | 'free' | 'nodes';
  readonly steps: readonly ScanStep[];
  /** Why the volume cannot be mounted: an unknown node that says so. */
  readonly incompatible?: 'always' | 'read-write';
  /** True when a summary of this block would have to leave something out. */
  readonly summaryDisabled: boolean;
  readonly notices: readonly string[];
}

/** What the scan has to know besides the bytes. */
export interface ScanRules {
  readonly endian: Endian;
  readonly cleanmarkerSize: number;
  /** Summaries are read (and written). */
  readonly summary: boolean;
  /** DE AD C0 DE ends the file system, as on OpenWrt. */
  readonly endMarker: boolean;
}

/** Bytes at the start of a block that decide whether it is erased. */
const EMPTY_SCAN = 256;
/** Notices of one kind that a block may give. */
const NOTICES_PER_BLOCK = 10;

/** Keeps what scans found; one cache may serve all mounts with the same rules. */
export class ScanCache {
  readonly rules: ScanRules;
  readonly #scans = new WeakMap<Uint8Array, BlockScan>();
  /** Last bytes seen at each place, to go on from when only the end changed. */
  readonly #last = new Map<number, Uint8Array>();

  constructor(rules: ScanRules) {
    this.rules = rules;
  }

  /** Scans the block that stands at `place`, or remembers. */
  scan(bytes: Uint8Array, place: number): BlockScan {
    let scan = this.#scans.get(bytes);
    if (scan) return scan;
    const before = this.#last.get(place);
    const known = before && this.#scans.get(before);
    scan = scanBlock(
      bytes,
      this.rules,
      before && known?.verdict === 'nodes' ? stepsBefore(known, before, bytes) : [],
    );
    this.#scans.set(bytes, scan);
    this.#last.set(place, bytes);
    return scan;
  }
}

/** Steps of an earlier scan that hold for other bytes as well: nodes that end before the first difference. */
function stepsBefore(scan: BlockScan, before: Uint8Array, bytes: Uint8Array): readonly ScanStep[] {
  if (scan.notices.length > 0 || scan.summaryDisabled) return [];
  const same = commonLength(before, bytes);
  let count = 0;
  for (const step of scan.steps) {
    if (step.kind !== 'node' && step.kind !== 'cleanmarker') break;
    if (step.offset + step.length > same) break;
    count += 1;
  }
  return scan.steps.slice(0, count);
}

function commonLength(a: Uint8Array, b: Uint8Array): number {
  let low = 0;
  let high = Math.min(a.length, b.length);
  if (Buffer.compare(a.subarray(0, high), b.subarray(0, high)) === 0) return high;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (Buffer.compare(a.subarray(low, middle), b.subarray(low, middle)) === 0) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * Scans one block.
 *
 * @param known  steps at the start of the block that are known to hold
 */
export function scanBlock(bytes: Uint8Array, rules: ScanRules, known: readonly ScanStep[] = []): BlockScan {
  const early = scanStart(bytes, rules);
  if (early) return early;
  return new BlockWalk(bytes, rules, known).run();
}

/** Decides what needs no walk: a valid summary, the end marker, an erased block. */
function scanStart(bytes: Uint8Array, rules: ScanRules): BlockScan | undefined {
  const nothing = { steps: [], summaryDisabled: false, notices: [] };
  if (rules.summary) {
    const found = parseSummary(bytes, rules.endian);
    if (typeof found !== 'string')
      return scanBySummary(bytes, rules, found.entries, found.cleanmarkerSize, found.offset);
    if (found !== 'none' && found !== 'unknown-entry')
      return new BlockWalk(bytes, rules, [], 'Summary node crc error, skipping summary information.').run();
  }
  if (rules.endMarker && viewOf(bytes).getUint32(0) === 0xdeadc0de)
    return { verdict: 'end-marker', ...nothing };
  if (isErased(bytes, 0, Math.min(EMPTY_SCAN, bytes.length))) return { verdict: 'erased', ...nothing };
  return undefined;
}

function isErased(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (bytes[at] !== 0xff) return false;
  return true;
}

/** Takes a summary at its word: what it does not list is dirt. */
function scanBySummary(
  bytes: Uint8Array,
  rules: ScanRules,
  entries: readonly SummaryEntry[],
  cleanmarkerSize: number,
  summaryOffset: number,
): BlockScan {
  const steps: ScanStep[] = [];
  let at = 0;
  const gapTo = (offset: number): void => {
    if (offset > at) steps.push({ kind: 'dirt', offset: at, length: offset - at });
    at = Math.max(at, offset);
  };
  if (cleanmarkerSize > 0) {
    const length = padToNode(cleanmarkerSize);
    steps.push({
      kind: cleanmarkerSize === rules.cleanmarkerSize ? 'cleanmarker' : 'dirt',
      offset: 0,
      length,
    });
    at = length;
  }
  for (const entry of entries) {
    const length = padToNode(entry.kind === 'xref' ? 28 : entry.totlen);
    // Entries that overlap cannot be true; the block is scanned instead.
    if (entry.offset < at || entry.offset + length > summaryOffset)
      return new BlockWalk(bytes, rules, [], 'Summary lists nodes that overlap, skipping it.').run();
    gapTo(entry.offset);
    steps.push({ kind: 'listed', offset: entry.offset, length, entry });
    at = entry.offset + length;
  }
  gapTo(summaryOffset);
  steps.push({ kind: 'summary', offset: summaryOffset, length: bytes.length - summaryOffset });
  return { verdict: 'nodes', steps, summaryDisabled: false, notices: [] };
}

/** The walk through a block, node by node. */
class BlockWalk {
  readonly #bytes: Uint8Array;
  readonly #rules: ScanRules;
  readonly #steps: ScanStep[];
  readonly #notices: string[] = [];
  readonly #noticed = new Map<string, number>();
  readonly #view: DataView;
  #at = 0;
  #verdict: 'free' | 'nodes' = 'nodes';
  #incompatible: 'always' | 'read-write' | undefined;
  #summaryDisabled = false;

  constructor(bytes: Uint8Array, rules: ScanRules, known: readonly ScanStep[], notice?: string) {
    this.#bytes = bytes;
    this.#rules = rules;
    this.#steps = [...known];
    this.#view = viewOf(bytes);
    const last = known.at(-1);
    this.#at = last ? last.offset + last.length : 0;
    if (notice !== undefined) this.#notices.push(notice);
  }

  run(): BlockScan {
    const end = this.#bytes.length;
    if (this.#at === 0) this.#leadingErasedWords();
    while (this.#at < end && this.#verdict === 'nodes' && this.#incompatible !== 'always') {
      const node = parseNode(this.#bytes, this.#at, end, this.#rules.endian, this.#view);
      if (node.kind !== 'fault') this.#take(node);
      else if (node.reason === 'erased') {
        if (this.#erasedRun()) break;
      } else this.#skipFault(node);
    }
    return {
      verdict: this.#verdict,
      steps: this.#steps,
      summaryDisabled: this.#summaryDisabled,
      notices: this.#notices,
      ...(this.#incompatible ? { incompatible: this.#incompatible } : {}),
    };
  }

  /** FF words at the start of a block that is not erased are dirt. */
  #leadingErasedWords(): void {
    let at = 0;
    while (at < this.#bytes.length && this.#view.getUint32(at) === 0xffffffff) at += 4;
    if (at > 0) this.#dirt(at);
  }

  #dirt(length: number, obsolete = false): void {
    const last = this.#steps.at(-1);
    if (last?.kind === 'dirt' && !obsolete && !last.obsolete) {
      this.#steps[this.#steps.length - 1] = {
        kind: 'dirt',
        offset: last.offset,
        length: last.length + length,
      };
    } else {
      this.#steps.push({ kind: 'dirt', offset: this.#at, length, ...(obsolete ? { obsolete } : {}) });
    }
    this.#at += length;
  }

  /** Handles FF words behind the start of the block; true when they reach its end: that is free space. */
  #erasedRun(): boolean {
    const start = this.#at;
    const end = this.#bytes.length;
    const shortcut = Math.min(32, end);
    if (this.#isOnlyCleanmarker() && start < shortcut && isErased(this.#bytes, start, shortcut)) {
      this.#verdict = 'free';
      return true;
    }
    let at = start;
    while (at < end && this.#view.getUint32(at) === 0xffffffff) at += 4;
    if (at >= end) return true;
    this.#notice('empty', `Empty flash at 0x${start.toString(16)} ends at 0x${at.toString(16)}`);
    this.#dirt(at - start);
    return false;
  }

  #isOnlyCleanmarker(): boolean {
    return (
      this.#rules.cleanmarkerSize > 0 &&
      this.#steps.length === 1 &&
      this.#steps[0]?.kind === 'cleanmarker' &&
      this.#at === padToNode(this.#rules.cleanmarkerSize)
    );
  }

  #skipFault(fault: NodeFault): void {
    const where = `0x${fault.nodeOffset.toString(16)}`;
    switch (fault.reason) {
      case 'short':
        this.#dirt(this.#bytes.length - this.#at);
        return;
      case 'zero':
      case 'erased':
        break;
      case 'overrun':
        this.#notice(
          'overrun',
          `Node at ${where} would run over the end of the erase block; wrong erase size?`,
        );
        break;
      case 'swapped-magic':
        this.#notice('endian', `Wrong endian magic bitmask at ${where}`);
        break;
      default:
        this.#notice(fault.reason, `Node at ${where} is not valid: ${fault.reason}`);
    }
    this.#dirt(fault.span);
  }

  #take(node: Exclude<ReturnType<typeof parseNode>, NodeFault>): void {
    const length = Math.min(padToNode(node.totlen), this.#bytes.length - this.#at);
    const offset = this.#at;
    if (!node.accurate) {
      this.#dirt(length, true);
      return;
    }
    switch (node.kind) {
      case 'dirent':
        // The kernel cuts a name at its NUL; the checksum then fails.
        if (node.name.includes('\0') || node.totlen < DIRENT_SIZE) this.#dirt(length);
        else this.#push({ kind: 'node', offset, length, node });
        return;
      case 'inode':
      case 'xattr':
      case 'xref':
        this.#push({ kind: 'node', offset, length, node });
        return;
      case 'cleanmarker':
        this.#takeCleanmarker(node.totlen);
        return;
      case 'padding':
      case 'summary':
        this.#dirt(length);
        return;
      case 'unknown':
        this.#takeUnknown(node.nodetype, length);
    }
  }

  #push(step: ScanStep): void {
    this.#steps.push(step);
    this.#at += step.length;
  }

  #takeCleanmarker(totlen: number): void {
    const where = `0x${this.#at.toString(16)}`;
    if (totlen !== this.#rules.cleanmarkerSize) {
      this.#notice('cleanmarker', `CLEANMARKER node found at ${where} has totlen 0x${totlen.toString(16)}`);
      this.#dirt(HEADER_SIZE);
    } else if (this.#steps.length > 0) {
      this.#notice('cleanmarker', `CLEANMARKER node found at ${where}, not first node in block`);
      this.#dirt(HEADER_SIZE);
    } else {
      this.#push({ kind: 'cleanmarker', offset: this.#at, length: padToNode(totlen) });
    }
  }

  /** Does with an unknown node what its compatibility bits ask for. */
  #takeUnknown(nodetype: number, length: number): void {
    const where = `0x${this.#at.toString(16)}`;
    switch (nodetype & compatMask) {
      case compatClasses.incompat:
        this.#notices.push(`Incompatible feature node (0x${nodetype.toString(16)}) found at ${where}`);
        this.#incompatible = 'always';
        break;
      case compatClasses.rocompat:
        this.#notices.push(
          `Read-only compatible feature node (0x${nodetype.toString(16)}) found at ${where}`,
        );
        this.#incompatible = 'read-write';
        this.#dirt(length);
        break;
      case compatClasses.rwcompatCopy:
        this.#notices.push(
          `Unknown but compatible feature node (0x${nodetype.toString(16)}) found at ${where}`,
        );
        this.#summaryDisabled = true;
        this.#push({ kind: 'copied', offset: this.#at, length });
        break;
      default:
        this.#notices.push(
          `Unknown but compatible feature node (0x${nodetype.toString(16)}) found at ${where}`,
        );
        this.#dirt(length);
    }
  }

  #notice(kind: string, text: string): void {
    const count = (this.#noticed.get(kind) ?? 0) + 1;
    this.#noticed.set(kind, count);
    if (count <= NOTICES_PER_BLOCK) this.#notices.push(text);
  }
}
