/**
 * HMAC-SHA-256 (RFC 2104) out of two hashes that each take one call. A wallet needs some ten for every payment, and Node's own makes
 * a stream and a native object for it, which cost ten times what the hashing does. Tests compare the two.
 */
import { hash } from "node:crypto";

/** Of a text; `binary` is a character for each byte. */
export type Hmac = (text: string, encoding: "hex" | "base64url" | "binary") => string;

/** Of a text, in Base64url. */
export type Seal = (text: string) => string;

/** SHA-256's block, and its digest, in bytes. */
const BLOCK = 64;
const DIGEST = 32;

export function hmacSeal(key: Uint8Array): Seal {
  const hmac = oneShotHmac(key);
  return (text) => hmac(text, "base64url");
}

export function oneShotHmac(key: Uint8Array): Hmac {
  const short = key.length > BLOCK ? hash("sha256", key, "buffer") : key;
  const pad = (byte: number) =>
    Buffer.from(Uint8Array.from({ length: BLOCK }, (_, at) => (short[at] ?? 0) ^ byte));
  const [innerPad, outerPad] = [pad(0x36), pad(0x5c)];
  const outer = Buffer.concat([outerPad, Buffer.alloc(DIGEST)]);
  let inner = Buffer.concat([innerPad, Buffer.alloc(4096)]);
  return (text, encoding) => {
    // No character takes more than three bytes.
    if (text.length * 3 > inner.length - BLOCK)
      inner = Buffer.concat([innerPad, Buffer.alloc(text.length * 3)]);
    const end = BLOCK + inner.write(text, BLOCK);
    outer.write(hash("sha256", inner.subarray(0, end), "binary"), BLOCK, "binary");
    return hash("sha256", outer, encoding);
  };
}
