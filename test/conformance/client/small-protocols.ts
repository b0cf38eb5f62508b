/** How the small client reads what is asked and writes what it pays, in each protocol. It reads what it is told; what is wrong with that is for others to see. */
import { type Hex, keccak256, stringToBytes } from "viem";
import type { Order, Profile } from "../../../conformance/index.ts";
import { encodeJson, findAsset } from "../../../protocol/index.ts";

/** An offer in the words of x402 v2, and as it was written. */
export interface SmallOffer {
  scheme: string;
  network: string;
  amount: string;
  asset: string;
  payTo: string;
  maxTimeoutSeconds: number;
  extra: { name: string; version: string; assetTransferMethod?: string };
  raw: Record<string, any>;
}

export interface SmallChallenge {
  accepts: SmallOffer[];
  /** What it says that it sells. */
  resource: string;
}

export interface SmallProtocol {
  read: (challenge: Response, order: Order) => Promise<SmallChallenge>;
  /** Of the authorization; undefined where any will do. */
  nonce: (offer: SmallOffer) => Hex | undefined;
  write: (offer: SmallOffer, payload: Record<string, any>, from: string) => string;
  headers: (payment: string) => Record<string, string>;
  /** What a client that cannot decide sends as well. */
  other: (payment: string) => Record<string, string>;
}

const anyNonce = () => undefined;
const decode = (text: string) => JSON.parse(Buffer.from(text, "base64").toString());

const v2: SmallProtocol = {
  async read(challenge) {
    const { accepts, resource } = decode(challenge.headers.get("payment-required") ?? "");
    return {
      accepts: (accepts as SmallOffer[]).map((raw) => ({ ...raw, raw })),
      resource: resource.url,
    };
  },
  nonce: anyNonce,
  write: ({ raw }, payload) => encodeJson({ x402Version: 2, accepted: raw, payload }),
  headers: (payment) => ({ "PAYMENT-SIGNATURE": payment }),
  other: (payment) => ({ "X-PAYMENT": payment }),
};

const v1: SmallProtocol = {
  async read(challenge, { asset }) {
    const { accepts } = (await challenge.json()) as { accepts: Record<string, any>[] };
    const networkOf = (name: string) =>
      name === asset.networkName ? asset.network : "eip155:8453";
    const offers = accepts.map((raw) => ({
      ...(raw as SmallOffer),
      network: networkOf(raw["network"]),
      amount: raw["maxAmountRequired"] as string,
      raw,
    }));
    return { accepts: offers, resource: accepts[0]?.["resource"] };
  },
  nonce: anyNonce,
  write: ({ raw: { scheme, network } }, payload) =>
    encodeJson({ x402Version: 1, scheme, network, payload }),
  headers: (payment) => ({ "X-PAYMENT": payment }),
  other: (payment) => ({ "PAYMENT-SIGNATURE": payment }),
};

const mpp: SmallProtocol = {
  async read(challenge, { asset, url }) {
    const header = challenge.headers.get("www-authenticate") ?? "";
    const all = header.split(/(?:^|, )Payment /).slice(1);
    const accepts = all.map((text): SmallOffer => {
      const raw = Object.fromEntries(
        [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
      ) as Record<string, string>;
      const request = JSON.parse(Buffer.from(raw["request"] ?? "", "base64url").toString());
      const network = `eip155:${request.methodDetails.chainId}`;
      return {
        scheme: "exact",
        network,
        amount: request.amount,
        asset: request.currency,
        payTo: request.recipient,
        maxTimeoutSeconds: Math.floor((Date.parse(raw["expires"] ?? "") - Date.now()) / 1000),
        extra: { ...(findAsset(network, request.currency) ?? asset).eip712 },
        raw,
      };
    });
    const realm = accepts[0]?.raw["realm"] as string | undefined;
    return { accepts, resource: realm === new URL(url).host ? url : (realm ?? "") };
  },
  nonce: ({ raw: { id, realm } }) => keccak256(stringToBytes(`${id}${realm}`)),
  write: ({ raw, network }, { signature, authorization }, from) => {
    const payload = { type: "authorization", ...authorization, signature };
    const credential = { challenge: raw, source: `did:pkh:${network}:${from}`, payload };
    return Buffer.from(JSON.stringify(credential)).toString("base64url");
  },
  headers: (payment) => ({ Authorization: `Payment ${payment}` }),
  other: () => ({}),
};

export const SMALL_PROTOCOLS: Readonly<Record<Profile, SmallProtocol>> = {
  "x402-v2": v2,
  "x402-v1": v1,
  mpp,
};
