/** Writes images/demo/scenarios/schema.json, the JSON Schema that editors check scenarios against. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { scenarioJsonSchema } from '../emulator/index.js';

const file = fileURLToPath(new URL('../../images/demo/scenarios/schema.json', import.meta.url));
writeFileSync(file, `${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`);
console.log(`wrote ${file}`);
