/** The body of an answer as its sender wrote it, before it was compressed for the way. */
import type { Readable } from "node:stream";
import { pipeline } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

const DECODERS = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
} as const;

/** An encoding that we do not know is handed on as it came, with its header, as `fetch` does. */
export function decodeBody(body: Readable, headers: Headers): Readable {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (!Object.hasOwn(DECODERS, encoding)) return body;
  // What goes wrong reaches the reader of the decoded stream.
  return pipeline(body, DECODERS[encoding as keyof typeof DECODERS](), () => undefined);
}
