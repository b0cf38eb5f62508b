/** What the wallet and its signer process say to each other: one JSON object a line, integers as decimal text. */
import type { Address, Hex } from "viem";
import type { Asset } from "../../protocol/asset.ts";
import { isObject } from "../../protocol/is-object.ts";
import type { SignIntent } from "./intent.ts";
import type { SignerRule } from "./signer-rules.ts";

/** The first line to the signer. It fixes what the signer may do for as long as it runs. */
export interface StartMessage {
  readonly keyFile: string;
  /** Of a keystore. */
  readonly passphrase?: string;
  /** Make the key where it is not there. */
  readonly create: boolean;
  readonly counterFile: string;
  readonly asset: Asset;
  readonly limits: {
    readonly maxPerCall: string;
    readonly maxPerProviderMonth: string;
    readonly maxPerMonth: string;
    readonly maxWindowSeconds: number;
  };
}

export type SignerMessage =
  /** The first line back: the key is read. */
  | { ready: true; address: Address }
  | { ready: false; problem: SignerStartProblem }
  | { id: number; signature: Hex }
  | { id: number; refused: SignerRule }
  | { id: number; failed: true }
  | ({ id: number } & TotalsMessage);

export interface TotalsMessage {
  readonly month: string;
  readonly total: string;
  readonly providers: Readonly<Record<string, string>>;
  readonly counted: number;
}

/** Why a signer cannot start, in words that hold nothing of the files' content. */
export type SignerStartProblem =
  | "unreadable"
  | "exposed"
  | "not-a-key"
  | "no-passphrase"
  | "passphrase"
  | "counter";

/** A line to the signer: an intent to sign. With an id alone it asks what was signed this month. */
export interface SignerQuestion {
  readonly id: number;
  readonly intent?: unknown;
}

/** An intent as it stands in a line, integers as decimal text. */
function intentText(intent: SignIntent): string {
  const { quote, offer, authorization } = intent;
  const { value, validAfter, validBefore } = authorization;
  return JSON.stringify({
    ...intent,
    quote: { ...quote, maxAmount: `${quote.maxAmount}` },
    offer: { ...offer, amount: `${offer.amount}` },
    authorization: {
      ...authorization,
      value: `${value}`,
      validAfter: `${validAfter}`,
      validBefore: `${validBefore}`,
    },
  });
}

export function writeIntent(id: number, intent: SignIntent): string {
  return `{"id":${id},"intent":${intentText(intent)}}\n`;
}

export function writeQuestion(question: SignerQuestion): string {
  return `${JSON.stringify(question)}\n`;
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const AMOUNT = /^[1-9]\d{0,77}$/;
const NAME = /^[^]{1,200}$/;
const SECONDS = /^(0|[1-9]\d{0,18})$/;
/** The fields of an intent, each with the form that its text must have; a list is of such texts. */
const SHAPES = {
  "": { purchase: NAME, provider: NAME },
  quote: {
    payTo: [ADDRESS],
    maxAmount: /^(0|[1-9]\d{0,77})$/,
    fingerprint: /^[0-9a-f]{64}$/,
  },
  offer: {
    network: /^[a-z0-9-]{1,32}:[a-zA-Z0-9-]{1,64}$/,
    asset: ADDRESS,
    payTo: ADDRESS,
    amount: AMOUNT,
  },
  authorization: {
    from: ADDRESS,
    to: ADDRESS,
    value: AMOUNT,
    validAfter: SECONDS,
    validBefore: SECONDS,
    nonce: /^0x[0-9a-fA-F]{64}$/,
  },
} as const;
const MAX_PAYEES = 50;

/** The intent of a line, or undefined when a field is not exactly what it must be. */
export function readIntent(intent: unknown): SignIntent | undefined {
  if (!isObject(intent)) return undefined;
  const { quote, offer, authorization, ...names } = intent;
  const parts = { "": names, quote, offer, authorization };
  for (const [part, shapes] of Object.entries(SHAPES)) {
    if (!fits(parts[part as keyof typeof parts], shapes)) return undefined;
  }
  const { purchase, provider } = names as Record<string, string>;
  const text = { quote, offer, authorization } as unknown as WithText;
  return {
    purchase: purchase!,
    provider: provider!,
    quote: { ...text.quote, maxAmount: BigInt(text.quote.maxAmount) },
    offer: { ...text.offer, amount: BigInt(text.offer.amount) },
    authorization: {
      ...text.authorization,
      value: BigInt(text.authorization.value),
      validAfter: BigInt(text.authorization.validAfter),
      validBefore: BigInt(text.authorization.validBefore),
    },
  };
}

type Texts<Part> = { [Name in keyof Part]: Part[Name] extends bigint ? string : Part[Name] };
interface WithText {
  quote: Texts<SignIntent["quote"]>;
  offer: Texts<SignIntent["offer"]>;
  authorization: Texts<SignIntent["authorization"]>;
}

function fits(
  part: unknown,
  shapes: Readonly<Record<string, RegExp | readonly [RegExp]>>,
): boolean {
  if (!isObject(part) || Object.keys(part).length !== Object.keys(shapes).length) return false;
  return Object.entries(shapes).every(([name, shape]) => {
    const value = part[name];
    if (shape instanceof RegExp) return isText(value, shape);
    return (
      Array.isArray(value) &&
      value.length <= MAX_PAYEES &&
      value.every((each) => isText(each, shape[0]))
    );
  });
}

function isText(value: unknown, shape: RegExp): boolean {
  return typeof value === "string" && shape.test(value);
}
