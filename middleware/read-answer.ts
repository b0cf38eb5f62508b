/** A stranger's answer, read whole and within a limit: half an answer is none. */
import { readPieces, withBytes } from "./body-source.ts";

export interface Answer {
  /** Its body can still be read by the caller. */
  readonly response: Response;
  readonly text: string;
}

const MAX_BYTES = 10 * 1024 * 1024;

/** Reads the body, or throws when it breaks off or is larger than anything that an API answers. */
export async function readAnswer(response: Response): Promise<Answer> {
  const bytes = await readBody(response);
  return { response: withBytes(response, bytes), text: bytes.toString("utf8") };
}

/** The body alone; then the response's own can no longer be read. */
export async function readBody(response: Response): Promise<Buffer<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  await readPieces(response, (piece) => {
    size += piece.length;
    if (size > MAX_BYTES) throw new Error("the answer is too large");
    pieces.push(piece);
  });
  return Buffer.concat(pieces);
}
