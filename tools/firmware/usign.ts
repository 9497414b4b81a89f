/**
 * Signatures of OpenWrt's usign and OpenBSD's signify: Ed25519 in files of one comment and one base64 line.
 *
 * @see SPEC.md "usign"; OpenBSD signify(1)
 */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { FormatError } from '../core/index.js';
import { concatBytes, sameBytes } from './bytes.js';
import { fieldTable, raw, text } from './fields.js';

const publicKeyTable = fieldTable('usign public key', 42, {
  algorithm: text(0, 2),
  fingerprint: raw(2, 8),
  key: raw(10, 32),
});

const signatureTable = fieldTable('usign signature', 74, {
  algorithm: text(0, 2),
  fingerprint: raw(2, 8),
  signature: raw(10, 64),
});

const secretKeyTable = fieldTable('usign secret key', 104, {
  algorithm: text(0, 2),
  kdf: text(2, 2),
  rounds: raw(4, 4),
  salt: raw(8, 16),
  checksum: raw(24, 8),
  fingerprint: raw(32, 8),
  seed: raw(40, 32),
  publicKey: raw(72, 32),
});

const algorithm = 'Ed';
const comment = 'untrusted comment: ';

/** A key pair as files, in the form that usign and signify read. */
export interface UsignKeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

/**
 * Makes a key pair.
 *
 * @param seed         32 random bytes, the secret
 * @param fingerprint  8 bytes that name the pair
 */
export function makeKeyPair(seed: Uint8Array, fingerprint: Uint8Array, name: string): UsignKeyPair {
  const { x } = createPublicKey(privateKey(seed)).export({ format: 'jwk' });
  const key = Buffer.from(x ?? '', 'base64url');
  return {
    publicKey: armour(`public key ${name}`, publicKeyTable.write({ algorithm, fingerprint, key })),
    secretKey: armour(
      `private key ${name}`,
      secretKeyTable.write({
        algorithm,
        kdf: 'BK',
        rounds: new Uint8Array(4),
        salt: new Uint8Array(16),
        checksum: secretChecksum(seed, key),
        fingerprint,
        seed,
        publicKey: key,
      }),
    ),
  };
}

/** Signs a message; gives the text of a signature file. FW_FIRMWARE_SIGNATURE for a key with passphrase or damage. */
export function signMessage(message: Uint8Array, secretKeyFile: string): string {
  const key = secretKeyTable.read(unarmour(secretKeyFile, secretKeyTable.size, 'secret key'));
  if (key.algorithm !== algorithm || key.kdf !== 'BK')
    throw problem(`secret key of kind ${key.algorithm}/${key.kdf}, expected ${algorithm}/BK`);
  if (key.rounds.some((byte) => byte !== 0)) throw problem('the secret key is protected by a passphrase');
  if (!sameBytes(secretChecksum(key.seed, key.publicKey), key.checksum))
    throw problem('the secret key is damaged');
  const signature = sign(null, message, privateKey(key.seed));
  return armour(
    `signed by key ${Buffer.from(key.fingerprint).toString('hex')}`,
    signatureTable.write({ algorithm, fingerprint: key.fingerprint, signature }),
  );
}

/** What a signature says, and whether it is right. */
export interface SignatureCheck {
  /** 16 hexadecimal digits that name the key pair. */
  readonly fingerprint: string;
  /** `other-key`: made with another pair. */
  readonly outcome: 'valid' | 'invalid' | 'other-key';
}

/** Verifies a signature file over a message; FW_FIRMWARE_SIGNATURE when one of the files is not what it should be. */
export function verifyMessage(
  message: Uint8Array,
  signatureFile: string,
  publicKeyFile: string,
): SignatureCheck {
  const signature = signatureTable.read(unarmour(signatureFile, signatureTable.size, 'signature'));
  const key = publicKeyTable.read(unarmour(publicKeyFile, publicKeyTable.size, 'public key'));
  if (signature.algorithm !== algorithm || key.algorithm !== algorithm)
    throw problem(
      `signature of kind ${signature.algorithm} and key of kind ${key.algorithm}, expected ${algorithm}`,
    );
  const fingerprint = Buffer.from(signature.fingerprint).toString('hex');
  if (!sameBytes(signature.fingerprint, key.fingerprint)) return { fingerprint, outcome: 'other-key' };
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key.key).toString('base64url') },
    format: 'jwk',
  });
  const isValid = verify(null, message, publicKey, signature.signature);
  return { fingerprint, outcome: isValid ? 'valid' : 'invalid' };
}

/** Reads the fingerprint of a signature file; undefined when it is none. */
export function signatureFingerprint(signatureFile: string): string | undefined {
  try {
    const { fingerprint } = signatureTable.read(unarmour(signatureFile, signatureTable.size, 'signature'));
    return Buffer.from(fingerprint).toString('hex');
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function privateKey(seed: Uint8Array): ReturnType<typeof createPrivateKey> {
  // The fixed part of a PKCS #8 Ed25519 key (RFC 8410); the seed is all that varies.
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  return createPrivateKey({ key: Buffer.from(concatBytes(prefix, seed)), format: 'der', type: 'pkcs8' });
}

function secretChecksum(seed: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha512').update(seed).update(publicKey).digest().subarray(0, 8));
}

function armour(title: string, bytes: Uint8Array): string {
  return `${comment}${title}\n${Buffer.from(bytes).toString('base64')}\n`;
}

function unarmour(file: string, size: number, what: string): Uint8Array {
  const [first = '', second = ''] = file.split('\n');
  const bytes = Buffer.from(second, 'base64');
  if (!first.startsWith(comment.trimEnd()) || bytes.length !== size)
    throw problem(`not a ${what} file: ${bytes.length} bytes behind the comment, expected ${size}`);
  return bytes;
}

function problem(message: string): FormatError {
  return new FormatError('FW_FIRMWARE_SIGNATURE', message, { data: { structure: 'usign file' } });
}
