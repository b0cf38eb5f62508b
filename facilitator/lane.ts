/**
 * Sends transactions from one account, one after another, with its own nonce counter: a send that fails gives its nonce back, so
 * that one failure never strands those that follow. (viem's `nonceManager` does strand them.) What left and is not known to be
 * over is followed in the background, also after a restart; see `flights.ts`.
 */
import { type Address, type Hex, type LocalAccount, type PublicClient } from "viem";
import { ChainError } from "../chain/index.ts";
import { type BaseFee, type FeeLimits, type Fees, firstFees } from "./fees.ts";
import { Flights } from "./flights.ts";
import { type JsonRpc, RpcRefusal } from "./json-rpc.ts";
import type { FacilitatorLog } from "./log.ts";
import { knows, parseReceipt, type Receipt } from "./lookup.ts";
import type { PendingStore } from "./pending-store.ts";
import { signTransaction } from "./raw-transaction.ts";
import { isTransportError } from "./transport-error.ts";

export interface Call {
  to: Address;
  data: Hex;
  /** Fixed by the caller: estimating costs a call to the chain, and lies when other payments are under way. */
  gas: bigint;
  /** The payments in it. */
  keys: readonly string[];
}

export type SendOutcome =
  | { state: "mined"; receipt: Receipt }
  /** The chain has it, or may have it: it can still be mined. */
  | { state: "sent"; transaction: Hex }
  /** The chain did not take it: it can never be mined. */
  | { state: "refused"; detail: string };

export interface LaneOptions {
  /** Neither batches nor retries: a send that is repeated behind our back could not be told from a failed one. */
  client: PublicClient;
  /** Sends; its timeout is how long one send may hold up the line while it waits for its block. */
  rpc: JsonRpc;
  baseFee: BaseFee;
  account: LocalAccount;
  chainId: number;
  limits: FeeLimits;
  store: PendingStore;
  log: FacilitatorLog;
  /** Milliseconds since 1970. */
  now: () => number;
  /** How long one transaction may hold up the next while it waits for its block. */
  syncTimeoutMs: number;
  /** How long a transaction may wait for its block before it is sent again at a higher fee. */
  replaceAfterMs: number;
}

/** A nonce that another sender of the same account took is noticed and replaced this many times. */
const ATTEMPTS = 3;
/** JSON-RPC's and EIP-1474's words for a method that the server does not have. */
const METHOD_MISSING = new Set([-32_601, -32_004]);

export class Lane {
  readonly #options: LaneOptions;
  readonly flights: Flights;
  /** The nonce to use next; undefined when only the chain knows. */
  #nonce: number | undefined;
  /** Nonces whose transaction is over, to be forgotten with the next write. */
  #over: number[] = [];
  #hasSync = true;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.flights = new Flights({
      ...options,
      sign: (call, nonce, fees) => this.#sign(call, nonce, fees),
      onEnd: () => (this.#nonce = undefined),
    });
  }

  get address(): Address {
    return this.#options.account.address;
  }

  /** Signs and sends a call; one at a time. It never rejects once something may have been sent. */
  async send(call: Call): Promise<SendOutcome> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(call);
      if (outcome.state !== "refused" || attempt === ATTEMPTS) return outcome;
    }
  }

  async #attempt(call: Call): Promise<SendOutcome> {
    const { limits, store, now, log, baseFee } = this.#options;
    const fees = firstFees(await baseFee.get(), limits);
    if (!fees) return { state: "refused", detail: "Gas costs more than the facilitator's limit" };
    const { address: account } = this;
    const nonce = this.#nonce ?? (await this.#readNonce());
    const { serialized, hash } = await this.#sign(call, nonce, fees);
    // From here on nothing is certain until the chain has answered.
    this.#nonce = undefined;
    const { keys } = call;
    const over = this.#over.splice(0);
    store.record({ account, nonce, hash, serialized, at: now(), keys, over });
    log({ event: "sent", account, nonce, transaction: hash, payments: keys.length });
    let isKnown = true;
    try {
      const receipt = await this.#submit(serialized, hash);
      this.#nonce = nonce + 1;
      if (receipt) {
        this.#over.push(nonce);
        baseFee.learn(receipt.effectiveGasPrice, fees);
        log({ event: "concluded", account, nonce, outcome: "mined" });
        return { state: "mined", receipt };
      }
    } catch (cause) {
      const verdict = await this.#judge(hash, cause);
      if (verdict === "refused") {
        const detail = detailOf(cause);
        store.forgetAttempt(hash);
        log({ event: "not_taken", account, nonce, detail });
        return { state: "refused", detail };
      }
      isKnown = verdict === "known";
    }
    const flight = this.flights.add({
      nonce,
      attempts: [{ hash, serialized }],
      at: now(),
      isKnown,
    });
    const receipt = isKnown ? await this.flights.wait(flight, this.#patience()) : undefined;
    return receipt ? { state: "mined", receipt } : { state: "sent", transaction: hash };
  }

  /** The lowest nonce that neither the chain nor a transaction under way has. */
  async #readNonce(): Promise<number> {
    const { client } = this.#options;
    const { address } = this;
    let nonce = await client.getTransactionCount({ address, blockTag: "pending" });
    while (this.flights.hasNonce(nonce)) nonce += 1;
    return nonce;
  }

  #sign({ to, data, gas }: Pick<Call, "to" | "data" | "gas">, nonce: number, fees: Fees) {
    const { account, chainId } = this.#options;
    return signTransaction(account, { chainId, nonce, to, data, gas, fees });
  }

  /** After a synchronous send that gave up, the time is used up; a plain send returns at once. */
  #patience(): number {
    return this.#hasSync ? 0 : this.#options.syncTimeoutMs;
  }

  /** The receipt where the chain waits for the block (EIP-7966), undefined where it only takes the transaction. */
  async #submit(serialized: Hex, hash: Hex): Promise<Receipt | undefined> {
    const { rpc } = this.#options;
    if (this.#hasSync) {
      try {
        const receipt = parseReceipt(await rpc.request("eth_sendRawTransactionSync", [serialized]));
        if (receipt && receipt.transactionHash !== hash) throw otherReceipt();
        return receipt;
      } catch (error) {
        if (!(error instanceof RpcRefusal && METHOD_MISSING.has(error.code))) throw error;
        this.#hasSync = false;
      }
    }
    await rpc.request("eth_sendRawTransaction", [serialized]);
    return undefined;
  }

  /** After an error only the chain can say whether it has the transaction; silence counts as yes. */
  async #judge(transaction: Hex, cause: unknown): Promise<"known" | "refused" | "unknown"> {
    try {
      if (await knows(this.#options.client, transaction)) return "known";
      return isTransportError(cause) ? "unknown" : "refused";
    } catch {
      return "unknown"; // Not reachable: the transaction may be there.
    }
  }
}

/** Whether ours was taken is as unknown as after silence. */
function otherReceipt(): ChainError {
  return new ChainError("CHAIN_UNREACHABLE", {
    problem: "The RPC server answered a send with another transaction's receipt.",
    nextStep: "Use another RPC server.",
  });
}

/** The node's own words, such as "Insufficient funds for gas", without anything long that it repeats of ours. */
function detailOf(cause: unknown): string {
  const text = cause instanceof RpcRefusal ? cause.message : "";
  return text
    .split("\n", 1)[0]!
    .replaceAll(/0x[0-9a-f]{65,}/gi, "0x…")
    .slice(0, 150);
}
