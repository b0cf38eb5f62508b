/**
 * Cases that a list of what should be tested has and this one does not, each with its reason: a case that was found to be wrong, or
 * that cannot be held against a server that is right. An id here is never given to another case.
 */
export interface LeftOut {
  readonly id: string;
  /** What it would have asked for. */
  readonly title: string;
  readonly reason: string;
}

export const LEFT_OUT: readonly LeftOut[] = [
  {
    id: "TAMP-14",
    title: "An authorization that is valid for ten years is refused",
    reason:
      "It is wrong: no specification bounds the window that a buyer signs, and a long one harms the buyer alone. That an endpoint asks for a short one is CHAL-18.",
  },
  {
    id: "SETL-14",
    title:
      "With the scheme upto, no more is settled than was signed, and the receipt says how much",
    reason:
      "It is not built: upto settles through Permit2 and a proxy contract, which neither the chain nor the facilitator that the tester brings has, so that no server that is right could be shown to pass.",
  },
  {
    id: "TAMP-22",
    title: "With a token that keeps a fee, the amount that arrives is the amount that was asked",
    reason:
      "It is wrong here: which token is asked for is the seller's choice, and whether it keeps a fee is seen in what a sale moves (SETL-05, SETL-07). A token that were swapped under the seller would test the tester's own facilitator.",
  },
];
