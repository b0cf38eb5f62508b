/**
 * What the chain says of a payment's payer, read from the newest block. A question that finds nobody reading is asked at once;
 * those that come meanwhile are asked together, in one call, when the first is answered.
 */
import {
  type Address,
  decodeFunctionResult,
  encodeFunctionData,
  type Hex,
  multicall3Abi,
  type PublicClient,
} from "viem";
import { reading, TOKEN_ABI } from "../chain/index.ts";
import type { Asset } from "../protocol/asset.ts";
import { encodeBatch } from "./multicall.ts";
import type { Payment } from "./payment.ts";

export interface PayerState {
  /** The payer's balance in atomic units. */
  readonly balance: bigint;
  /** True once the authorization is used or cancelled. */
  readonly used: boolean;
  /** The later of the newest block's time and the clock's, in Unix seconds: no block to come can be earlier. */
  readonly time: bigint;
  /** True where the payer has code: a smart wallet, or a key that lent its address to one (EIP-7702). */
  readonly isContract: boolean;
  /** Of the newest block, in wei. */
  readonly baseFeePerGas: bigint;
}

export interface PayerStatesOptions {
  /** A client that sends the reads together. */
  client: PublicClient;
  asset: Asset;
  /** Whether the chain has Multicall3. */
  canBatch: () => Promise<boolean>;
  /** Milliseconds since 1970. */
  now: () => number;
}

interface Question {
  readonly payment: Payment;
  readonly answer: PromiseWithResolvers<PayerState>;
}

/** Questions in one call at most: what every node answers within its gas limit for calls. */
const MAX_QUESTIONS = 200;

export class PayerStates {
  readonly #options: PayerStatesOptions;
  #questions: Question[] = [];
  #isReading = false;

  constructor(options: PayerStatesOptions) {
    this.#options = options;
  }

  /** Reads one, or throws `CHAIN_UNREACHABLE`. */
  async read(payment: Payment): Promise<PayerState> {
    const answer = Promise.withResolvers<PayerState>();
    this.#questions.push({ payment, answer });
    void this.#run();
    return answer.promise;
  }

  async #run(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#questions.length > 0) {
      const asked = this.#questions.splice(0, MAX_QUESTIONS);
      try {
        const states = await reading("the payer's state", this.#readAll(asked));
        for (const [at, { answer }] of asked.entries()) answer.resolve(states[at]!);
      } catch (error) {
        for (const { answer } of asked) answer.reject(error);
      }
    }
    this.#isReading = false;
  }

  async #readAll(asked: readonly Question[]): Promise<PayerState[]> {
    const { client, now } = this.#options;
    const payers = asked.map(({ payment }) => payment.authorization.from);
    const [block, words, ...codes] = await Promise.all([
      client.getBlock(),
      this.#readWords(asked.flatMap(({ payment }) => callsFor(payment))),
      ...payers.map((address) =>
        client.request({ method: "eth_getCode", params: [address, "latest"] }),
      ),
    ]);
    const clock = BigInt(Math.floor(now() / 1000));
    return asked.map((_, at) => ({
      balance: words[at * 2]!,
      used: words[at * 2 + 1] !== 0n,
      time: clock > block.timestamp ? clock : block.timestamp,
      isContract: codes[at] !== "0x",
      baseFeePerGas: block.baseFeePerGas ?? 0n,
    }));
  }

  /** The token's answers to several calls, each one word. */
  async #readWords(calls: readonly Hex[]): Promise<bigint[]> {
    const { client, asset, canBatch } = this.#options;
    const call = (to: Address, data: Hex) =>
      client.request({ method: "eth_call", params: [{ to, data }, "latest"] });
    if (calls.length === 2 || !(await canBatch())) {
      const answers = await Promise.all(calls.map((data) => call(asset.address, data)));
      return answers.map((answer) => BigInt(answer));
    }
    const { to, data } = encodeBatch(calls.map((data) => ({ to: asset.address, data })));
    const results = decodeFunctionResult({
      abi: multicall3Abi,
      functionName: "aggregate3",
      data: await call(to, data),
    });
    return results.map(({ returnData }) => BigInt(returnData));
  }
}

function callsFor({ authorization: { from, nonce } }: Payment): Hex[] {
  const abi = TOKEN_ABI;
  return [
    encodeFunctionData({ abi, functionName: "balanceOf", args: [from] }),
    encodeFunctionData({ abi, functionName: "authorizationState", args: [from, nonce] }),
  ];
}
