/** Law (i): locks, leases, sockets and watches against everything that copies their object up, moves or removes it. */
import { expect, test } from 'vitest';
import type { Union } from '../../tools/union/index.js';
import type { Ino, Startable, Step } from '../../tools/vfs/index.js';
import { b, find } from '../support/files.js';
import { explore, faultIn, parseReplay, runSchedule } from '../support/interleavings.js';
import { unionMeeting } from '../support/union-interleavings.js';
import { buildScene, sceneOperations } from '../support/union-scenes.js';
import type { SceneOperation } from '../support/union-scenes.js';
import { policyWith } from '../support/unions.js';

const policy = policyWith({});
const scene = buildScene(false, policy);
const step: Step = { kind: 'access', what: 'users', unseen: false };
const owner = { name: 'owner' };
const whole = { start: 0, end: Infinity };

/** Something that users do with d/f, in two calls that others may come between. */
function using(name: string, first: (union: Union, ino: number) => void, second = first): SceneOperation {
  return {
    name,
    prepare: (union): Startable<unknown> => {
      const ino = find(union, 'd/f');
      union.open(ino, 'read');
      return function* () {
        try {
          yield step;
          first(union, ino);
          yield step;
          second(union, ino);
        } finally {
          union.release(ino);
        }
      };
    },
  };
}

const nothing = (): void => undefined;
const users: readonly SceneOperation[] = [
  using(
    'lock and unlock d/f',
    (union, ino) => {
      union.users(ino).ranges.set({ ...whole, kind: 'write', owner });
      union.users(ino).whole.set(owner, 'exclusive');
    },
    (union, ino) => {
      const { ranges, whole: flock } = union.users(ino);
      // Whatever happened meanwhile, these are still our locks.
      if (ranges.held.length !== 1 || flock.kindOf(owner) !== 'exclusive')
        throw new Error('the locks are lost');
      ranges.unlock(owner, whole);
      flock.release(owner);
    },
  ),
  using('lock d/f', (union, ino) => {
    union.users(ino).ranges.set({ ...whole, kind: 'write', owner });
  }),
  using(
    'bind and connect d/f',
    (union, ino) => {
      union.users(ino).rendezvous.bind(owner);
    },
    (union, ino) => {
      if (union.users(ino).rendezvous.connect() !== owner) throw new Error('the listener is lost');
    },
  ),
  using(
    'watch d/f',
    (union, ino) => {
      union.watch(ino, (event) => heard.push(event.kind));
      union.watch(find(union, 'd'), (event) => heard.push(`${event.kind} ${event.name ?? ''}`));
    },
    nothing,
  ),
  using(
    'lease d/f',
    (union, ino) => {
      const openers = { readers: 1, writers: writers.length };
      union.users(ino).leases.set(owner, 'read', openers, () => heard.push('lease broken'));
    },
    nothing,
  ),
];
/** Events of the schedule under way. */
const heard: string[] = [];
/** Objects open for writing at the end of the schedule under way. */
const writers: Ino[] = [];

/** What users find when all is done: the locks on the object, and the events in their order. */
function found(union: Union): string {
  for (const writer of writers.splice(0)) union.release(writer);
  const ino = union.lookup(find(union, 'd'), b('f'));
  const held = ino === undefined ? 0 : union.users(ino).ranges.held.length;
  return `locks ${held} events ${heard.splice(0).join(', ')}`;
}

const against: readonly SceneOperation[] = [
  ...sceneOperations.filter(({ name }) => name.includes('d/f')),
  {
    name: 'open and write d/f',
    prepare: (union) => {
      const ino = find(union, 'd/f');
      return function* (task) {
        yield step;
        union.open(ino, 'write', { name: 'writer' });
        writers.push(ino);
        yield* union.operations.write(ino, 0, Buffer.from('W'))(task);
      };
    },
  },
];

function meeting(operations: readonly SceneOperation[]) {
  return unionMeeting({ scene, policy, operations, also: found });
}

const { FW_REPLAY: replay } = process.env;
if (replay !== undefined) {
  test(`replay ${replay}`, () => {
    const { names, choices } = parseReplay(replay);
    const known = [...users, ...against];
    const operations = names.flatMap((name) => known.filter((operation) => operation.name === name));
    const given = meeting(operations);
    expect(faultIn(given, runSchedule(given, choices))).toBeUndefined();
  });
}

for (const user of users) {
  test(`i: ${user.name} against copy-up, rename and removal (union 154, 155, 165, 166, 182, 187)`, () => {
    let schedules = 0;
    for (const other of against) {
      const { violation, ...result } = explore(meeting([user, other]), { schedules: 1500 });
      expect(violation, `FW_REPLAY='${violation?.replay ?? ''}' ${violation?.what ?? ''}`).toBeUndefined();
      schedules += result.schedules;
    }
    console.log(`i: ${user.name}: ${schedules} schedules with ${against.length} operations`);
  });
}
