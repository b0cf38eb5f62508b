/** A sale as it stands in its row: money as text, the rest as JSON. */
import type { Address, Hex } from "viem";
import { getAddress } from "../../protocol/address.ts";
import { type Asset, findAsset } from "../../protocol/asset.ts";
import type { SettleResponse } from "../../protocol/authorization.ts";
import type { StoredAnswer } from "./door.ts";
import type { PaywallProtocol } from "./presented-payment.ts";
import type { SaleRecord, SaleState } from "./sale-record.ts";
import type { AskedRequest } from "./terms.ts";

export interface SaleRow {
  name: string;
  state: SaleState;
  digest: string;
  fingerprint: string;
  buyer_key: string | null;
  owner: string | null;
  lease: number;
  refused: number;
  facts: string;
  payload: string;
  tx: string | null;
  receipt: string | null;
  answer: string | null;
  at: number;
}

/** What a sale has come to. */
export type OutcomeColumns = Pick<SaleRow, "state" | "receipt" | "answer" | "at">;

interface Facts<Order> {
  order: Order;
  payer: Address;
  nonce: Hex;
  amount: string;
  validBefore: string;
  network: string;
  asset: string;
  /** All of it, where it is one of the seller's own. */
  token?: Asset | undefined;
  payTo: Address;
  description: string;
  asked: AskedRequest;
  protocol: PaywallProtocol;
}

export function readRow<Order>(row: SaleRow): SaleRecord<Order> {
  const { name, digest, fingerprint, owner, lease } = row;
  const { order, payer, nonce, amount, validBefore, network, asset, token, payTo, ...facts } =
    JSON.parse(row.facts) as Facts<Order>;
  const known = findAsset(network, asset) ?? token;
  if (!known) throw new Error(`the record of a sale names an unknown token ${asset}`);
  return {
    name,
    digest,
    fingerprint,
    buyerKey: row.buyer_key ?? undefined,
    sale: {
      order,
      payer: getAddress(payer),
      nonce,
      amount: BigInt(amount),
      asset: known,
      payTo: getAddress(payTo),
      validBefore: BigInt(validBefore),
    },
    ...facts,
    payload: JSON.parse(row.payload) as Record<string, unknown>,
    transaction: (row.tx as Hex | null) ?? undefined,
    refused: row.refused === 1,
    owner: owner === null ? undefined : { id: owner, until: lease },
    ...readOutcome(row),
  };
}

export function readOutcome({ state, receipt, answer, at }: OutcomeColumns) {
  return {
    state,
    receipt: receipt === null ? undefined : (JSON.parse(receipt) as SettleResponse),
    answer: answer === null ? undefined : (JSON.parse(answer) as StoredAnswer),
    at,
  };
}

export function writeFacts<Order>(record: SaleRecord<Order>): string {
  const { sale, description, asked, protocol } = record;
  const { order, payer, nonce, amount, asset, payTo, validBefore } = sale;
  return JSON.stringify({
    order,
    payer,
    nonce,
    amount: amount.toString(),
    validBefore: validBefore.toString(),
    network: asset.network,
    asset: asset.address,
    token: findAsset(asset.network, asset.address) ? undefined : asset,
    payTo,
    description,
    asked,
    protocol,
  } satisfies Facts<Order>);
}
