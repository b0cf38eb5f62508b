/** The buyer of `floor-seller.ts`: two HTTP exchanges, one signature, one disk sync. */
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "viem";
import { generatePrivateKey } from "viem/accounts";
import { encodeTransfer } from "../../facilitator/transfer-call.ts";
import { keySigning } from "../../middleware/signer/key-signer.ts";
import { type Authorization, BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import type { Buyer } from "./buyers.ts";
import { openFloorBook } from "./floor-book.ts";

export async function openFloorBuyer(): Promise<Buyer> {
  const home = mkdtempSync(join(tmpdir(), "purser-bench-"));
  process.once("exit", () => rmSync(home, { recursive: true, force: true }));
  const { address, signAuthorization } = await keySigning(generatePrivateKey(), BASE_SEPOLIA_USDC);
  const agent = new Agent({ keepAlive: true });
  let count = 0;
  return {
    address,
    async visit({ url, payTo: to }) {
      const book = openFloorBook(join(mkdtempSync(join(home, "visit-")), "buyer"));
      return {
        async buy() {
          const number = (count += 1);
          await get(`${url}/${number}`, agent, {});
          const authorization: Authorization = {
            from: address,
            to,
            value: 1n,
            validAfter: 0n,
            validBefore: BigInt(Math.floor(Date.now() / 1000) + 60),
            nonce: toHex(number, { size: 32 }),
          };
          const signature = await signAuthorization(authorization);
          const payment = encodeTransfer({ authorization, signature }, false);
          await book.write(payment);
          const status = await get(`${url}/${number}`, agent, { "x-payment": payment });
          if (status !== 200) throw new Error(`the floor: ${status}`);
        },
        close: async () => book.close(),
      };
    },
  };
}

function get(url: string, agent: Agent, headers: Record<string, string>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = httpRequest(url, { agent, headers }, (response) => {
    response.resume().once("end", () => resolve(response.statusCode ?? 0));
  });
  sent.once("error", reject).end();
  return promise;
}
