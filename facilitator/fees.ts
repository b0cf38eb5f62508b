/** What a transaction pays for its gas, and what its replacement has to pay. All in wei. */
export interface Fees {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

export interface FeeLimits {
  /** The tip. */
  readonly priorityFeePerGas: bigint;
  /** No transaction of ours offers more than this. */
  readonly maxFeePerGas: bigint;
}

/** Twice the newest base fee, which then may rise for six blocks; undefined when not even the next block can be paid for. */
export function firstFees(baseFeePerGas: bigint, limits: FeeLimits): Fees | undefined {
  const { priorityFeePerGas: tip, maxFeePerGas: ceiling } = limits;
  if (baseFeePerGas + tip > ceiling) return undefined;
  const wanted = baseFeePerGas * 2n + tip;
  return { maxFeePerGas: wanted < ceiling ? wanted : ceiling, maxPriorityFeePerGas: tip };
}

/**
 * A quarter more than before, and no less than a first one would offer now: nodes refuse a replacement that offers less than
 * a tenth more, in either figure. Undefined above the ceiling: then only patience is left.
 */
export function replacementFees(
  before: Fees,
  baseFeePerGas: bigint,
  limits: FeeLimits,
): Fees | undefined {
  const tip = raise(before.maxPriorityFeePerGas);
  const raised = raise(before.maxFeePerGas);
  const wanted = baseFeePerGas * 2n + tip;
  const maxFeePerGas = wanted > raised ? wanted : raised;
  if (raised > limits.maxFeePerGas) return undefined;
  return {
    maxFeePerGas: maxFeePerGas < limits.maxFeePerGas ? maxFeePerGas : limits.maxFeePerGas,
    maxPriorityFeePerGas: tip,
  };
}

function raise(fee: bigint): bigint {
  return (fee * 5n) / 4n + 1n;
}
