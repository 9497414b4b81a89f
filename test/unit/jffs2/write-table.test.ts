import { describe, expect, test } from 'vitest';
import { applyDeviceTable, parseDeviceTable, squashTree } from '../../../tools/jffs2/index.js';
import { directory, file, listing } from '../../support/jffs2-trees.js';

const tree = (): ReturnType<typeof directory> =>
  directory({
    dev: directory({}),
    bin: directory({ su: file(new Uint8Array(3), { uid: 5, mode: 0o6777 }) }),
  });
const linesOf = (table: string): string[] => {
  const root = tree();
  applyDeviceTable(root, parseDeviceTable(table), 9_000_000_000n);
  return listing(root).map((line) => line.replace(/ #\d+/, ''));
};

test('owners and modes are changed, nodes and numbered devices made', () => {
  const lines = linesOf(`
    # comment
    / d 700 1 2 -
    /bin/su f 4755 0 0 - - - - -
    /dev/console c 600 0 0 5 1 0 0 -
    /dev/tty b 640 0 5 4 64 1 2 2   # tty1 and tty2
    /dev/log l 777 0 0 - target=../run/log
    /dev/sock s 600 0 0 - xattr:user.a=00ff`);
  expect(lines).toContain('/ directory 700 1 2 1700000000000000000 -');
  expect(lines).toContainEqual(expect.stringMatching(/^\/bin\/su file 4755 0 0 /));
  expect(lines).toContain('/dev/console char 600 0 0 9000000000 5:1');
  expect(lines).toContain('/dev/tty1 block 640 0 5 9000000000 4:64');
  expect(lines).toContain('/dev/tty2 block 640 0 5 9000000000 4:66');
  expect(lines).toContain('/dev/log symlink 777 0 0 9000000000 ../run/log');
  expect(lines).toContain('/dev/sock socket 600 0 0 9000000000 - user.a=00ff');
});

test('squashing levels owners, permissions and times', () => {
  const root = tree();
  squashTree(root, { owners: true, permissions: true, times: true });
  expect(listing(root)).toContainEqual(expect.stringMatching(/^\/bin\/su #\d+ file 755 0 0 0 /));
});

describe('a line that cannot be is refused with its number', () => {
  const cases = {
    'a relative path': 'dev/x c 600 0 0 1 1',
    'an unknown type': '/dev/x q 600 0 0 1 1',
    'a mode that is not octal': '/dev/x c 698 0 0 1 1',
    'too many columns': '/dev/x c 600 0 0 1 1 1 1 1 1',
    'an unknown word': '/dev/x c 600 what=ever',
    'a missing parent': '/no/x c 600 0 0 1 1',
    'a file that does not exist': '/bin/x f 600',
    'an object of another type': '/bin/su d 600',
    'a symlink without target': '/bin/x l 777',
    'a root that is no directory': '/ f 600',
  };
  for (const [name, row] of Object.entries(cases)) {
    test(name, () => {
      expect(() => linesOf(`# first\n${row}`)).toThrow(
        expect.objectContaining({ code: 'FW_JFFS2_TABLE', data: { line: 2 } }),
      );
    });
  }
});
