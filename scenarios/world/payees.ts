/**
 * Addresses that money can go to in the local world. Nobody has a key to them, and nobody needs one: what they got is read from
 * the chain.
 */
import type { Address } from "viem";

export const PAYEES: Readonly<Record<"cloudflare" | "second" | "stranger", Address>> = {
  /** The local Cloudflare's recipient. */
  cloudflare: "0xc10df1a4e0000000000000000000000000000001",
  /** Another recipient of its own, in its catalog where a scenario wants two. */
  second: "0xc10df1a4e0000000000000000000000000000002",
  /** Somebody whom no catalog names. */
  stranger: "0xdead00000000000000000000000000000000beef",
};
