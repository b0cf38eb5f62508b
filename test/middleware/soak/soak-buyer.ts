/** A buyer of a soak: buys one thing after another, and aborts, doubles, races and repeats what it sends, until each is answered. */
import { setTimeout as delay } from "node:timers/promises";
import type { LocalAccount } from "viem";
import {
  BASE_SEPOLIA_USDC,
  encodeMppPayment,
  encodePayment,
  mppNonce,
  type Offer,
  parseMppChallenges,
} from "../../../protocol/index.ts";
import { keySigning } from "../../../middleware/signer/key-signer.ts";
import { newAuthorization } from "../../support/chain.ts";
import type { Random } from "../../support/random.ts";
import { readOffers } from "../payments.ts";
import { isDoomed, type SoakRoute } from "./soak-seller.ts";

export interface SoakBuyer {
  readonly account: LocalAccount;
  /** What was answered to it, for good. */
  delivered: number;
  failed: number;
  readonly violations: string[];
  /** Buys once. */
  buy(route: SoakRoute): Promise<void>;
}

export interface SoakBuyerOptions {
  readonly account: LocalAccount;
  readonly key: `0x${string}`;
  readonly random: Random;
  /** Where the seller is now. */
  readonly url: () => string;
}

/** The offers of a route stay the same for x402; an MPP challenge is good for one payment. */
const offers = new Map<string, Offer[]>();
const MAX_SENDS = 400;
const INIT = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };

export async function openSoakBuyer(options: SoakBuyerOptions): Promise<SoakBuyer> {
  const { account, key, random, url } = options;
  const { signAuthorization } = await keySigning(key, BASE_SEPOLIA_USDC);

  const sign = async (route: SoakRoute) => {
    const address = `${url()}/${route}`;
    const roll = random.below(100);
    if (roll < 15) {
      const response = await fetch(address, INIT);
      await response.arrayBuffer();
      const header = response.headers.get("WWW-Authenticate");
      const [offer] = parseMppChallenges({ header, url: address, now: Date.now() });
      if (!offer) throw new Error("no challenge");
      const { payTo: to, amount: value, expires: validBefore = 0n } = offer;
      const fields = { to, value, validBefore, nonce: mppNonce(offer.mpp) };
      const authorization = newAuthorization(account.address, fields);
      const signature = await signAuthorization(authorization);
      return { authorization, header: encodeMppPayment(offer, authorization, signature) };
    }
    let known = offers.get(route);
    if (!known) offers.set(route, (known = await readOffers(await fetch(address, INIT))));
    const offer = known.find(({ x402Version }) => x402Version === (roll < 18 ? 1 : 2))!;
    const { payTo: to, amount: value } = offer;
    const authorization = newAuthorization(account.address, { to, value });
    const signature = await signAuthorization(authorization);
    return { authorization, header: encodePayment(offer, authorization, signature) };
  };

  const self: SoakBuyer = {
    account,
    delivered: 0,
    failed: 0,
    violations: [],
    async buy(route) {
      const { authorization, header } = await untilItWorks(() => sign(route));
      const headers = { ...INIT.headers, [header.name]: header.value };
      const send = async (signal?: AbortSignal) => {
        try {
          const init = { ...INIT, headers, ...(signal && { signal }) };
          const response = await fetch(`${url()}/${route}`, init);
          return { status: response.status, text: await response.text() };
        } catch {
          return undefined;
        }
      };
      const roll = random.below(100);
      // Gone before the answer; three at once; or as one should.
      if (roll < 8) await send(AbortSignal.timeout(random.below(40)));
      else if (roll < 16) await Promise.all([send(), send(), send()]);
      const doomed = isDoomed(authorization.nonce);
      const wanted = doomed ? 500 : 201;
      for (let sends = 1; ; sends += 1) {
        const told = await send();
        if (told && told.status !== 503) {
          if (told.status !== wanted) {
            self.violations.push(`${route} ${header.name}: ${told.status} ${told.text}`);
          } else if (doomed) self.failed += 1;
          else self.delivered += 1;
          if (random.below(100) < 8 && !(doomed && route === "work-first")) {
            const again = await send();
            const isSame = !again || again.status === 503 || again.text === told.text;
            if (!isSame) self.violations.push(`${route}: ${told.text}, then ${again.text}`);
          }
          return;
        }
        if (sends === MAX_SENDS) {
          self.violations.push(`${route} ${header.name}: never answered, at last ${told?.text}`);
          return;
        }
        await delay(5 + random.below(Math.min(20 * sends, 400)));
      }
    },
  };
  return self;
}

/** The seller may just be starting again. */
async function untilItWorks<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 100) throw error;
      await delay(20);
    }
  }
}
