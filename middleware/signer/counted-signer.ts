/**
 * What every signer is, wherever its key lies: an intent is held against the signer's own rules and limits, counted durably, and
 * only then signed. Intents that arrive together share one sync of the counter's file.
 */
import { hash } from "node:crypto";
import type { Hex } from "viem";
import type { Authorization } from "../../protocol/transfer-authorization.ts";
import { type Claim, Counter } from "./counter.ts";
import type { CounterFile } from "./counter-file.ts";
import type { SignedTotals, Signer, SignIntent } from "./intent.ts";
import { findBrokenRule, type SignerSettings } from "./signer-rules.ts";
import { signerRefused } from "./signer-refusal.ts";

export interface CountedSigner extends Signer {
  signed(): SignedTotals;
}

export interface CountedSignerOptions extends SignerSettings {
  /** The signature alone, of what was found to be right. */
  readonly signAuthorization: (authorization: Authorization) => Hex | Promise<Hex>;
  /** In memory unless given. */
  readonly file?: Pick<CounterFile, "counter" | "claim" | "size"> | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
}

/** The wallet records together what it hears together, so answers come some at a time. */
const MAX_BATCH = 16;

interface Asked {
  readonly intent: SignIntent;
  readonly resolve: (signature: Hex) => void;
  readonly reject: (error: unknown) => void;
}

export function countedSigner(options: CountedSignerOptions): CountedSigner {
  const { address, limits, signAuthorization, now = Date.now } = options;
  const kept = options.file;
  const file = kept ?? inMemory();
  const waiting: Asked[] = [];
  let isAnswering = false;

  const time = () => Math.max(Math.floor(now()), file.counter.latest);
  const answerNext = async () => {
    await answer(waiting.splice(0, MAX_BATCH));
    isAnswering = waiting.length > 0;
    if (isAnswering) setImmediate(() => void answerNext());
  };
  /** Resolves when what is signed of a batch may leave; a signature that takes longer holds up no other batch. */
  const answer = async (batch: readonly Asked[]) => {
    try {
      const { rules, mayLeave } = file.claim(batch.map(({ intent }) => claimOf(intent)));
      const signing = Promise.allSettled(
        batch.map(async ({ intent }, index) => {
          const rule = rules[index];
          if (rule !== undefined) throw signerRefused(rule);
          return signAuthorization(intent.authorization);
        }),
      );
      await mayLeave();
      void signing.then((signed) => {
        for (const [index, { resolve, reject }] of batch.entries()) {
          const result = signed[index]!;
          if (result.status === "fulfilled") resolve(result.value);
          else reject(result.reason);
        }
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };
  const claimOf = (intent: SignIntent): Claim => ({
    at: time(),
    nonce: intent.authorization.nonce,
    terms: digestOf(intent),
    provider: intent.provider,
    amount: intent.authorization.value,
    maxPerProviderMonth: limits.maxPerProviderMonth,
    maxPerMonth: limits.maxPerMonth,
  });
  return {
    address,
    async sign(intent) {
      const rule = findBrokenRule(intent, options, Math.floor(now() / 1_000));
      if (rule !== undefined) throw signerRefused(rule);
      return new Promise((resolve, reject) => {
        waiting.push({ intent, resolve, reject });
        if (isAnswering) return;
        isAnswering = true;
        queueMicrotask(() => void answerNext());
      });
    },
    ...(kept ? { counted: () => kept.size() } : {}),
    signed: () => file.counter.totals(time()),
  };
}

function inMemory(): Pick<CounterFile, "counter" | "claim"> {
  const counter = new Counter();
  return {
    counter,
    claim: (claims) => ({
      rules: claims.map((claim) => counter.count(claim)),
      mayLeave: () => Promise.resolve(),
    }),
  };
}

/** Everything that a nonce is signed for. */
function digestOf({ purchase, provider, quote, offer, authorization }: SignIntent): string {
  const { from, to, value, validAfter, validBefore } = authorization;
  const terms = [
    purchase,
    provider,
    quote.fingerprint,
    offer.network,
    offer.asset.toLowerCase(),
    from.toLowerCase(),
    to.toLowerCase(),
    ...[value, validAfter, validBefore].map(String),
  ];
  return hash("sha256", JSON.stringify(terms)).slice(0, 32);
}
