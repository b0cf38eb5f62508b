/** Our paying fetch as the bench uses it: its ledger on disk, one provider, and limits that no bench reaches. */
import { join } from "node:path";
import type { Chain } from "../../chain/index.ts";
import {
  createPayingFetch,
  type PayingFetch,
  type Signer,
  Wallet,
} from "../../middleware/index.ts";
import { Secret } from "../../protocol/index.ts";
import { openLedger } from "../../store/index.ts";

export interface OwnClientOptions {
  /** Where the ledger goes. */
  readonly folder: string;
  readonly signer: Signer;
  readonly chain: Chain;
  /** The one server that is paid, and whom. */
  readonly url: string;
  readonly payTo: `0x${string}`;
}

/** `close` closes the ledger too. */
export function openOwnClient({
  folder,
  signer,
  chain,
  url,
  payTo,
}: OwnClientOptions): PayingFetch {
  const ledger = openLedger({ path: join(folder, "ledger.sqlite"), bytesKey: key(1) });
  const wallet = new Wallet({ ledger, signer, chain, nonceSecret: key(2) });
  const policy = {
    providers: [{ id: "bench", origins: [url], payees: [payTo], maxPerMonth: "1000" }],
    maxPerCall: "0.01",
    maxPerMonth: "1000",
    maxCallsPerMinute: 10_000,
    local: true,
  };
  const purser = createPayingFetch({ wallet, policy, scope: "bench" });
  const { close } = purser;
  return Object.assign(purser, {
    async close() {
      await close();
      ledger.close();
    },
  });
}

function key(fill: number): Secret<Uint8Array> {
  return new Secret(new Uint8Array(32).fill(fill));
}
