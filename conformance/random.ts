/** Chance that can be repeated: the same seed gives the same choices. */
import { createHash } from "node:crypto";

/** Numbers from 0 to below `limit`, from a counter hashed with the seed. */
export function randomFrom(seed: string): (limit: number) => number {
  let count = 0;
  return (limit) => {
    count += 1;
    const digest = createHash("sha256").update(`${seed}:${count}`).digest();
    return digest.readUInt32BE(0) % limit;
  };
}
