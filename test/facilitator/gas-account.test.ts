import { toHex } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import { gasAccount } from "../../facilitator/gas-account.ts";

test("an account signs any hash as viem's does, to the byte", async () => {
  for (let at = 0; at < 30; at += 1) {
    const key = generatePrivateKey();
    const hash = toHex(2n ** 255n - BigInt(at), { size: 32 });
    const [ours, viems] = [await gasAccount(key), privateKeyToAccount(key)];
    expect(ours.address).toBe(viems.address);
    expect(await ours.sign?.({ hash })).toBe(await viems.sign({ hash }));
  }
});
