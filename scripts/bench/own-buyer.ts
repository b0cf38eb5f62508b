/** Our buyer: the drop-in fetch with its ledger on disk, and the signer in its process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openChain } from "../../chain/index.ts";
import { startSignerProcess } from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import type { Buyer } from "./buyers.ts";
import { openOwnClient } from "./own-client.ts";

/** One signer for all that it visits, as a wallet has one for all that it pays; the folder goes with the process. */
export async function openOwnBuyer(): Promise<Buyer> {
  const home = mkdtempSync(join(tmpdir(), "purser-bench-"));
  process.once("exit", () => rmSync(home, { recursive: true, force: true }));
  const signer = await startSignerProcess({ keyFile: join(home, "key") });
  return {
    address: signer.address,
    async visit({ url, payTo, rpcUrl }) {
      const chain = await openChain({ rpcUrl, asset: BASE_SEPOLIA_USDC });
      const folder = mkdtempSync(join(home, "visit-"));
      const { origin } = new URL(url);
      const purser = openOwnClient({ folder, signer, chain, url: origin, payTo });
      let pages = 0;
      return {
        async buy() {
          const response = await purser(`${url}/${(pages += 1)}`);
          if (response.status !== 200) throw new Error(`${response.status}`);
          await response.text();
        },
        close: () => purser.close(),
      };
    },
  };
}
