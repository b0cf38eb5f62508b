/**
 * Brings an append-only file to the disk where there is no `fsync`, as under Node's permission model: the bytes that stand there are
 * written once more, where they stand, through a descriptor of which each write is on disk when it returns.
 */
import { closeSync, constants, openSync, readSync, write } from "node:fs";
import { promisify } from "node:util";

const writeBytes = promisify(write);

/** So much of what stood in the file when it was opened is taken along; older writes the system has brought there by itself. */
const TAIL_BYTES = 64 * 1024;

export class DiskSync {
  readonly #fd: number;
  /** Up to here the file is on disk. */
  #synced: number | undefined;

  /** The file must be there. */
  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDWR | constants.O_DSYNC);
  }

  /** Resolves when all up to this byte is on disk. One call at a time; what is there must never change. */
  async syncUpTo(end: number): Promise<void> {
    const start = this.#synced ?? Math.max(0, end - TAIL_BYTES);
    const bytes = Buffer.alloc(end - start);
    for (let at = 0; at < bytes.length;) {
      const length = readSync(this.#fd, bytes, at, bytes.length - at, start + at);
      if (length === 0) throw new Error("the file has become shorter");
      at += length;
    }
    if (bytes.length > 0) {
      const { bytesWritten } = await writeBytes(this.#fd, bytes, 0, bytes.length, start);
      if (bytesWritten !== bytes.length) throw new Error("the disk takes a part of it only");
    }
    this.#synced = end;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
