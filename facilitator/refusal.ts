/**
 * Why a payment is refused, in the words of the x402 specification (section "Error codes"; the last ones are those that
 * `@x402/evm` 2.27 added), each with what it means here. Stock clients switch on the word; people read the text.
 */
import type { Address } from "viem";

export const REFUSALS = {
  invalid_payload:
    "The payment cannot be read: send the exact payload as its x402 version defines it.",
  invalid_payment_requirements:
    "The requirements cannot be read, or name an asset that this facilitator does not settle.",
  invalid_x402_version: "Only x402 versions 1 and 2 are known, and payment and request must agree.",
  unsupported_scheme: "Only the scheme exact is settled here.",
  invalid_scheme: "The payment is of another scheme than the requirements.",
  invalid_network: "The network is not the one that this facilitator settles on.",
  unsupported_payload_type: "Only EIP-3009 authorizations are settled here, not Permit2.",
  invalid_exact_evm_token_name_mismatch:
    "The requirements give the token another EIP-712 name than it has.",
  invalid_exact_evm_token_version_mismatch:
    "The requirements give the token another EIP-712 version than it has.",
  invalid_exact_evm_payload_recipient_mismatch: "The payment goes to another address than asked.",
  invalid_exact_evm_payload_authorization_value_mismatch:
    "The payment is not exactly the amount asked: neither less nor more is taken.",
  invalid_exact_evm_payload_authorization_valid_after: "The authorization is not valid yet.",
  invalid_exact_evm_payload_authorization_valid_before:
    "The authorization has expired, or will before it can be settled.",
  invalid_exact_evm_payload_signature: "The signature is not the payer's over this authorization.",
  eip6492_factory_not_allowed:
    "The payer's smart wallet is not deployed: deploy it first, then sign without an ERC-6492 wrapper.",
  insufficient_funds: "The payer holds less of the asset than the payment.",
  invalid_exact_evm_nonce_already_used:
    "The authorization is used or cancelled already; settle answers with its transaction where it paid for this.",
  invalid_exact_evm_transfer_event_mismatch:
    "The transaction was mined, but its logs do not show this payment.",
  invalid_transaction_state: "The transaction was mined and reverted: no money moved in it.",
  duplicate_settlement:
    "Somebody else has asked for this settlement before: it is not for what is sold here.",
  settlement_pending:
    "Sent, but not yet confirmed: it may still be settled. Send the same payment again to learn how it ended.",
  unexpected_verify_error: "The chain cannot be read at the moment. Nothing was moved: try again.",
  unexpected_settle_error:
    "The chain cannot be asked at the moment, or did not take the transaction: try again with the same payment.",
} as const;

export type RefusalReason = keyof typeof REFUSALS;

/** Ends the reading of a payment; an answer is made from it, and it never leaves the folder. */
export class Refusal extends Error {
  readonly reason: RefusalReason;
  /** Where the payment could be read so far. */
  readonly payer: Address | undefined;

  constructor(reason: RefusalReason, payer?: Address) {
    super(reason);
    this.reason = reason;
    this.payer = payer;
  }
}
