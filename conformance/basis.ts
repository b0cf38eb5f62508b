/** Where cases are written: each specification at the revision that was read, so that a citation stays true when it moves on. */
import type { Basis } from "./case.ts";

const X402 = "https://github.com/coinbase/x402/blob";
const HTTP_V2 = `${X402}/037e96d5707e7acc2ec94abbec3aed14e15e3471/specs/transports-v2/http.md`;
const CORE_V2 = `${X402}/01fd3a8846ec25c5b81d655038872da8caa4f4a0/specs/x402-specification-v2.md`;
const MPP_CORE =
  "https://github.com/tempoxyz/mpp-specs/blob/2e3de24c07a9218456bd8814d6746a0dad941d06/specs/core/draft-httpauth-payment-01.md";

/** Quotes a section word for word; `says` gives it in our words, where it is a table, long, or not at this revision. */
interface Cite {
  (section: string, quote: string): Basis;
  says(section: string, text: string): Basis;
}

const of = (spec: string, url: string): Cite =>
  Object.assign((section: string, quote: string): Basis => ({ spec, section, url, quote }), {
    says: (section: string, quote: string): Basis => ({
      spec,
      section,
      url,
      quote,
      paraphrased: true,
    }),
  });

/** x402 v2 over HTTP. */
export const httpV2 = of("x402 v2, HTTP transport", HTTP_V2);
/** x402 v2, the core. */
export const coreV2 = of("x402 v2", CORE_V2);
/** The core as it stands since the payment flows came in. What has moved again since (`settlement_pending`) is told in our words. */
export const coreV2Flows = of(
  "x402 v2, since payment flows",
  "https://github.com/phdargen/x402/blob/0b14de745714ccd4465bd3f8d9af783056be3488/specs/x402-specification-v2.md",
);
/** x402 v1, whose schema the reference packages still read. */
export const coreV1 = of(
  "x402 v1",
  "https://github.com/coinbase/x402/blob/main/specs/x402-specification-v1.md",
);
export const exactEvm = of(
  "x402 exact scheme on EVM",
  `${X402}/0ca8096e885c588f55ff4f2bed3a2b04fcffe16d/specs/schemes/exact/scheme_exact_evm.md`,
);
/** The extension by which a buyer names a payment. */
export const paymentIdentifier = of(
  "x402 extension payment-identifier",
  "https://github.com/x402-foundation/x402/blob/0ce3e9c08d0c25462fc214fb7471f5472e59ce5a/specs/extensions/payment_identifier.md",
);
export const mppEvmCharge = of(
  "draft-evm-charge-00",
  "https://github.com/tempoxyz/mpp-specs/tree/main/specs/methods/evm",
);
/** The "Payment" HTTP authentication scheme. */
export const mppCore = of("draft-httpauth-payment-01", MPP_CORE);
export const rfc9110 = of("RFC 9110", "https://www.rfc-editor.org/rfc/rfc9110");
export const rfc9111 = of("RFC 9111", "https://www.rfc-editor.org/rfc/rfc9111");
export const fetchStandard = of("Fetch standard", "https://fetch.spec.whatwg.org/");

/** Ours: no specification asks for it. */
export const policy = (reason: string): Basis => ({
  spec: "purser policy",
  section: "docs/check.md",
  url: "docs/check.md#what-is-specification-and-what-is-ours",
  quote: reason,
});
