/**
 * A wallet with a book in memory, a key of its own, and a chain that says what a test wants: all that the wallet decides by itself, in
 * milliseconds.
 */
import type { Hex } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import type { AuthorizationProof, Chain, ProvableAuthorization } from "../../chain/index.ts";
import { accountSigner, type Quote, type Signer, Wallet } from "../../middleware/index.ts";
import type { AuthorizeOptions, WalletOptions } from "../../middleware/wallet-options.ts";
import {
  BASE_SEPOLIA_USDC,
  type MppOffer,
  type Offer,
  Secret,
  type TraceEvent,
} from "../../protocol/index.ts";
import { readMppOffer } from "../../protocol/mpp.ts";
import { type Ledger, openLedger } from "../../store/index.ts";

export const START = Date.parse("2026-11-21T00:00:00Z");
export const PAYEE = `0x${"dd".repeat(20)}` as const;
export const TX = `0x${"ab".repeat(32)}` as const;
export const UNUSED = { state: "unused" } as AuthorizationProof;
export const EXPIRED = { state: "expired" } as AuthorizationProof;
export const SETTLED = {
  state: "settled",
  transaction: TX,
  blockNumber: 1n,
} as AuthorizationProof;

const { network, address: asset } = BASE_SEPOLIA_USDC;
const url = "https://shop.example/a";

/** One cent for one request, as catalog and shop have it. */
export const QUOTE: Quote = {
  provider: "shop",
  service: "shop/items",
  request: { method: "GET", url, body: undefined },
  maxAmount: 10_000n,
  currency: "usd",
  payTo: [PAYEE],
  assets: [BASE_SEPOLIA_USDC],
};
export const OFFER: Offer = {
  x402Version: 2,
  scheme: "exact",
  network,
  amount: 10_000n,
  asset,
  payTo: PAYEE,
  maxTimeoutSeconds: 60,
  resource: url,
  raw: {
    scheme: "exact",
    network,
    amount: "10000",
    asset,
    payTo: PAYEE,
    maxTimeoutSeconds: 60,
  },
};

/** The same in MPP; without `expires` it may be paid for five minutes. */
export function mppOffer(fields: { id?: string; expires?: string } = {}): MppOffer {
  const charge = {
    amount: "10000",
    currency: asset,
    recipient: PAYEE,
    methodDetails: { chainId: 84_532, credentialTypes: ["authorization"], decimals: 6 },
  };
  const challenge = {
    id: "c1",
    realm: "shop.example",
    method: "evm",
    intent: "charge",
    request: Buffer.from(JSON.stringify(charge)).toString("base64url"),
    ...fields,
  };
  return readMppOffer(challenge, { url, now: START })!;
}

/** What the chain says, and by which clocks. */
interface Saying {
  /** Ours, in milliseconds. */
  now: number;
  /** The newest block's, in seconds. */
  chainNow: bigint;
  /** Of any authorization; an error where the chain cannot be read. */
  proof: AuthorizationProof | Error;
  /** The first block's hash; an error where the chain cannot be read. */
  genesis: Hex | Error;
  /** The questions about authorizations, with the transaction where to look first. */
  readonly asked: { authorization: ProvableAuthorization; transaction: Hex | undefined }[];
  /** How often the first block, and the newest one's time, were asked for. */
  bound: number;
  timed: number;
}

export interface ChainlessOptions extends Partial<
  Omit<WalletOptions, "ledger" | "chain" | "trace" | "now">
> {
  readonly max?: bigint;
  /** Steps in between the wallet and its book. */
  readonly through?: (ledger: Ledger) => Ledger;
}

export interface Chainless extends Disposable {
  readonly saying: Saying;
  readonly wallet: Wallet;
  readonly ledger: Ledger;
  readonly events: readonly TraceEvent[];
  /** The purchase "p1" of a cent at the shop, unless a test says otherwise. */
  pay(order?: Partial<AuthorizeOptions>): ReturnType<Wallet["authorize"]>;
  /** What counts under the one cap. */
  spent(): ReturnType<Wallet["spent"]>;
}

export function openChainless({
  max = 20_000n,
  through,
  ...options
}: ChainlessOptions = {}): Chainless {
  const saying: Saying = {
    now: START,
    chainNow: BigInt(START / 1000),
    proof: UNUSED,
    genesis: `0x${"11".repeat(32)}`,
    asked: [],
    bound: 0,
    timed: 0,
  };
  const say = <T>(value: T | Error) =>
    value instanceof Error ? Promise.reject(value) : Promise.resolve(value);
  const chain = {
    asset: BASE_SEPOLIA_USDC,
    genesisHash: () => {
      saying.bound += 1;
      return say(saying.genesis);
    },
    now: () => {
      saying.timed += 1;
      return Promise.resolve(saying.chainNow);
    },
    readAuthorization: (
      authorization: ProvableAuthorization,
      { transaction }: { transaction?: Hex },
    ) => {
      saying.asked.push({ authorization, transaction });
      return say(saying.proof);
    },
  } as unknown as Chain;
  const now = () => saying.now;
  const events: TraceEvent[] = [];
  const ledger = openLedger({ path: ":memory:", bytesKey: secret(1), now });
  const wallet = new Wallet({
    signer: newSigner(),
    nonceSecret: secret(2),
    ...options,
    ledger: through?.(ledger) ?? ledger,
    chain,
    now,
    trace: { append: (event) => void events.push(event) },
  });
  const scopes = [{ name: "wallet", kind: "cap", max, perMonth: true }] as const;
  const pay = (order: Partial<AuthorizeOptions> = {}) =>
    wallet.authorize({ purchase: "p1", quote: QUOTE, offer: OFFER, scopes, ...order });
  const spent = () => wallet.spent({ name: "wallet", perMonth: true });
  return { saying, wallet, ledger, events, pay, spent, [Symbol.dispose]: () => ledger.close() };
}

export function newSigner(): Signer {
  // Tests move the wallet's clock, and not the signer's.
  const limits = { maxWindowSeconds: 10 ** 9 };
  return accountSigner(privateKeyToAccount(generatePrivateKey()), { limits });
}

export function secret(fill: number): Secret<Uint8Array> {
  return new Secret(new Uint8Array(32).fill(fill));
}
