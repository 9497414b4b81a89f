/** Writes images/schema.json, the JSON Schema that editors check recipes against. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { imageRecipeJsonSchema } from '../build/index.js';

const file = fileURLToPath(new URL('../../images/schema.json', import.meta.url));
writeFileSync(file, `${JSON.stringify(imageRecipeJsonSchema(), null, 2)}\n`);
console.log(`wrote ${file}`);
