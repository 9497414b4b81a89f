/**
 * Signs and verifies whole images: a usign signature in an fwtool chunk behind everything else, metadata included.
 *
 * OpenWrt's build wraps the signature in a certificate chain (ucert); devices without certificates verify the plain one,
 * and that is what is written here. A chain is told as one, not verified.
 *
 * @see SPEC.md "fwtool trailer", "usign"
 */
import { FormatError } from '../core/index.js';
import { appendSignature, readChunks } from './fwtool.js';
import { signatureFingerprint, signMessage, verifyMessage } from './usign.js';
import type { SignatureCheck } from './usign.js';

/**
 * Signs an image; a signature that is there already is replaced.
 *
 * @throws FormatError FW_FIRMWARE_SIGNATURE for a key with passphrase or damage
 */
export function signImage(image: Uint8Array, secretKeyFile: string): Uint8Array {
  const bare = withoutSignature(image);
  return appendSignature(bare, Buffer.from(signMessage(bare, secretKeyFile), 'utf8'));
}

/**
 * Verifies the signature of an image.
 *
 * @throws FormatError FW_FIRMWARE_UNSIGNED when there is none that can be verified, FW_FIRMWARE_SIGNATURE for a file that is
 *   no public key
 */
export function verifyImage(image: Uint8Array, publicKeyFile: string): SignatureCheck {
  const [chunk] = readChunks(image);
  if (chunk?.type !== 'signature')
    throw new FormatError('FW_FIRMWARE_UNSIGNED', 'the image has no signature', {
      hint: 'firmwright sign IMAGE --key SECRET adds one',
      data: { structure: 'signature chunk' },
    });
  const signature = Buffer.from(chunk.payload).toString('utf8');
  if (signatureFingerprint(signature) === undefined)
    throw new FormatError(
      'FW_FIRMWARE_UNSIGNED',
      'the signature of the image is a certificate chain (ucert), which is not verified',
      { data: { structure: 'signature chunk', offset: chunk.offset } },
    );
  return verifyMessage(image.subarray(0, chunk.offset), signature, publicKeyFile);
}

function withoutSignature(image: Uint8Array): Uint8Array {
  const [chunk] = readChunks(image);
  return chunk?.type === 'signature' ? image.subarray(0, chunk.offset) : image;
}
