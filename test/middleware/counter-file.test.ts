/** The signer's count in its file: what of it has to be on the disk, and who waits for that. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { CounterFile } from "../../middleware/signer/counter-file.ts";

afterEach(() => void vi.useRealTimers());

const claim = (nonce: number) => ({
  at: Date.UTC(2026, 10, 20),
  nonce: `0x${nonce.toString(16).padStart(64, "0")}` as const,
  terms: "t",
  provider: "shop",
  amount: 10n,
  maxPerProviderMonth: 100n,
  maxPerMonth: 100n,
});

test("a count that leaves the disk to others for a moment goes there as soon as somebody waits for it", async () => {
  // The moment never passes by itself.
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const path = join(mkdtempSync(join(tmpdir(), "purser-counter-")), "counter");
  const identity = { network: "eip155:1", asset: "0xaa", address: "0xbb" };
  const file = new CounterFile({ path, identity, sealKey: new Uint8Array(32) });
  expect(await file.claim([claim(1)])).toEqual([undefined]);
  expect(await file.claim([claim(2)])).toEqual([undefined]);
  expect(await file.size()).toBe(2);
  file.close();
});
