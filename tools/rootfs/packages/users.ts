/** Users and groups that packages ask for, as OpenWrt adds them when an image is made. */
import { bytesContent } from '../../vfs/index.js';
import type { TreeDirectory } from '../../vfs/index.js';
import type { ByteString } from '../../core/index.js';
import type { RootWarning } from '../root-tree.js';
import { findInode } from '../tree-path.js';
import type { LoadedPackage } from './feed.js';

/** First number that a user or group without one gets. @see openwrt package/base-files/files/lib/functions.sh */
const firstFreeId = 65536;

/**
 * Adds the users and groups of `Require-User: user=uid:group=gid[:group...]` to /etc/passwd, group and shadow.
 *
 * @returns a warning for each package whose users cannot be added because the tree has no /etc/passwd or group
 * @see openwrt lib/functions.sh add_group_and_user, user_add, group_add
 */
export function addRequiredUsers(root: TreeDirectory, packages: readonly LoadedPackage[]): RootWarning[] {
  const tables = new AccountTables(root);
  const warnings: RootWarning[] = [];
  for (const entry of packages) {
    const requirements = (entry.control.get('Require-User') ?? '').split(/\s+/).filter((text) => text !== '');
    if (requirements.length === 0) continue;
    if (!tables.complete) {
      const message = `package ${entry.name} needs ${requirements.join(' ')}, but there is no /etc/passwd or /etc/group`;
      warnings.push({ code: 'user-not-added', message });
      continue;
    }
    for (const requirement of requirements) tables.require(requirement);
  }
  tables.write();
  return warnings;
}

/** The three files as lines of fields. */
class AccountTables {
  readonly #tables = new Map<string, string[][]>();
  readonly #root: TreeDirectory;
  #changed = false;

  constructor(root: TreeDirectory) {
    this.#root = root;
    for (const name of ['passwd', 'group', 'shadow']) {
      const inode = findInode(root, `/etc/${name}` as ByteString);
      if (inode?.type !== 'file') continue;
      const text = Buffer.from(inode.content.read(0, inode.content.size)).toString('latin1');
      this.#tables.set(
        name,
        text
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => line.split(':')),
      );
    }
  }

  get complete(): boolean {
    return this.#tables.has('passwd') && this.#tables.has('group');
  }

  require(requirement: string): void {
    const [user, group, ...more] = requirement.split(':').map((part) => part.split('='));
    if (user?.[0] === undefined || user[0] === '') return;
    const gid = this.#group(group?.[0] ?? user[0], group?.[1]);
    if (!this.#lines('passwd').some((line) => line[0] === user[0])) {
      const uid = user[1] ?? this.#freeId('passwd');
      this.#add('passwd', [user[0], 'x', uid, gid, user[0], `/var/run/${user[0]}`, '/bin/false']);
      if (this.#tables.has('shadow')) this.#add('shadow', [user[0], 'x', '0', '0', '99999', '7', '', '', '']);
    }
    for (const [name, id] of more) {
      if (name === undefined) continue;
      this.#group(name, id);
      const line = this.#lines('group').find((candidate) => candidate[0] === name);
      const members = (line?.[3] ?? '').split(',').filter((member) => member !== '');
      if (line && !members.includes(user[0])) line[3] = [...members, user[0]].join(',');
    }
  }

  /** Finds or adds a group and answers its number. */
  #group(name: string, id: string | undefined): string {
    const known = this.#lines('group').find((line) => line[0] === name)?.[2];
    if (known !== undefined) return known;
    const gid = id ?? this.#freeId('group');
    this.#add('group', [name, 'x', gid, '']);
    return gid;
  }

  #freeId(table: 'passwd' | 'group'): string {
    const used = new Set(this.#lines(table).map((line) => Number(line[2])));
    let id = firstFreeId;
    while (used.has(id)) id += 1;
    return String(id);
  }

  #lines(table: string): string[][] {
    return this.#tables.get(table) ?? [];
  }

  #add(table: string, fields: string[]): void {
    this.#lines(table).push(fields);
    this.#changed = true;
  }

  write(): void {
    if (!this.#changed) return;
    for (const [name, lines] of this.#tables) {
      const inode = findInode(this.#root, `/etc/${name}` as ByteString);
      const text = lines.map((line) => `${line.join(':')}\n`).join('');
      if (inode?.type === 'file') inode.content = bytesContent(Buffer.from(text, 'latin1'));
    }
  }
}
