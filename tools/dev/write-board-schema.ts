/** Writes board-profiles/schema.json, the JSON Schema that editors check board profiles against. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { boardProfileJsonSchema } from '../boards/index.js';

const file = fileURLToPath(new URL('../../board-profiles/schema.json', import.meta.url));
writeFileSync(file, `${JSON.stringify(boardProfileJsonSchema(), null, 2)}\n`);
console.log(`wrote ${file}`);
