import { slotsOfStatus } from '../../addon/index.js';
import type { HostCalls } from '../../addon/index.js';
import { zeroEndedStrings } from '../../core/index.js';
import type { Attributes } from '../file-system.js';
import { typeOfMode } from '../type-bits.js';
import { attributesFrom } from './host-attributes.js';
import { hostFailure } from './host-failure.js';
import { HostListing } from './host-listing.js';
import type { HostNode } from './host-node.js';
import type { HostObjects } from './host-objects.js';

/** Listings kept at one time. */
const listingLimit = 64;

/** Listings of the directories read last; reading one meets every object in it. */
export class HostListings {
  readonly #calls: HostCalls;
  readonly #objects: HostObjects;
  readonly #listed = new Set<HostNode>();

  constructor(calls: HostCalls, objects: HostObjects) {
    this.#calls = calls;
    this.#objects = objects;
  }

  /** @param fresh  the directory is read from its start: what others changed since must show */
  of(node: HostNode, fresh: boolean): HostListing {
    const old = node.listing;
    if (old && !old.stale && (!fresh || this.#objects.unshared)) return old;
    if (node.names.length === 0 && node !== this.#objects.root) return new HostListing([]);
    const listing = this.#list(node, old);
    node.listing = listing;
    this.#keep(node);
    return listing;
  }

  drop(node: HostNode): void {
    this.#listed.delete(node);
  }

  #list(node: HostNode, old: HostListing | undefined): HostListing {
    const { block, changes, unshared } = this.#objects;
    const found = this.#calls.list(this.#objects.path(node));
    if (typeof found === 'number') throw hostFailure(found, 'readdir');
    const times = new BigInt64Array(found.attributes.buffer);
    const entries = zeroEndedStrings(found.names).map((name, index) => {
      const base = index * slotsOfStatus;
      block.takeIdentity(found.attributes, base);
      const met = this.#objects.met(node, name);
      if (unshared) {
        const read = (): Attributes => attributesFrom(met.ino, found.attributes, times, base);
        met.known = { read, changes };
      }
      return { name, ino: met.ino, type: typeOfMode(block.mode) ?? 'file' };
    });
    return new HostListing(entries, old);
  }

  #keep(node: HostNode): void {
    this.#listed.delete(node);
    this.#listed.add(node);
    if (this.#listed.size <= listingLimit) return;
    for (const oldest of this.#listed) {
      oldest.listing = undefined;
      this.#listed.delete(oldest);
      break;
    }
  }
}
