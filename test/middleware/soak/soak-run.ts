/**
 * Buyers without number at a seller whose facilitator fails and who starts again in between; then everybody's money is compared with
 * what was delivered, refunded and is owed as credit, to the unit. What is wrong is reported, not thrown.
 */
import { join } from "node:path";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { BASE_SEPOLIA_USDC } from "../../../protocol/index.ts";
import { openTestChain } from "../../support/chain.ts";
import { seeded } from "../../support/random.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { type MemorySample, sampleMemory, slopeOf } from "./memory.ts";
import { openSoakBuyer, type SoakBuyer } from "./soak-buyer.ts";
import { openSoakFacilitator } from "./soak-facilitator.ts";
import { openSoakSeller, SOAK_PRICE, SOAK_ROUTES, type SoakSeller } from "./soak-seller.ts";

export interface SoakReport {
  requests: number;
  delivered: number;
  failed: number;
  restarts: number;
  /** Atomic units. */
  refunded: string;
  owedAsCredit: string;
  readonly faults: Readonly<Record<string, number>>;
  /** Bytes for each request, over the second half of the run. */
  heapSlope: number;
  rssSlope: number;
  readonly memory: readonly MemorySample[];
  readonly violations: readonly string[];
}

export interface SoakOptions {
  readonly requests: number;
  readonly seed: number;
  readonly buyers?: number;
  /** After how many requests the seller starts again. */
  readonly restartEvery?: number;
  /** After which nobody begins another purchase. */
  readonly maxSeconds?: number;
  readonly onProgress?: (done: number) => void;
}

const REFUND_FUNDS = 10n ** 12n;

export async function runSoak({
  requests,
  seed,
  buyers: count = 64,
  restartEvery = 5_000,
  maxSeconds = Infinity,
  onProgress = () => undefined,
}: SoakOptions): Promise<SoakReport> {
  const random = seeded(seed);
  await using chain = await openTestChain();
  using folder = temporaryFolder();
  const facilitator = await openSoakFacilitator(chain, random);
  const refundKey = generatePrivateKey();
  const refundAccount = privateKeyToAccount(refundKey).address;
  await chain.local.fund(refundAccount, { usdc: REFUND_FUNDS });
  const payTo = privateKeyToAccount(generatePrivateKey()).address;
  const plan = { path: join(folder.path, "seller.sqlite"), facilitator, payTo, refundKey };
  const sellers: SoakSeller[] = [await openSoakSeller(plan)];
  const seller = () => sellers.at(-1)!;
  const funds = SOAK_PRICE * BigInt(requests) * 2n;
  const buyers = await Promise.all(
    Array.from({ length: count }, async () => {
      const key = generatePrivateKey();
      const account = privateKeyToAccount(key);
      await chain.local.fund(account.address, { usdc: funds });
      return openSoakBuyer({ account, key, random, url: () => seller().url });
    }),
  );

  const end = performance.now() + maxSeconds * 1_000;
  let begun = 0;
  let done = 0;
  let restarting: Promise<void> | undefined;
  const memory: MemorySample[] = [];
  const restart = async () => {
    const port = Number(new URL(seller().url).port);
    await seller().stop();
    sellers.push(await openSoakSeller({ ...plan, port }));
    await seller().recover();
  };
  const shop = async (buyer: SoakBuyer) => {
    while (begun < requests && performance.now() < end) {
      begun += 1;
      await buyer.buy(random.pick(SOAK_ROUTES));
      done += 1;
      if (done % 500 === 0) memory.push(sampleMemory(done));
      if (done % 500 === 0) onProgress(done);
      if (done % restartEvery === 0 && done < requests) {
        restarting = (restarting ?? Promise.resolve()).then(restart);
        await restarting;
      }
    }
  };
  await Promise.all(buyers.map(shop));
  facilitator.calm = true;

  const violations = buyers.flatMap(({ violations }) => violations);
  const expectEqual = (name: string, is: bigint, owed: bigint) => {
    if (is !== owed) violations.push(`${name}: ${is} and not ${owed}`);
  };
  expectEqual("open sales", BigInt(await seller().recover()), 0n);
  let losses = 0n;
  let credit = 0n;
  for (const { account, delivered } of buyers) {
    const loss = funds - (await chain.chain.balanceOf(account.address));
    const owed = seller().credits.balance(account.address, BASE_SEPOLIA_USDC);
    expectEqual(account.address, loss, SOAK_PRICE * BigInt(delivered) + owed);
    losses += loss;
    credit += owed;
  }
  const refunded = REFUND_FUNDS - (await chain.chain.balanceOf(refundAccount));
  expectEqual("the seller's income", await chain.chain.balanceOf(payTo), losses + refunded);
  const [rows] = seller()
    .db.query<{ count: number }>("SELECT count(*) AS count FROM delivery")
    .all();
  const delivered = sum(buyers.map((buyer) => buyer.delivered));
  expectEqual("deliveries", BigInt(rows?.count ?? 0), BigInt(delivered));
  for (const { db } of sellers) {
    if (db === seller().db) await seller().stop();
    db.close();
  }
  facilitator.close();
  const later = memory.slice(Math.floor(memory.length / 2));
  return {
    requests: done,
    delivered,
    failed: sum(buyers.map((buyer) => buyer.failed)),
    restarts: sellers.length - 1,
    refunded: refunded.toString(),
    owedAsCredit: credit.toString(),
    faults: facilitator.faults,
    heapSlope: slopeOf(later, ({ heap }) => heap),
    rssSlope: slopeOf(later, ({ rss }) => rss),
    memory,
    violations,
  };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
