/**
 * The union object: one per file, whatever layers its parts lie in. Identity, locks, watches and the state of open
 * files belong to it, never to a layer's object; that one decision settles most of what troubled earlier unions.
 */
import { createHash } from 'node:crypto';
import type { ByteString } from '../core/index.js';
import { Lock } from '../vfs/index.js';
import type { Attributes, FileType, Ino, Place } from '../vfs/index.js';
import type { Layer, Part } from './layers.js';
import type { Listing } from './listing.js';
import type { ObjectUsers } from './users.js';
import type { NameCache } from './name-cache.js';
import type { OpenFiles } from './open-files.js';
import { lockLevels } from './steps.js';

/** One name of an object. */
export interface Alias {
  readonly parent: Node;
  readonly name: ByteString;
  readonly node: Node;
  /** The upper has this name for the object; otherwise it is seen through from a lower or the index. */
  covered: boolean;
}

/** No lower parts; shared, so that tests for it are by length. */
export const noParts: readonly Part[] = [];

/** An object of the union. */
export class Node implements Place {
  readonly id: Ino;
  readonly type: FileType;
  /** Its object in the upper; 0 while there is none. Set once, when that object is complete (81). */
  upper: Ino = 0;
  /** Directory: its parts in the lowers, top first. Other: the lower object it is or was copied from, if known. */
  lowers: readonly Part[];
  /** The upper holds attributes only; content still comes from `content`. */
  metacopy = false;
  /** Where content lies when not in the upper. */
  content: Part | undefined;
  /** Where the lower parts of a renamed directory are: the mark on the upper. */
  redirect: ByteString | undefined;
  /** Directory whose lower parts another one shows too, or beneath such: what is in it has numbers of the table. */
  apart = false;
  /** Directory whose upper may hold objects that came from elsewhere. */
  impure = false;
  /** The upper directory marks empty files as whiteouts (form overlay-x). */
  marksFiles = false;
  /** Lower hard links are kept together through the index. */
  indexed = false;
  /** Link count of an indexed object. */
  linkCount = 0;
  aliases: Alias[] = [];
  /** Locks, leases and endpoints; made for the first who asks. */
  users: ObjectUsers | undefined;
  /** How many times it is held open. */
  holds = 0;
  /** Who opened it under a name of his own; made for the first who does. */
  openFiles: OpenFiles | undefined;
  /** Its last name is gone. */
  dead = false;
  /** Made without a name; it may get one (O_TMPFILE). */
  linkable = false;
  children: NameCache<Alias> | undefined;
  listing: Listing | undefined;
  #directoryLock: Lock | undefined;
  #copyUpLock: Lock | undefined;

  constructor(id: Ino, type: FileType, lowers: readonly Part[]) {
    this.id = id;
    this.type = type;
    this.lowers = lowers;
    this.content = lowers[0];
  }

  /** The directory above a directory. */
  get above(): Node | undefined {
    return this.aliases[0]?.parent;
  }

  /** Guards the names in a directory. */
  get directoryLock(): Lock {
    return (this.#directoryLock ??= new Lock(lockLevels.directory, this));
  }

  /** Guards the step from lower to upper, and the names of the object. */
  get copyUpLock(): Lock {
    return (this.#copyUpLock ??= new Lock(lockLevels.copyUp, this));
  }
}

/** Layer numbers go to bit 32 and up, below 2^53 (126). */
const layerUnit = 0x1_0000_0000;
/** Numbers handed out one by one, for objects whose own number does not fit or is taken. */
const tableBase = 2 ** 52;
/** Numbers made from a place, below 2^53. */
const namedBase = tableBase + 2 ** 51;

/** The objects of a union by number, and by their place in a layer. */
export class NodeTable {
  readonly #byNumber = new Map<Ino, Node>();
  readonly #byUpper = new Map<Ino, Node>();
  readonly #detached = new Set<Node>();
  /** Lower directories by number, and the directory that shows their numbers. */
  readonly #claims = new Map<Ino, Node>();
  readonly #shared = new Map<Layer, Map<Ino, Node>>();
  /** Objects that a listing named and nobody has looked up: their number is known, they are made when asked for. */
  readonly #promised = new Map<Ino, { readonly directory: Node; readonly name: ByteString }>();
  /** Listings whose numbers are not in `#promised` yet: most are never asked for by number. */
  readonly #listed = new Map<Node, Listing>();
  #next = tableBase;
  /** Looks a promised object up; set once the union stands. */
  lookUp: ((directory: Node, name: ByteString) => Node | undefined) | undefined;

  get(number: Ino): Node | undefined {
    return this.#byNumber.get(number) ?? this.#keepPromise(number);
  }

  /** Tells whether a number is in use. */
  has(number: Ino): boolean {
    return this.#byNumber.has(number);
  }

  /** Notes that a directory was listed: the objects behind its numbers can be asked for. */
  promise(directory: Node, listing: Listing): void {
    this.#listed.set(directory, listing);
  }

  #keepPromise(number: Ino): Node | undefined {
    for (const [directory, listing] of this.#listed) {
      for (const { ino, name } of listing.after(0, Infinity)) {
        if (!this.#byNumber.has(ino)) this.#promised.set(ino, { directory, name });
      }
    }
    this.#listed.clear();
    const promised = this.#promised.get(number);
    if (!promised) return undefined;
    const node = this.lookUp?.(promised.directory, promised.name);
    return node?.id === number ? node : undefined;
  }

  byUpper(ino: Ino): Node | undefined {
    return this.#byUpper.get(ino);
  }

  /** Number of an object that is shown with a layer's own number; undefined when that does not fit. */
  numberOf(layer: Layer, ino: Ino): Ino | undefined {
    return ino < layerUnit && layer.number < 2 ** 19 ? layer.number * layerUnit + ino : undefined;
  }

  /** Number of a name whose object shares its own with other names; the same at each mount, as its directory's is (127). */
  numberOfName(directory: Node, name: ByteString): Ino {
    const place = `${directory.id}/${name}`;
    return namedBase + createHash('sha256').update(place, 'latin1').digest().readUIntBE(0, 6);
  }

  /** Notes that the names of an object have to be looked up again; it keeps its number. */
  detach(node: Node): void {
    this.#detached.add(node);
  }

  /** Number of the object whose upper part this is, when its names have to be looked up again. */
  numberBefore(upper: Ino): Ino | undefined {
    const node = this.#byUpper.get(upper);
    return node && this.#detached.has(node) ? node.id : undefined;
  }

  /** Makes an object, with the wanted number or, where that is taken, one of the table's. */
  create(wanted: Ino | undefined, type: FileType, lowers: readonly Part[]): Node {
    const known = wanted === undefined ? undefined : this.#byNumber.get(wanted);
    if (known?.type === type && this.#detached.delete(known)) {
      // Its name was found anew; whoever found it in the upper says so next.
      if (this.#byUpper.get(known.upper) === known) this.#byUpper.delete(known.upper);
      known.upper = 0;
      known.lowers = lowers;
      known.content = lowers[0];
      return known;
    }
    const free = wanted !== undefined && !known;
    const number = free ? wanted : (this.#next += 1);
    const node = new Node(number, type, lowers);
    this.#byNumber.set(number, node);
    this.#promised.delete(number);
    return node;
  }

  /**
   * Makes a directory. Redirects of a foreign upper can show one lower directory in two places: the first has the
   * lowers' numbers, also for what is in it.
   */
  createDirectory(above: Node | undefined, wanted: Ino | undefined, lowers: readonly Part[]): Node {
    const numbers = lowers.map(({ layer, ino }) => this.numberOf(layer, ino));
    const claimed = numbers.some((number) => {
      const by = number === undefined ? undefined : this.#claims.get(number);
      return by !== undefined && !this.#detached.has(by);
    });
    const apart = claimed || (above?.apart === true && lowers.length > 0);
    const node = this.create(apart ? undefined : wanted, 'directory', lowers);
    node.apart = apart;
    if (!apart) for (const number of numbers) if (number !== undefined) this.#claims.set(number, node);
    return node;
  }

  /** The object that all names of a lower object with several names show. */
  shared({ layer, ino }: Part): Node | undefined {
    return this.#shared.get(layer)?.get(ino);
  }

  createShared(part: Part, type: FileType): Node {
    const node = this.create(this.numberOf(part.layer, part.ino), type, [part]);
    const ofLayer = this.#shared.get(part.layer) ?? new Map<Ino, Node>();
    this.#shared.set(part.layer, ofLayer.set(part.ino, node));
    return node;
  }

  /** Publishes the finished upper object of a node. */
  setUpper(node: Node, ino: Ino): void {
    node.upper = ino;
    this.#byUpper.set(ino, node);
  }

  /** Drops an object that has neither name nor user. */
  forget(node: Node): void {
    this.#byNumber.delete(node.id);
    this.#listed.delete(node);
    for (const { layer, ino } of node.type === 'directory' ? node.lowers : noParts) {
      const number = this.numberOf(layer, ino);
      if (number !== undefined && this.#claims.get(number) === node) this.#claims.delete(number);
    }
    if (node.upper !== 0 && this.#byUpper.get(node.upper) === node) this.#byUpper.delete(node.upper);
    const part = node.lowers[0];
    const ofLayer = part && this.#shared.get(part.layer);
    if (part && ofLayer?.get(part.ino) === node) ofLayer.delete(part.ino);
  }

  /** All objects known. */
  values(): IterableIterator<Node> {
    return this.#byNumber.values();
  }
}

/** The part of a node in the upper. */
export function upperPart(upper: Layer, node: Node): Part {
  return { layer: upper, ino: node.upper, marksFiles: node.marksFiles || upper.reading.makesEmptyFiles };
}

/** Type guard for a found object. */
export function isFound(found: Attributes | 'whiteout' | undefined): found is Attributes {
  return found !== undefined && found !== 'whiteout';
}
