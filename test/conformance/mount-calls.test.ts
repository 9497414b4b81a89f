/** System calls on a mounted union that the `FileSystem` interface does not have: the kernel's part must fit ours. */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { backgroundNeeds, mountInBackground } from '../support/background-mount.js';
import type { BackgroundMount } from '../support/background-mount.js';
import { requires, tool } from '../support/requires.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const at = (...parts: string[]): string => join(folder, ...parts);
const needs = [...backgroundNeeds, tool('python3')];
const withMount = requires(...needs);
let mounted: BackgroundMount | undefined;
let numbers = 0;

beforeAll(() => {
  if (!needs.every(({ met }) => met)) return;
  for (const name of ['lower', 'upper', 'work']) mkdirSync(at(name));
  for (let number = 0; number < 20; number++)
    writeFileSync(at('lower', `file-${number}`), 'content of lower');
  writeFileSync(at('lower/linked'), 'content of lower');
  linkSync(at('lower/linked'), at('lower/linked-too'));
  copyFileSync('/bin/sleep', at('lower/program'));
  writeFileSync(at('lower/set-id'), 'content of lower');
  chmodSync(at('lower/set-id'), 0o6777);
  mounted = mountInBackground(
    ['--lower', at('lower'), '--upper', at('upper'), '--work', at('work')],
    at('mnt'),
  );
});
afterAll(() => {
  mounted?.[Symbol.dispose]();
});

/** Runs Python in the mount; `name` is a file of the lower that no other test uses, `r` opens it to read and write. */
function python(text: string): string {
  const name = `file-${numbers++}`;
  const head = `
import ctypes, errno, fcntl, mmap, os, select, socket, struct, sys, threading
name = '${name}'
r = lambda: os.open(name, os.O_RDWR)
def child(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
        except BaseException:
            os._exit(255)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
`;
  const { status, stdout, stderr } = spawnSync('python3', ['-c', head + text], {
    cwd: at('mnt'),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout.trim();
}

withMount('a record lock keeps others out, also after the file was copied up', () => {
  const text = `
f = r()
fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 4, 0)
other = lambda start: child(lambda: fcntl.lockf(r(), fcntl.LOCK_EX | fcntl.LOCK_NB, 4, start))
before = other(2)
os.pwrite(f, b'new', 0)
print(before == errno.EAGAIN, other(2) == errno.EAGAIN, other(4))
fcntl.lockf(f, fcntl.LOCK_UN)
print(other(2))`;
  expect(python(text).split('\n')).toEqual(['True True 0', '0']);
});

withMount('a lock of flock(2) belongs to the opening, also after the file was copied up', () => {
  const text = `
f = r()
fcntl.flock(f, fcntl.LOCK_EX)
os.pwrite(f, b'new', 0)
other = lambda: child(lambda: fcntl.flock(r(), fcntl.LOCK_SH | fcntl.LOCK_NB))
locked = other() == errno.EAGAIN
os.close(f)
print(locked, other())`;
  expect(python(text)).toBe('True 0');
});

withMount(
  'a descriptor and a mapping opened before the copy-up see what is written after it (union 145, 148)',
  () => {
    const text = `
reader = os.open(name, os.O_RDONLY)
view = mmap.mmap(reader, 16, prot=mmap.PROT_READ)
before = view[:7]
f = r()
os.pwrite(f, b'CHANGED', 0)
print(before, view[:7], os.pread(reader, 7, 0))`;
    expect(python(text)).toBe("b'content' b'CHANGED' b'CHANGED'");
  },
);

withMount('copy_file_range copies from the lower', () => {
  const text = `
f, to = r(), os.open(name + '-copy', os.O_RDWR | os.O_CREAT)
print(os.copy_file_range(f, to, 100, 3, 2), os.pread(to, 100, 0))`;
  expect(python(text)).toBe("13 b'\\x00\\x00tent of lower'");
});

withMount('a file made by O_TMPFILE has no name until it is linked', () => {
  const text = `
f = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o600)
os.write(f, b'unnamed')
links = os.fstat(f).st_nlink
if ctypes.CDLL(None).linkat(-100, f'/proc/self/fd/{f}'.encode(), -100, (name + '-named').encode(), 0x400): print('no link')
again = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o600)
os.write(again, b'x')
os.close(again)
print(links, os.fstat(f).st_nlink, open(name + '-named').read())`;
  expect(python(text)).toBe('0 1 unnamed');
});

withMount('an unlinked file stays usable while it is open, and space is given back', () => {
  const text = `
f = r()
os.unlink(name)
os.pwrite(f, b'still here', 0)
print(os.path.exists(name), os.pread(f, 10, 0), os.fstat(f).st_nlink)`;
  expect(python(text)).toBe("False b'still here' 0");
});

withMount('holes are found, punched and reserved', () => {
  const text = `
libc = ctypes.CDLL(None, use_errno=True)
f = r()
os.ftruncate(f, 0)
os.pwrite(f, b'x' * 65536, 65536)
first = os.lseek(f, 0, os.SEEK_DATA), os.lseek(f, 65536, os.SEEK_HOLE)
os.posix_fallocate(f, 0, 262144)
length = os.fstat(f).st_size
libc.fallocate(f, 3, ctypes.c_long(65536), ctypes.c_long(65536))
print(first, length, os.pread(f, 4, 65536))`;
  expect(python(text)).toBe("(65536, 131072) 262144 b'\\x00\\x00\\x00\\x00'");
});

withMount('renameat2 exchanges, refuses to replace, and a whiteout hides nothing from users', () => {
  const text = `
libc = ctypes.CDLL(None, use_errno=True)
def renameat2(a, b, flags):
    return ctypes.get_errno() if libc.renameat2(-100, a.encode(), -100, b.encode(), flags) else 0
open(name + '-other', 'w').write('other')
print(renameat2(name, name + '-other', 1) == errno.EEXIST, renameat2(name, name + '-other', 2))
print(open(name).read(), open(name + '-other').read())
print(renameat2(name, name + '-moved', 1), os.path.exists(name))`;
  expect(python(text).split('\n')).toEqual(['True 0', 'other content of lower', '0 False']);
});

withMount('hard links of the lower stay one file after a write to either', () => {
  const text = `
os.close(os.open('linked', os.O_RDWR))
open('linked', 'w').write('changed')
a, b = os.stat('linked'), os.stat('linked-too')
print(open('linked-too').read(), a.st_ino == b.st_ino, a.st_nlink)`;
  expect(python(text)).toBe('changed True 2');
});

withMount('statfs shows the room of the upper, fsync of files and directories is done', () => {
  const text = `
a, b = os.statvfs('.'), os.statvfs('${at('upper')}')
f = r()
os.write(f, b'x')
os.fsync(f)
os.fdatasync(f)
d = os.open('.', os.O_RDONLY)
os.fsync(d)
os.sync()
print(a.f_blocks == b.f_blocks, a.f_namemax, abs(a.f_bavail - b.f_bavail) < b.f_bavail // 10 + 1000)`;
  expect(python(text)).toBe('True 255 True');
});

withMount('files are always ready for poll; FIFOs and sockets of the mount connect', () => {
  const text = `
p = select.poll()
f = r()
p.register(f, select.POLLIN | select.POLLOUT)
print(p.poll(0)[0][1] == select.POLLIN | select.POLLOUT)
os.mkfifo(name + '-pipe')
t = threading.Thread(target=lambda: open(name + '-pipe', 'w').write('through'))
t.start()
print(open(name + '-pipe').read())
t.join()
s = socket.socket(socket.AF_UNIX)
s.bind(name + '-socket')
s.listen()
c = socket.socket(socket.AF_UNIX)
c.connect(name + '-socket')
c.send(b'hello')
print(s.accept()[0].recv(5))`;
  expect(python(text).split('\n')).toEqual(['True', 'through', "b'hello'"]);
});

withMount('a watch set before the copy-up hears of changes after it', () => {
  const text = `
libc = ctypes.CDLL(None)
watch = libc.inotify_init1(os.O_NONBLOCK)
libc.inotify_add_watch(watch, name.encode(), 0x2)
f = r()
os.write(f, b'x')
os.write(f, b'y')
print(len(os.read(watch, 4096)) >= 16)`;
  expect(python(text)).toBe('True');
});

withMount('a program that runs is text: writing to it is refused, replacing it is not (union 150)', () => {
  const text = `
import shutil, subprocess
name = 'program'
running = subprocess.Popen(['./' + name, '5'])
while os.readlink(f'/proc/{running.pid}/exe') != os.path.realpath(name): pass
busy = child(lambda: os.open(name, os.O_WRONLY)) == errno.ETXTBSY
shutil.copy('/bin/sleep', name + '-new')
os.rename(name + '-new', name)
running.kill()
running.wait()
print(busy)`;
  expect(python(text)).toBe('True');
  expect(existsSync(at('upper/program'))).toBe(true);
});

withMount(
  'who writes to a file of another takes its set-ID bits away, of a lower file and of an upper one (union 136)',
  () => {
    const text = `
name = 'set-id'
bits = lambda: oct(os.stat(name).st_mode & 0o7777)
def write():
    os.setresgid(1000, 1000, 1000)
    os.setresuid(1000, 1000, 1000)
    os.pwrite(os.open(name, os.O_WRONLY), b'x', 0)
print(bits(), child(write), bits())
os.chmod(name, 0o6777)
print(bits(), child(write), bits())`;
    expect(python(text).split('\n')).toEqual(['0o6777 0 0o777', '0o6777 0 0o777']);
  },
);
