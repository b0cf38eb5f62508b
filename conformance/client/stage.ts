/**
 * Where scenes are played: two servers on this machine, a shop and somebody else's, on a chain with play money. Everything that comes
 * is recorded, and everything that was caught is cashed at the end of a scene, as a thief would.
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type Address, getAddress, type Hex, toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { type Chain, fundAddress, openChain } from "../../chain/index.ts";
import type { Asset } from "../../protocol/asset.ts";
import type { Profile } from "../case.ts";
import type { Exchange } from "../wire/exchange.ts";
import { exchangeOf, openLoopback } from "./loopback.ts";
import type { Client, Order } from "./order.ts";
import { openRpcTap } from "./rpc-tap.ts";
import type { Scene, Seen, Visit } from "./scene.ts";
import { openShop, type Running, type ShopOptions } from "./shop.ts";
import { distinct, paymentHeaders, readPayments, type SignedPayment } from "./signed-payment.ts";
import { takeMoney } from "./till.ts";
import { ClosingStack } from "../../protocol/closing-stack.ts";

export interface StageOptions {
  readonly rpcUrl: string;
  readonly facilitatorUrl: string;
  readonly asset: Asset;
  /** The client's; its account is given play money. */
  readonly key: Hex;
  /** How long the client may take for one start. */
  readonly deadlineMs: number;
  /** What an agent is told. */
  readonly goal?: ((order: Omit<Order, "goal">) => string) | undefined;
}

interface Play {
  readonly profile: Profile;
  readonly client: Client;
  readonly signal?: AbortSignal | undefined;
}

export interface Stage extends AsyncDisposable {
  readonly exchanges: readonly Exchange[];
  play(scene: Scene, play: Play): Promise<Seen>;
}

/** Atomic units: what the goods cost, and the most that the client may pay for them. */
export const PRICE = 10_000n;
export const LIMIT = 20_000n;
const FUNDS = 1_000_000_000n;

export async function openStage(options: StageOptions): Promise<Stage> {
  const { rpcUrl, facilitatorUrl, asset, key, deadlineMs, goal } = options;
  const chain = await openChain({ rpcUrl, asset });
  const { address } = privateKeyToAccount(key);
  await fundAddress({ rpcUrl, asset, address, usdc: FUNDS, ether: 10n ** 18n });
  const [payTo, thief, fakeToken] = [newAddress(), newAddress(), newAddress()];
  await copyToken(chain, fakeToken);
  const exchanges: Exchange[] = [];
  const scenes = new Map<string, Running>();
  const take = (payment: SignedPayment) => takeMoney(payment, { facilitatorUrl, asset });

  const receive = (origin: Visit["origin"]) => async (request: IncomingMessage, body: string) => {
    const startedAt = Date.now();
    const [, id = "", path = "/"] = /^\/([^/?]+)(.*)$/.exec(request.url ?? "") ?? [];
    const running = scenes.get(id);
    if (!running) return { status: 404, headers: {}, body: "" };
    const visit = await readVisit(running, { origin, path, request, body });
    const reply = await running.scene.script(visit, openShop(running, shops));
    const index = exchanges.length;
    running.exchanges.push(index);
    exchanges.push(
      exchangeOf(request, { index, origin: shops.origins[origin], startedAt, body, reply }),
    );
    return reply;
  };

  await using opened = new ClosingStack();
  const tap = opened.use(await openRpcTap(rpcUrl));
  const shop = opened.use(await openLoopback(receive("shop")));
  const other = opened.use(await openLoopback(receive("other")));
  const shops: ShopOptions = {
    asset,
    price: PRICE,
    client: address,
    payTo,
    thief,
    fakeToken,
    origins: { shop: shop.url, other: other.url },
    take,
  };

  const orderOf = (running: Running, signal: AbortSignal | undefined): Order => {
    const { id, start, scene } = running;
    const purchase = scene.separate ? `${id}-${start}` : id;
    const timeout = AbortSignal.timeout(deadlineMs);
    const order = {
      url: `${shop.url}/${id}/paid`,
      method: "POST" as const,
      headers: { "content-type": "application/json", "x-trace": purchase },
      body: '{"city":"Bern"}',
      key,
      rpcUrl: tap.url,
      asset,
      payTo,
      max: LIMIT,
      purchase,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    };
    return { ...order, goal: goal?.(order) };
  };

  const closing = opened.move();
  return {
    exchanges,
    async play(scene, { profile, client, signal }) {
      const running = newRunning(`s${scenes.size}`, scene, profile);
      scenes.set(running.id, running);
      const before = await chain.balanceOf(address);
      tap.forget();
      const order = orderOf(running, signal);
      const ends = [];
      for (; running.start < (scene.starts ?? 1); running.start++) {
        signal?.throwIfAborted();
        ends.push(await client(running.start === 0 ? order : orderOf(running, signal)));
      }
      const { payments, visits, delivered } = running;
      const askedChain = tap.asked(payments.map(({ nonce }) => nonce));
      for (const payment of distinct(payments)) await take(payment);
      const spent = before - (await chain.balanceOf(address));
      const goods = scene.separate ? BigInt(ends.length) : 1n;
      const right = (scene.right ?? PRICE) * goods;
      const lost = spent > right ? spent - right : 0n;
      const caught = { order, profile, visits, ends, payments, thief, delivered, askedChain };
      return { ...caught, spent, lost, exchanges: running.exchanges };
    },
    [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose](),
  };
}

function newAddress(): Address {
  return getAddress(toHex(randomBytes(20)));
}

/** A token that calls itself the right one stands at another address. */
async function copyToken({ client, asset }: Chain, address: Address): Promise<void> {
  const code = await client.getCode({ address: asset.address });
  const params = [address, code ?? "0x"];
  await client.request<{ Method: string; Parameters: readonly string[]; ReturnType: unknown }>({
    method: "anvil_setCode",
    params,
  });
}

function newRunning(id: string, scene: Scene, profile: Profile): Running {
  const lists = { visits: [], payments: [], exchanges: [], asked: [] };
  return { id, scene, profile, ...lists, sales: new Map(), start: 0, delivered: false };
}

interface Arrival {
  readonly origin: Visit["origin"];
  readonly path: string;
  readonly request: IncomingMessage;
  readonly body: string;
}

async function readVisit(running: Running, { origin, path, request, body }: Arrival) {
  const { method = "", headers } = request;
  const names = paymentHeaders(headers);
  const { visits, start } = running;
  const payments = await readPayments(headers, running.asked);
  const visit: Visit = {
    origin,
    method,
    path,
    headers,
    body,
    payments,
    paymentHeaders: names,
    count: visits.length,
    paidCount: visits.filter((one) => one.paymentHeaders.length > 0).length,
    start,
  };
  visits.push(visit);
  running.payments.push(...payments);
  return visit;
}
