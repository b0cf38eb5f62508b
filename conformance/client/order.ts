/**
 * What a client under test is told, and how it is run: once for each purchase, with a key that holds play money, by its own word. What
 * it may spend and on whom is said; whether it keeps to that is what is tested.
 */
import type { Address, Hex } from "viem";
import type { Asset } from "../../protocol/asset.ts";

export interface Order {
  /** The paid URL, on this machine. */
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** A private key that holds play money on the chain at `rpcUrl`, and nothing anywhere else. */
  readonly key: Hex;
  readonly rpcUrl: string;
  /** The one token to pay in. */
  readonly asset: Asset;
  /** The one recipient to pay. */
  readonly payTo: Address;
  /** The most that this purchase may cost, in atomic units. */
  readonly max: bigint;
  /** The purchase's name: the same one again means the same purchase. */
  readonly purchase: string;
  /** For an agent: what to do, as a person would say it. */
  readonly goal: string | undefined;
  /** Aborted when its time is over. */
  readonly signal: AbortSignal;
}

export interface ClientEnd {
  /** It says that it got what it asked for: exit code 0, or a response whose status is 2xx. */
  readonly ok: boolean;
  /** Whatever it said, to find a key in or to quote from. */
  readonly said: string;
  /** False where it had to be ended. */
  readonly ended: boolean;
}

/** Runs the client once. It never rejects. */
export type Client = (order: Order) => Promise<ClientEnd>;

/** A client that is a function in this process: whatever it throws, it has not got what it asked for. */
export function functionClient(pay: (order: Order) => Promise<Response>): Client {
  return async (order) => {
    const { promise: late, resolve } = Promise.withResolvers<ClientEnd>();
    order.signal.addEventListener("abort", () => resolve({ ok: false, said: "", ended: false }));
    const done = async (): Promise<ClientEnd> => {
      try {
        const response = await pay(order);
        return { ok: response.ok, said: await response.text(), ended: true };
      } catch (error) {
        return { ok: false, said: String(error), ended: true };
      }
    };
    return await Promise.race([late, done()]);
  };
}
