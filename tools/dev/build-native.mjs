// Builds the native addon with node-gyp against the headers that come with this Node, without network.
//
// node-gyp outside npm would download headers; they stand two folders above the node binary, so that folder is
// passed as --nodedir whenever it holds them. Arguments are handed on (`-- -f ninja`, `--debug`, ...).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

const prefix = dirname(dirname(process.execPath));
const args = ['rebuild', '--jobs', String(availableParallelism()), '--loglevel', 'warn'];
if (process.argv.includes('--incremental')) args[0] = existsSync('build/Makefile') ? 'build' : 'rebuild';
if (existsSync(join(prefix, 'include/node/node_api.h'))) args.push(`--nodedir=${prefix}`);
args.push(...process.argv.slice(2).filter((arg) => arg !== '--incremental'));

const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
const { status, error } = spawnSync(process.execPath, [nodeGyp, ...args], { stdio: 'inherit' });
if (error) throw error;
process.exit(status ?? 1);
