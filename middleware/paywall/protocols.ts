/**
 * What differs between the protocols once a payment is read: what the facilitator is asked, which terms the payment misses, and
 * the receipt.
 */
import type { SettleResponse } from "../../protocol/authorization.ts";
import { encodeJson } from "../../protocol/offer.ts";
import type { FacilitatorRequest } from "./facilitator-port.ts";
import type { PaywallProtocol, PresentedPayment } from "./presented-payment.ts";
import type { SaleRecord } from "./sale-record.ts";
import { type AskedRequest, requirementsV1, requirementsV2, type Terms } from "./terms.ts";

type Billed = Pick<SaleRecord<unknown>, "payload" | "sale" | "description" | "asked">;

interface Manners {
  /** What the facilitator is asked of a sale. */
  facilitatorRequest(sale: Billed): FacilitatorRequest;
  /** The terms that a payment names and that are not ours, in the specification's words. */
  mismatch(payment: PresentedPayment, terms: Terms, asked: AskedRequest): string | undefined;
  /** The receipt's header; undefined where the protocol has none for this. `at` is when it was settled (ms). */
  receipt(response: SettleResponse, at: number): readonly [string, string] | undefined;
}

export const PROTOCOLS: Readonly<Record<PaywallProtocol, Manners>> = {
  x402v1: {
    facilitatorRequest: ({ payload, sale, description, asked }) => ({
      x402Version: 1,
      paymentPayload: payload,
      paymentRequirements: requirementsV1({ ...sale, description }, withoutQuery(asked)),
    }),
    mismatch: ({ payload }, { asset }) => {
      if (payload["scheme"] !== "exact") return "invalid_scheme";
      return payload["network"] === asset.networkName ? undefined : "invalid_network";
    },
    receipt: (response) => ["X-PAYMENT-RESPONSE", encodeJson(response)],
  },
  x402v2: {
    facilitatorRequest: ({ payload, sale, description, asked }) => ({
      x402Version: 2,
      paymentPayload: { ...payload, ...(payload["resource"] !== undefined && resourceOf(asked)) },
      paymentRequirements: requirementsV2({ ...sale, description }, asked),
    }),
    mismatch: ({ payload }, terms, asked) => {
      const [accepted, own] = [payload["accepted"], requirementsV2(terms, asked)];
      if (!isFor(payload["resource"], asked)) return "invalid_payment_requirements";
      // A flow or transfer method that was not offered is refused (x402 v2, section 6.1), also where the buyer added it.
      const { paymentFlow, assetTransferMethod = "eip3009" } = extraOf(accepted);
      return isSubset(accepted, own) &&
        paymentFlow === extraOf(own).paymentFlow &&
        assetTransferMethod === "eip3009"
        ? undefined
        : "invalid_payment_requirements";
    },
    receipt: (response) => ["PAYMENT-RESPONSE", encodeJson(response)],
  },
  mpp: {
    facilitatorRequest: ({ payload, sale, description, asked }) => {
      const accepted = requirementsV2({ ...sale, description }, asked);
      return {
        x402Version: 2,
        paymentPayload: { ...payload, accepted },
        paymentRequirements: accepted,
      };
    },
    // Its challenge has said it all; see `findMppProblem`.
    mismatch: () => undefined,
    receipt: ({ success, transaction }, at) => {
      if (!success) return undefined;
      const timestamp = new Date(at).toISOString();
      const receipt = { status: "success", method: "evm", timestamp, reference: transaction };
      return ["Payment-Receipt", Buffer.from(JSON.stringify(receipt)).toString("base64url")];
    },
  },
};

/**
 * A payment that says for which path it is buys at no other, though its signature does not cover that: prices may be the same by chance.
 * Proxies change origins, and one resource may have many queries, so that the path alone is compared.
 */
function isFor(resource: unknown, asked: AskedRequest): boolean {
  const url = (resource as { url?: unknown } | null | undefined)?.url;
  return typeof url !== "string" || pathOf(url) === pathOf(asked.resource);
}

function pathOf(url: string): string {
  return url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "").split(/[?#]/, 1)[0] || "/";
}

function extraOf(requirements: unknown) {
  const { extra } = requirements as {
    extra?: { paymentFlow?: unknown; assetTransferMethod?: unknown } | null;
  };
  return extra ?? {};
}

/** A facilitator is another party: what a buyer says in a query, such as who they are, is not for it. */
export function withoutQuery(asked: AskedRequest): AskedRequest {
  const [resource = ""] = asked.resource.split("?", 1);
  return { ...asked, resource };
}

function resourceOf(asked: AskedRequest) {
  return { resource: { url: withoutQuery(asked).resource } };
}

/** Whether `value` has all that `asked` has; addresses in any case. What a buyer adds changes nothing. */
function isSubset(value: unknown, asked: unknown): boolean {
  if (typeof asked === "object" && asked !== null) {
    return (
      typeof value === "object" &&
      value !== null &&
      Object.entries(asked).every(([key, inner]) =>
        isSubset((value as Record<string, unknown>)[key], inner),
      )
    );
  }
  if (typeof asked === "string" && asked.startsWith("0x"))
    return typeof value === "string" && value.toLowerCase() === asked.toLowerCase();
  return value === asked;
}

/** The terms that a payment does not meet to the unit; in the specification's words. */
export function findMismatch(
  payment: PresentedPayment,
  terms: Terms,
  asked: AskedRequest,
): string | undefined {
  const { payTo, amount } = payment;
  if (amount !== terms.amount) return "invalid_exact_evm_payload_authorization_value_mismatch";
  if (payTo.toLowerCase() !== terms.payTo.toLowerCase())
    return "invalid_exact_evm_payload_recipient_mismatch";
  return PROTOCOLS[payment.protocol].mismatch(payment, terms, asked);
}
