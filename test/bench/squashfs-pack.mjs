// Packs a folder with the compiled modules, as the command line does: folder, image, compressor as JSON.
import { treeFromFolder } from './folder-tree.mjs';
import { writeSquashfs } from '../../dist/squashfs/index.js';

const [folder, image, compressor] = process.argv.slice(2);
await writeSquashfs(treeFromFolder(folder), image, {
  compressor: JSON.parse(compressor),
  imageTime: 1_700_000_000,
  uniformTime: 1_700_000_000,
  workers: 2,
});
