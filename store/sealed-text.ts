/**
 * Text that is encrypted at rest (AES-256-GCM, a fresh nonce each time). A payment's bytes are a bearer capability, so the
 * ledger keeps them sealed; `context` binds a seal to its row, so that one row's bytes cannot be put into another.
 */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from "node:crypto";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Node takes three times as long to seal with bytes as with a key object, so each key is made into one once. */
const keyObjects = new WeakMap<Uint8Array, KeyObject>();

/** Seals text under a 32-byte key. */
export function sealText(key: Uint8Array, context: string, text: string): Uint8Array {
  const nonce = takeNonce();
  const cipher = createCipheriv("aes-256-gcm", keyObject(key), nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(context));
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** Opens a seal; throws when the key, the context or a byte is another. */
export function openText(key: Uint8Array, context: string, sealed: Uint8Array): string {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", keyObject(key), nonce, {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(tag);
  const rest = sealed.subarray(NONCE_BYTES + TAG_BYTES);
  return Buffer.concat([decipher.update(rest), decipher.final()]).toString("utf8");
}

/** Chance is taken in stock: asking the system for twelve bytes costs as much as sealing with them. */
let stock: Buffer = Buffer.alloc(0);

function takeNonce(): Buffer {
  if (stock.length < NONCE_BYTES) stock = randomBytes(NONCE_BYTES * 256);
  const nonce = stock.subarray(0, NONCE_BYTES);
  stock = stock.subarray(NONCE_BYTES);
  return nonce;
}

function keyObject(key: Uint8Array): KeyObject {
  let made = keyObjects.get(key);
  if (!made) keyObjects.set(key, (made = createSecretKey(key)));
  return made;
}
