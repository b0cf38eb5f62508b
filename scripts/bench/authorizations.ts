/**
 * Authorizations a second in one process: checked, reserved, signed by the signer process and recorded as sent, each durable
 * before the next step, 64 at a time. The chain is the one thing left out: its clock is ours.
 */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Chain } from "../../chain/index.ts";
import { startSignerProcess, Wallet } from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC, Secret } from "../../protocol/index.ts";
import { openLedger } from "../../store/index.ts";
import { type Bench, median } from "./bench.ts";

const CONCURRENCY = 64;
const WARM_UP = 500;
const COUNT = 5_000;

export const authorizations: Bench = {
  name: "authorizations",
  unit: "/s",
  target: 1_500,
  better: "higher",
  async measure() {
    const folder = mkdtempSync(join(tmpdir(), "purser-bench-"));
    const ledger = openLedger({
      path: join(folder, "ledger.sqlite"),
      bytesKey: new Secret(new Uint8Array(32).fill(1)),
    });
    try {
      await using signer = await startSignerProcess({ keyFile: join(folder, "key") });
      const wallet = new Wallet({
        ledger,
        signer,
        chain: idleChain(),
        nonceSecret: new Secret(new Uint8Array(32).fill(2)),
      });
      await authorizeMany(wallet, "warm-up", WARM_UP);
      const { user, system } = process.cpuUsage();
      const start = performance.now();
      await authorizeMany(wallet, "measured", COUNT);
      const ms = performance.now() - start;
      const cpu = process.cpuUsage({ user, system });
      const busy = (cpu.user + cpu.system) / 1_000;
      const perEach = (amount: number) => `${((amount / COUNT) * 1_000).toFixed(0)} µs`;
      return {
        ours: (COUNT / ms) * 1_000,
        note: `each: ${perEach(ms)}, of which this process computes ${perEach(busy)}; a disk sync, shared by a batch: ${timeSync(folder)} µs`,
      };
    } finally {
      ledger.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function authorizeMany(wallet: Wallet, name: string, count: number): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < count) await wallet.authorize(order(`pur_${name}_${next++}`));
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
}

function order(purchase: string): Parameters<Wallet["authorize"]>[0] {
  const { network, address: asset } = BASE_SEPOLIA_USDC;
  const payTo = `0x${"bb".repeat(20)}` as const;
  const url = `https://shop.example/buy/${purchase}`;
  const scope = { kind: "cap", max: 10n ** 15n, perMonth: true } as const;
  return {
    purchase,
    quote: {
      provider: "shop",
      service: "shop/thing",
      request: { method: "POST", url, body: undefined },
      maxAmount: 10n,
      currency: "usd",
      payTo: [payTo],
      assets: [BASE_SEPOLIA_USDC],
    },
    offer: {
      x402Version: 2,
      scheme: "exact",
      network,
      asset,
      payTo,
      amount: 10n,
      maxTimeoutSeconds: 120,
      resource: url,
      raw: { scheme: "exact", network, asset, payTo, amount: "10", maxTimeoutSeconds: 120 },
    },
    scopes: [
      { ...scope, name: "provider:p/shop" },
      { ...scope, name: "run:r1", kind: "budget", perMonth: false },
    ],
  };
}

/** A chain of which only the clock and the identity are asked. */
function idleChain(): Chain {
  const asset = BASE_SEPOLIA_USDC;
  const unasked = () => Promise.reject(new Error("this bench asks the chain for nothing"));
  return {
    asset,
    now: () => Promise.resolve(BigInt(Math.floor(Date.now() / 1_000))),
    genesisHash: () => Promise.resolve(`0x${"11".repeat(32)}`),
    balanceOf: unasked,
    readAuthorization: unasked,
    transfersFrom: unasked,
    transfersBetween: unasked,
  } as Partial<Chain> as Chain;
}

/** What one sync of a written page costs here, in microseconds. */
function timeSync(folder: string): string {
  const file = openSync(join(folder, "sync"), "w");
  const page = new Uint8Array(4_096);
  const times = Array.from({ length: 50 }, () => {
    writeSync(file, page);
    const start = performance.now();
    fsyncSync(file);
    return performance.now() - start;
  });
  closeSync(file);
  return (median(times) * 1_000).toFixed(0);
}
