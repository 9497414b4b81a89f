import { policies } from '../../tools/union/index.js';
import type { UnionPolicy } from '../../tools/union/index.js';
import { fillFromTree, memoryFromTree } from '../../tools/vfs/index.js';
import type { TreeDirectory } from '../../tools/vfs/index.js';
import { memory, policyWith, unionOf, upperOn } from '../support/unions.js';
import type { Mounted } from './backend.js';
import { describeFileSystem } from './suite.js';

interface Shape {
  readonly name: string;
  readonly policy?: UnionPolicy;
  readonly single?: boolean;
  readonly inUpper?: boolean;
  readonly nameMax?: number;
  readonly lacks?: Parameters<typeof describeFileSystem>[0]['lacks'];
}

function mount(shape: Shape, tree: TreeDirectory): Mounted {
  const { policy = policies.overlayfs } = shape;
  const lower = shape.inUpper === true ? memory() : memoryFromTree(tree);
  const store = memory(shape.single);
  if (shape.inUpper === true) fillFromTree(store, upperOn(store).upper.root, tree);
  const union = unionOf({ lowers: [lower], store, policy });
  return {
    fileSystem: union,
    remount: () => {
      union.unmount();
      return unionOf({ lowers: [lower], store, policy });
    },
  };
}

const shapes: readonly Shape[] = [
  { name: 'union, all in the lower' },
  { name: 'union, all in the upper', inUpper: true },
  { name: 'union on an upper that replaces one name at a time', single: true },
  // Without an index lower hard links become files of their own (union 84).
  { name: 'union as OpenWrt mounts it', policy: policies.openwrt, lacks: ['links-of-the-tree'] },
  { name: 'union with metadata-only copies', policy: policyWith({ metacopy: true }) },
  { name: 'union with symlink whiteouts', policy: policyWith({ writes: 'overlay-v7' }), single: true },
  { name: 'union with empty files as whiteouts', policy: policyWith({ writes: 'overlay-x' }) },
  {
    name: 'union with aufs marks',
    policy: policies.aufs,
    lacks: ['links-of-the-tree'],
    nameMax: 242,
  },
  { name: 'union that always leaves whiteouts', policy: policyWith({ whiteout: 'always' }) },
];

for (const shape of shapes) {
  describeFileSystem({
    name: shape.name,
    ...(shape.nameMax !== undefined && { nameMax: shape.nameMax }),
    // A rename of the union leaves no whiteout that its users could ask for (union 38).
    lacks: ['whiteout', 'directory-link-count', ...(shape.lacks ?? [])],
    mount: (tree) => mount(shape, tree),
  });
}

describeFileSystem({
  name: 'union without an upper',
  readOnly: true,
  lacks: ['directory-link-count'],
  mount: (tree) => ({ fileSystem: unionOf({ lowers: [memoryFromTree(tree), memory()] }) }),
});
