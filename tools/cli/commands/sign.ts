/** `sign`: puts a usign signature into an image, verifies one, or makes a key pair. */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { UsageError } from '../../core/index.js';
import {
  makeKeyPair,
  signatureFingerprint,
  signImage,
  signMessage,
  verifyImage,
} from '../../firmware/index.js';
import { cancellationPoint } from '../cancellation-point.js';
import { defineCommand, example } from '../command.js';
import type { Session } from '../command.js';
import type { SignDocument } from '../documents/sign.js';
import { readInput } from '../input-files.js';
import { writeOutput } from '../output-files.js';
import { readKey } from '../key-files.js';

const seedSize = 32;
const fingerprintSize = 8;

/** The verb. */
export const sign = defineCommand(
  (yargs) =>
    yargs
      .positional('image', { type: 'string', describe: 'image to sign or to verify' })
      .option('key', { alias: 'k', type: 'string', describe: 'usign or signify secret key: sign' })
      .option('verify', { alias: 'p', type: 'string', describe: 'public key: verify instead' })
      .option('output', {
        alias: ['o', 'out'],
        type: 'string',
        describe: 'signed image to write; the image itself when absent',
      })
      .option('make-key', { type: 'string', describe: 'make a key pair: NAME.sec and NAME.pub' })
      .conflicts('key', ['verify', 'make-key'])
      .conflicts('verify', 'make-key')
      .example(...example('$0 sign --make-key build', 'build.sec and build.pub'))
      .example(...example('$0 sign image.bin --key build.sec', 'signature behind the metadata, as fwtool -S'))
      .example(...example('$0 sign image.bin --verify build.pub', 'exit code 11 when it is not valid')),
  async (args, session) => {
    if (args.makeKey !== undefined) return makeKey(args.makeKey, session);
    const { image, key, verify } = args;
    if (image === undefined || (key === undefined) === (verify === undefined))
      throw new UsageError(
        'FW_USAGE_ARGUMENT',
        'name an image, and a secret key to sign or a public key to verify',
        {
          hint: 'firmwright sign image.bin --key build.sec',
        },
      );
    const bytes = await readInput(image, session);
    if (key !== undefined) {
      const secret = readKey(key);
      const output = args.output ?? image;
      const signed = signImage(bytes, secret);
      await cancellationPoint(session.signal);
      writeOutput(output, signed, session);
      const fingerprint = signatureFingerprint(signMessage(new Uint8Array(0), secret)) ?? '';
      report({ schemaVersion: 1, image: output, fingerprint, outcome: 'signed' }, session);
      return 0;
    }
    const { fingerprint, outcome } = verifyImage(bytes, readKey(verify ?? ''));
    report({ schemaVersion: 1, image, fingerprint, outcome }, session);
    return outcome === 'valid' ? 0 : 11;
  },
);

const sentences: Readonly<Record<SignDocument['outcome'], string>> = {
  signed: 'signed by key',
  valid: 'the signature is valid, by key',
  invalid: 'the signature is NOT valid, though it names key',
  'other-key': 'the signature is by another key',
};

function report(document: SignDocument, session: Session): void {
  session.result(
    document,
    () => `${document.image}: ${sentences[document.outcome]} ${document.fingerprint}\n`,
  );
}

function makeKey(name: string, session: Session): number {
  const fingerprint = randomBytes(fingerprintSize);
  const pair = makeKeyPair(randomBytes(seedSize), fingerprint, name.split('/').at(-1) ?? name);
  if (existsSync(`${name}.sec`) || existsSync(`${name}.pub`))
    throw new UsageError('FW_USAGE_FILE', `${name}.sec or ${name}.pub is there: a key is never overwritten`, {
      hint: 'name another file',
    });
  writeFileSync(`${name}.sec`, pair.secretKey, { mode: 0o600, flag: 'wx' });
  try {
    writeFileSync(`${name}.pub`, pair.publicKey, { flag: 'wx' });
  } catch (error) {
    rmSync(`${name}.sec`);
    throw error;
  }
  const document = {
    schemaVersion: 1,
    secretKey: `${name}.sec`,
    publicKey: `${name}.pub`,
    fingerprint: fingerprint.toString('hex'),
  };
  session.result(document, () => `${name}.sec, ${name}.pub: key ${document.fingerprint}\n`);
  return 0;
}
