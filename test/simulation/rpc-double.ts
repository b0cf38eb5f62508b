/**
 * The RPC servers in front of the chain: some are behind the newest block, and questions fail. Only the questions that the proofs of
 * settlement ask are answered; the proofs themselves are the real ones.
 */
import {
  type Address,
  type Hex,
  pad,
  type PublicClient,
  toEventSelector,
  TransactionReceiptNotFoundError,
} from "viem";
import { type Chain, readAuthorization, reading } from "../../chain/index.ts";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import type { Chance } from "./chance.ts";
import type { Block, ChainDouble, Transaction } from "./chain-double.ts";
import type { Actor, Scheduler } from "./scheduler.ts";

const asset = BASE_SEPOLIA_USDC;
const USED = toEventSelector("AuthorizationUsed(address,bytes32)");
const CANCELED = toEventSelector("AuthorizationCanceled(address,bytes32)");
const TRANSFER = toEventSelector("Transfer(address,address,uint256)");

export interface RpcOptions {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly chain: ChainDouble;
  readonly faults: { rpc: number };
}

/** The chain as one process reads it. */
export function openRpc(options: RpcOptions, actor: Actor): Chain {
  const { scheduler, chance, chain, faults } = options;
  /** A question to a server that may not have the newest blocks. */
  const ask = <T>(read: (view: Block) => T) =>
    scheduler.ask(actor, chance.int(1, 30), chance.int(1, 30), () => {
      if (chance.happens(faults.rpc)) throw new Error("the RPC server does not answer");
      const behind = chance.happens(faults.rpc) ? chance.int(1, 2) : 0;
      return read(chain.blocks.at(-1 - behind) ?? chain.blocks[0]!);
    });
  const finalBy = (view: Block) =>
    chain.blocks[Math.max(0, Math.min(view.number, chain.finalized.number))]!;
  const client = {
    getBlock: ({ blockTag }: { blockTag?: string } = {}) =>
      ask((view) => {
        const { number, timestamp } = blockTag === "finalized" ? finalBy(view) : view;
        return { number: BigInt(number), timestamp: BigInt(timestamp), hash: pad("0x1") };
      }),
    getBlockNumber: () => ask((view) => BigInt(view.number)),
    readContract: ({ args, blockNumber }: { args: [Address, Hex]; blockNumber?: bigint }) =>
      ask((view) => {
        const at = blockNumber === undefined ? view : chain.blocks[Number(blockNumber)];
        if (!at || at.number > view.number) throw new Error("header not found");
        return chain.endOf(args[1], at) !== undefined;
      }),
    getTransactionReceipt: ({ hash }: { hash: Hex }) =>
      ask((view) => {
        for (const block of chain.blocks.slice(0, view.number + 1)) {
          const found = block.transactions.find((transaction) => transaction.hash === hash);
          if (found) return receiptOf(found, block);
        }
        throw new TransactionReceiptNotFoundError({ hash });
      }),
    request: ({ params: [{ topics }] }: { params: [{ topics: [Hex[], Hex, Hex] }] }) =>
      ask((view) => {
        const end = chain.endOf(topics[2], view);
        return end ? [{ transactionHash: end.transaction.hash }] : [];
      }),
  } as unknown as PublicClient;
  return {
    client,
    asset,
    readAuthorization: (authorization, search) =>
      readAuthorization({ client, asset, authorization, ...search }),
    now: () =>
      reading(
        "the newest block",
        ask((view) => BigInt(view.timestamp)),
      ),
    genesisHash: () =>
      reading(
        "the genesis block",
        ask(() => pad("0x1")),
      ),
    balanceOf: () => Promise.resolve(10n ** 30n),
    transfersFrom: () => Promise.resolve([]),
    transfersBetween: () => Promise.resolve([]),
  };
}

function receiptOf({ hash, kind, authorization }: Transaction, { number }: Block) {
  const { from, to, value, nonce } = authorization;
  const log = (topics: Hex[], data: Hex) => ({ address: asset.address, topics, data });
  const event = kind === "transfer" ? USED : CANCELED;
  const logs = [log([event, pad(from), nonce], "0x")];
  if (kind === "transfer") {
    logs.push(log([TRANSFER, pad(from), pad(to)], pad(`0x${value.toString(16)}`)));
  }
  return { transactionHash: hash, blockNumber: BigInt(number), logs };
}
