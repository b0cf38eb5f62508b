/**
 * How a wallet that came from a backup pays again: `reconcile` takes what it finds on the chain into the book, and where nothing from
 * before can move any more, the folder's mark goes.
 */
import { type Hex, pad, toEventSelector } from "viem";
import type { Transfer } from "../chain/index.ts";
import { removeMark, restoredAt } from "../scenarios/world/restored-mark.ts";
import type { JoinedWallet } from "../scenarios/world/wallet-folder.ts";
import { UNATTRIBUTED } from "../store/index.ts";

const USED = toEventSelector("AuthorizationUsed(address,bytes32)");
const TRANSFER = toEventSelector("Transfer(address,address,uint256)");
const WITHOUT_LIMIT = 10n ** 18n;
/** No authorization from before the restore can still be used after this, by the chain's clock. */
const SETTLING_SECONDS = 200n;

/** Takes the mark away, once nothing from before the restore can still move. Says whether it is gone. */
export async function unmark(folder: string, { chain }: JoinedWallet): Promise<boolean> {
  const at = restoredAt(folder);
  if (at === undefined) return true;
  const last = BigInt(Math.floor(at / 1_000)) + SETTLING_SECONDS;
  const { timestamp } = await chain.client.getBlock({ blockTag: "finalized" });
  if (timestamp < last) return false;
  removeMark(folder);
  return true;
}

/**
 * Books a transfer that the book does not know as settled, in this month: under the wallet's own cap and those of the providers that
 * the book has paid at this address before; where it has paid none, against every provider's.
 */
export async function adopt(joined: JoinedWallet, transfer: Transfer): Promise<void> {
  const { ledger } = joined;
  const known = await ledger.providerCaps(transfer.to);
  const names = ["wallet", ...(known.length > 0 ? known : [UNATTRIBUTED])];
  for (const nonce of await noncesOf(joined, transfer)) {
    const { entry } = await ledger.reserve({
      purchase: `found:${nonce}`,
      provider: "found-on-chain",
      service: "found-on-chain/authorization",
      fingerprint: "",
      payTo: transfer.to,
      amount: transfer.value,
      validAfter: 0n,
      validBefore: 0n,
      nonceOf: () => nonce,
      scopes: names.map((name) => ({ name, kind: "cap", max: WITHOUT_LIMIT, perMonth: true })),
    });
    if (entry.state === "settled") continue;
    await ledger.markSent(nonce, { name: "PAYMENT-SIGNATURE", value: "" });
    await ledger.markSettled(nonce, transfer.transaction);
  }
}

/** The authorizations that such a transfer in this transaction came from: the event right before it says. */
async function noncesOf(
  { chain, wallet, ledger, asset }: JoinedWallet,
  { transaction, to, value }: Transfer,
): Promise<Hex[]> {
  const known = new Set((await ledger.list()).map(({ nonce }) => nonce.toLowerCase()));
  const { logs } = await chain.client.getTransactionReceipt({ hash: transaction });
  const ours = logs.filter((log) => log.address.toLowerCase() === asset.address.toLowerCase());
  const isSame = (topic: Hex | undefined, address: Hex) =>
    topic?.toLowerCase() === pad(address).toLowerCase();
  const found = ours.flatMap(({ topics: [event, from, payee], data }, index) => {
    if (event !== TRANSFER || BigInt(data) !== value) return [];
    if (!isSame(from, wallet.address) || !isSame(payee, to)) return [];
    const [before, payer, nonce] = ours[index - 1]?.topics ?? [];
    return before === USED && isSame(payer, wallet.address) && nonce ? [nonce] : [];
  });
  return found.filter((nonce) => !known.has(nonce.toLowerCase())).slice(0, 1);
}
