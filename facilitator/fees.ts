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

/** How long a base fee is believed, in milliseconds: it rises by an eighth a block at most, and a first fee covers six. */
const BELIEVED_MS = 4_000;

export interface BaseFeeOptions {
  /** The newest block's, in wei; throws `CHAIN_UNREACHABLE`. */
  read: () => Promise<bigint>;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** The newest base fee that we have heard of: each mined transaction tells its block's, so a busy facilitator need not ask. */
export class BaseFee {
  readonly #options: BaseFeeOptions;
  #newest: { fee: bigint; at: number } | undefined;
  #reading: Promise<bigint> | undefined;

  constructor(options: BaseFeeOptions) {
    this.#options = options;
  }

  /** Undefined where it has to be read. */
  get known(): bigint | undefined {
    const newest = this.#newest;
    return newest && this.#options.now() - newest.at < BELIEVED_MS ? newest.fee : undefined;
  }

  /** Whoever asks while it is being read waits for the same answer. */
  async get(): Promise<bigint> {
    return this.known ?? (this.#reading ??= this.#read());
  }

  async #read(): Promise<bigint> {
    const { read, now } = this.#options;
    try {
      const fee = await read();
      this.#newest = { fee, at: now() };
      return fee;
    } finally {
      this.#reading = undefined;
    }
  }

  /** What a mined transaction paid for its gas is its block's base fee and its tip, unless its own limit was lower. */
  learn(effectiveGasPrice: bigint, { maxFeePerGas, maxPriorityFeePerGas }: Fees): void {
    if (effectiveGasPrice <= maxPriorityFeePerGas || effectiveGasPrice >= maxFeePerGas) return;
    this.#newest = { fee: effectiveGasPrice - maxPriorityFeePerGas, at: this.#options.now() };
  }
}
