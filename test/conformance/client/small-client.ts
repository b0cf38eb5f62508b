/**
 * A small client of one protocol that buys rightly: it reads strictly, chooses and checks one offer, signs once for a purchase and remembers
 * it, and sends the payment nowhere else. Each of these can be taken away by name.
 */
import { randomBytes } from "node:crypto";
import { getAddress, toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { Order, Profile } from "../../../conformance/index.ts";
import { authorizationTypedData } from "../../../protocol/index.ts";
import {
  SMALL_PROTOCOLS,
  type SmallChallenge,
  type SmallOffer,
  type SmallProtocol,
} from "./small-protocols.ts";

/** What a client can do wrong; each is one fault. */
export interface ClientFaults {
  ignoresLimit?: true;
  /** Signs anew at these answers to a payment; `lost` is no answer. */
  signsAgainAt?: readonly (number | "lost")[];
  takesFirst?: true;
  /** Looks at the first offer's amount, and pays the one that it can. */
  checksFirst?: true;
  readsAnyNumber?: true;
  anyPayee?: true;
  anyAsset?: true;
  anyNetwork?: true;
  trustsDomain?: true;
  anyResource?: true;
  anyWindow?: true;
  /** Signs whatever permission of Permit2 is asked for. */
  signsPermits?: true;
  /** Follows redirects before a payment, and pays whoever asks. */
  followsUnpaid?: true;
  /** Follows redirects with the payment on. */
  followsPaid?: true;
  /** Follows a paid answer's redirect as a new request, and pays there too. */
  paysAtEachHop?: true;
  neverResends?: true;
  forgets?: true;
  oneNonce?: true;
  /** Pays what it expected to pay where it cannot read what is asked. */
  paysUnread?: true;
  neverLooksUp?: true;
  losesHeaders?: true;
  sendsBothVersions?: true;
  printsKey?: true;
}

/** One program's memory: a purchase has one payment. */
export function smallClient(
  faults: ClientFaults = {},
  profile: Profile = "x402-v2",
): (order: Order) => Promise<Response> {
  const protocol = SMALL_PROTOCOLS[profile];
  const signed = new Map<string, string>();
  return async (order) => {
    if (faults.printsKey) throw new Error(`it cannot pay with ${order.key}`);
    const pay = async (asked: Order, challenge: Response) => {
      const offer = choose(await read(challenge, asked, faults, protocol), asked, faults);
      const payment = await sign(asked, offer, faults, protocol);
      if (!faults.forgets) signed.set(asked.purchase, payment);
      return payment;
    };
    const unpaid = await ask(order, faults);
    if (unpaid.status !== 402) return unpaid;
    let asked = order;
    let payment = signed.get(order.purchase) ?? (await pay(order, unpaid));
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const answer = await send(asked, payment, faults, protocol).catch(() => undefined);
      const status = answer?.status ?? "lost";
      if (answer?.ok) {
        if (!faults.neverLooksUp) await lookUp(order, payment);
        return answer;
      }
      if (faults.paysAtEachHop && status === 302) {
        asked = { ...order, url: answer?.headers.get("location") ?? "" };
        payment = await pay(asked, await ask(asked, faults));
      } else if (faults.signsAgainAt?.includes(status)) {
        payment = await pay(asked, status === 402 ? answer! : await ask(asked, faults));
      } else if (faults.neverResends || !mayDeliver(status)) break;
    }
    throw new Error("it was paid, and not delivered");
  };
}

/** The same payment may still fetch what it bought. */
function mayDeliver(status: number | "lost"): boolean {
  return status === "lost" || status >= 500 || [402, 429].includes(status);
}

function ask({ url, method, headers, body, signal }: Order, { followsUnpaid }: ClientFaults) {
  const redirect = followsUnpaid ? "follow" : "manual";
  return fetch(url, { method, headers, body: body ?? null, signal, redirect });
}

async function read(
  challenge: Response,
  order: Order,
  faults: ClientFaults,
  protocol: SmallProtocol,
): Promise<SmallChallenge> {
  try {
    return await protocol.read(challenge, order);
  } catch (error) {
    if (!faults.paysUnread) throw error;
    const { network, networkName, address: asset, eip712: extra } = order.asset;
    const usual = { scheme: "exact", amount: "10000", maxTimeoutSeconds: 60, extra };
    const raw = { scheme: "exact", network: networkName };
    return { accepts: [{ ...usual, network, asset, payTo: order.payTo, raw }], resource: "" };
  }
}

function choose(
  { accepts, resource }: SmallChallenge,
  { asset, payTo, max, url }: Order,
  faults: ClientFaults,
): SmallOffer {
  const { anyResource = faults.followsUnpaid ?? faults.paysUnread } = faults;
  if (!anyResource && resource !== url) throw new Error("it sells something else");
  const anyPayee = faults.anyPayee ?? faults.followsUnpaid;
  const limit = faults.checksFirst && BigInt(accepts[0]!.amount) <= max ? 2n ** 255n : max;
  const payable = accepts.filter(
    (offer) =>
      offer.scheme === "exact" &&
      offer.extra.assetTransferMethod === undefined &&
      (faults.anyNetwork || offer.network === asset.network) &&
      (faults.anyAsset || faults.anyNetwork || offer.asset === asset.address) &&
      (anyPayee || offer.payTo === payTo) &&
      (faults.readsAnyNumber || /^(0|[1-9]\d{0,77})$/.test(offer.amount)) &&
      (faults.ignoresLimit || amountOf(offer, faults) <= limit),
  );
  const permit = accepts.find(({ extra }) => extra.assetTransferMethod === "permit2");
  if (faults.signsPermits && permit) return permit;
  const sorted = faults.takesFirst
    ? payable
    : payable.toSorted((a, b) => Number(amountOf(a, faults) - amountOf(b, faults)));
  const [best] = sorted;
  if (!best) throw new Error("no offer may be paid");
  return best;
}

/** Written as a decimal number, or as whatever JavaScript takes for one. */
function amountOf({ amount }: SmallOffer, { readsAnyNumber }: ClientFaults): bigint {
  return readsAnyNumber ? BigInt(Number(amount)) : BigInt(amount);
}

async function sign(
  order: Order,
  offer: SmallOffer,
  faults: ClientFaults,
  protocol: SmallProtocol,
): Promise<string> {
  const account = privateKeyToAccount(order.key);
  const now = Math.floor(Date.now() / 1000);
  const window = faults.anyWindow
    ? offer.maxTimeoutSeconds
    : Math.min(120, offer.maxTimeoutSeconds);
  const authorization = {
    from: account.address,
    to: getAddress(offer.payTo),
    value: amountOf(offer, faults),
    validAfter: BigInt(now - 600),
    validBefore: BigInt(now + window),
    nonce: faults.oneNonce
      ? toHex(1, { size: 32 })
      : (protocol.nonce(offer) ?? toHex(randomBytes(32))),
  };
  const token = {
    ...order.asset,
    address: getAddress(offer.asset),
    chainId: Number(offer.network.split(":")[1]),
    ...(faults.trustsDomain || faults.anyNetwork ? { eip712: offer.extra } : {}),
  };
  const signature = await account.signTypedData(authorizationTypedData(token, authorization));
  const { value, validAfter, validBefore } = authorization;
  const texts = {
    ...authorization,
    value: String(value),
    validAfter: String(validAfter),
    validBefore: String(validBefore),
  };
  const permit2Authorization = {
    from: account.address,
    permitted: { token: offer.asset, amount: offer.amount },
    nonce: String(BigInt(authorization.nonce)),
    deadline: texts.validBefore,
    witness: { to: offer.payTo, validAfter: texts.validAfter },
  };
  const payload = offer.extra.assetTransferMethod
    ? { signature, permit2Authorization }
    : { signature, authorization: texts };
  return protocol.write(offer, payload, account.address);
}

async function send(
  order: Order,
  payment: string,
  faults: ClientFaults,
  protocol: SmallProtocol,
): Promise<Response> {
  const { url, method, headers, body, signal } = order;
  const init = {
    method,
    headers: {
      ...(faults.losesHeaders ? {} : headers),
      ...protocol.headers(payment),
      ...(faults.sendsBothVersions ? protocol.other(payment) : {}),
    },
    body: body ?? null,
    signal,
    redirect: "manual",
  } as const;
  const answer = await fetch(url, init);
  const location = answer.headers.get("location");
  // By hand: fetch takes Authorization off, and many HTTP libraries do not.
  return faults.followsPaid && location !== null ? await fetch(location, init) : answer;
}

/** Asks the chain whether the authorization was used. */
async function lookUp({ rpcUrl, asset, key }: Order, payment: string): Promise<void> {
  const text = Buffer.from(payment, "base64").toString();
  const nonce = /"nonce":"0x([0-9a-f]{64})"/.exec(text)?.[1];
  const from = privateKeyToAccount(key).address.slice(2).toLowerCase().padStart(64, "0");
  const data = `0xe94a0102${from}${nonce}`;
  const call = { method: "eth_call", params: [{ to: asset.address, data }, "latest"] };
  await fetch(rpcUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, ...call }),
  });
}
