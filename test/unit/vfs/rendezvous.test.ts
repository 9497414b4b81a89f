import { expect, test } from 'vitest';
import { Rendezvous } from '../../../tools/vfs/index.js';
import { errnoOf } from '../../support/files.js';

test('one listens, others are refused the address, and nobody is reached before or after', () => {
  const rendezvous = new Rendezvous();
  const [alice, bob] = [{ name: 'alice' }, { name: 'bob' }];
  expect(errnoOf(() => rendezvous.connect())).toBe('ECONNREFUSED');
  rendezvous.bind(alice);
  rendezvous.bind(alice);
  expect(errnoOf(() => rendezvous.bind(bob))).toBe('EADDRINUSE');
  rendezvous.close(alice);
  rendezvous.bind(bob);
  expect(rendezvous.connect()).toBe(bob);
});
