/**
 * What the chain itself says of an EIP-3009 authorization. A server's receipt is a claim; this is the proof that a wallet
 * counts money by. It says "expired" or "cancelled" only when nothing can move the money any more: a clock is no proof, and
 * neither is a block that a reorganisation may still take back.
 */
import { type Hex, pad, type PublicClient, toEventSelector } from "viem";
import type { Asset } from "../protocol/asset.ts";
import type { Authorization } from "../protocol/authorization.ts";
import { logsUnavailable, reading } from "./error.ts";
import { type BlockRange, findNewestLogs, hexRange } from "./logs.ts";
import { clientReceipts, type EventLog, type ReadReceipt } from "./receipt.ts";
import { shared } from "./shared-reads.ts";
import { TOKEN_ABI } from "./token-abi.ts";

const USED = toEventSelector("AuthorizationUsed(address,bytes32)");
const CANCELED = toEventSelector("AuthorizationCanceled(address,bytes32)");
const TRANSFER = toEventSelector("Transfer(address,address,uint256)");
const APPROVAL = toEventSelector("Approval(address,address,uint256)");
/** The token's events, by how much data each has beside its two indexed fields; any other log is not looked at. */
const DATA_BYTES: Readonly<Record<string, number>> = {
  [USED]: 0,
  [CANCELED]: 0,
  [TRANSFER]: 32,
  [APPROVAL]: 32,
};

export type AuthorizationProof =
  /** The money moved, to whom and as much as was signed; as final as its block. */
  | { state: "settled"; transaction: Hex; blockNumber: bigint }
  /** The payer took it back. `finalized`: no reorganisation can undo that. */
  | { state: "cancelled"; transaction: Hex; blockNumber: bigint; finalized: boolean }
  /** Used, but the transfer beside it is not the one asked about. */
  | { state: "used_otherwise"; transaction: Hex; blockNumber: bigint }
  /** Never used, and a finalized block is past `validBefore`: it can never be used again. */
  | { state: "expired"; blockNumber: bigint }
  /** Not used so far. Money may still move. */
  | { state: "unused" };

/** The parts of an authorization that its proof depends on. */
export type ProvableAuthorization = Pick<
  Authorization,
  "from" | "to" | "value" | "nonce" | "validBefore"
>;

export interface ReadAuthorizationOptions {
  client: PublicClient;
  asset: Asset;
  authorization: ProvableAuthorization;
  /** Where somebody says it was settled; looked at first, and believed no further than its logs go. */
  transaction?: Hex | undefined;
  /** The block before which it cannot have been signed; narrows the search. */
  fromBlock?: bigint | undefined;
  /** Through `client` unless given. */
  readReceipt?: ReadReceipt | undefined;
}

/** Reads the proof, or throws `CHAIN_UNREACHABLE` or `CHAIN_LOGS_UNAVAILABLE`, which prove nothing either way. */
export async function readAuthorization(
  options: ReadAuthorizationOptions,
): Promise<AuthorizationProof> {
  const { authorization, transaction } = options;
  if (transaction !== undefined) {
    const proof = await readTransaction(options, transaction);
    if (proof) return proof;
  }
  const used = await reading("the authorization's state", readState(options));
  if (!used) return (await readExpiry(options)) ?? { state: "unused" };
  for (const hash of await findUses(options)) {
    const proof = await readTransaction(options, hash);
    if (proof) return proof;
  }
  throw logsUnavailable(authorization.nonce);
}

function readState(
  { client, asset, authorization }: ReadAuthorizationOptions,
  blockNumber?: bigint,
) {
  return client.readContract({
    address: asset.address,
    abi: TOKEN_ABI,
    functionName: "authorizationState",
    args: [authorization.from, authorization.nonce],
    ...(blockNumber === undefined ? {} : { blockNumber }),
  });
}

async function readExpiry(
  options: ReadAuthorizationOptions,
): Promise<AuthorizationProof | undefined> {
  const block = await reading(
    "the finalized block",
    options.client.getBlock({ blockTag: "finalized" }),
  );
  if (block.timestamp < options.authorization.validBefore) return undefined;
  const used = await reading("the finalized state", readState(options, block.number));
  return used ? undefined : { state: "expired", blockNumber: block.number };
}

/** The transactions that used or cancelled it: one, unless a reorganisation happens meanwhile. */
function findUses({ client, asset, authorization, fromBlock = 0n }: ReadAuthorizationOptions) {
  const topics = [[USED, CANCELED], pad(authorization.from), authorization.nonce];
  const getLogs = async (range: BlockRange) => {
    const filter = { address: asset.address, topics, ...hexRange(range) };
    const logs = await client.request({ method: "eth_getLogs", params: [filter] });
    return logs.flatMap((log) => log.transactionHash ?? []);
  };
  return findNewestLogs({ client, fromBlock, getLogs });
}

/** What one transaction did with the authorization; undefined when it does not name it or does not exist. */
async function readTransaction(
  { client, asset, authorization, readReceipt = clientReceipts(client) }: ReadAuthorizationOptions,
  hash: Hex,
): Promise<AuthorizationProof | undefined> {
  const receipt = await shared(client, hash, () => readReceipt(hash));
  const outcome = receipt && readOutcome(receipt, asset, authorization);
  if (!outcome) return undefined;
  const { transactionHash: transaction, blockNumber } = receipt;
  if (outcome !== "cancelled") return { state: outcome, transaction, blockNumber };
  const newest = shared(client, "finalized", () => client.getBlock({ blockTag: "finalized" }));
  const block = await reading("the finalized block", newest);
  return { state: outcome, transaction, blockNumber, finalized: blockNumber <= block.number };
}

interface UseIndex {
  readonly asset: Asset;
  /** The token's events. */
  readonly logs: readonly EventLog[];
  /** Where in them an authorization's use or cancellation stands, by payer and nonce. */
  readonly uses: ReadonlyMap<string, number>;
}

const indexes = new WeakMap<object, UseIndex>();

/** A batch's receipt has hundreds of logs and is read once for each of its payments: so it is indexed, by the raw topics. */
function indexUses(receipt: { readonly logs: readonly EventLog[] }, asset: Asset): UseIndex {
  const known = indexes.get(receipt);
  if (known?.asset === asset) return known;
  const address = asset.address.toLowerCase();
  const logs = receipt.logs.filter((log) => {
    const [event = "0x", ...indexed] = log.topics;
    const isKnown = DATA_BYTES[event] === (log.data.length - 2) / 2 && indexed.length === 2;
    return isKnown && log.address.toLowerCase() === address;
  });
  const uses = new Map<string, number>();
  for (const [at, { topics }] of logs.entries()) {
    const [event, payer, nonce] = topics;
    if (event !== USED && event !== CANCELED) continue;
    const key = `${payer} ${nonce}`.toLowerCase();
    if (!uses.has(key)) uses.set(key, at);
  }
  const index = { asset, logs, uses };
  indexes.set(receipt, index);
  return index;
}

/**
 * Reads a receipt's logs in their order. One transaction may carry many authorizations, so the transfer that counts is the one
 * right after the `AuthorizationUsed` with this payer and nonce.
 */
export function readOutcome(
  receipt: { readonly logs: readonly EventLog[] },
  asset: Asset,
  { from, to, value, nonce }: ProvableAuthorization,
): "settled" | "cancelled" | "used_otherwise" | undefined {
  const { logs: ofToken, uses } = indexUses(receipt, asset);
  const first = uses.get(`${pad(from)} ${nonce}`.toLowerCase());
  if (first === undefined) return undefined;
  if (ofToken[first]?.topics[0] === CANCELED) return "cancelled";
  const transfer = ofToken[first + 1];
  const [event, payer, payee] = transfer?.topics ?? [];
  const matches =
    transfer !== undefined &&
    event === TRANSFER &&
    payer?.toLowerCase() === pad(from).toLowerCase() &&
    payee?.toLowerCase() === pad(to).toLowerCase() &&
    BigInt(transfer.data) === value;
  return matches ? "settled" : "used_otherwise";
}
