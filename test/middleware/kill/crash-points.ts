/**
 * The named moments at which a paying process is killed (reference: the wallet's crash points C0 to C9). They are ports around the
 * wallet's own parts, so the code under test knows nothing of them; the process ends by SIGKILL, without one more statement.
 */
import { connect } from "node:net";
import type { Chain } from "../../../chain/index.ts";
import type { Signer, Wallet } from "../../../middleware/index.ts";
import type { Ledger } from "../../../store/index.ts";

export const CRASH_POINTS = {
  C0: "the policy has allowed it, nothing is reserved",
  C1: "the amount is reserved",
  C2: "the signer is about to be asked",
  C3: "the signature is there, and nobody has it yet",
  C4: "the payment is on the disk as sent, no byte has left, and its bytes are not kept",
  C5: "half of the paid request is written",
  C6: "the paid request is written, nothing has come back",
  C7: "the answer is there, and not recorded",
  C8: "what came of it is recorded, the caller has not got it",
  C9: "the chain has answered a recovery, and nothing is recorded",
} as const;

export type CrashPoint = keyof typeof CRASH_POINTS;

export interface CrashPlan {
  readonly point: CrashPoint;
  /** At which passing of it; 1 is the first. */
  readonly nth: number;
}

export class Crash {
  readonly #plan: CrashPlan | undefined;
  #passed = 0;

  constructor(plan: CrashPlan | undefined) {
    this.#plan = plan;
  }

  is(point: CrashPoint): boolean {
    return this.#plan?.point === point;
  }

  /** Dies here, if it is here that this process is to die. */
  pass(point: CrashPoint): void {
    if (!this.is(point)) return;
    this.#passed += 1;
    if (this.#passed === this.#plan?.nth) die();
  }

  ledger(ledger: Ledger): Ledger {
    const reserve: Ledger["reserve"] = async (reservation) => {
      this.pass("C0");
      const reserved = await ledger.reserve(reservation);
      if (reserved.created) this.pass("C1");
      return reserved;
    };
    return around(ledger, { reserve });
  }

  signer(signer: Signer): Signer {
    return {
      address: signer.address,
      sign: async (intent) => {
        this.pass("C2");
        const signature = await signer.sign(intent);
        this.pass("C3");
        return signature;
      },
    };
  }

  chain(chain: Chain): Chain {
    return {
      ...chain,
      readAuthorization: async (...args) => {
        const proof = await chain.readAuthorization(...args);
        this.pass("C9");
        return proof;
      },
    };
  }

  /** Only the reports: they stand between the answer and the caller. */
  wallet(wallet: Wallet): Wallet {
    const report: Wallet["report"] = async (purchase, outcome) => {
      const record = await wallet.report(purchase, outcome);
      this.pass("C8");
      return record;
    };
    return around(wallet, { report });
  }

  fetch(inner: typeof fetch): typeof fetch {
    return async (input, init = {}) => {
      const headers = new Headers(init.headers);
      const paid = PAYMENT_HEADERS.some((name) => headers.has(name));
      if (!paid) return inner(input, init);
      this.pass("C4");
      for (const [point, share] of [["C5", 0.5] as const, ["C6", 1] as const]) {
        if (!this.is(point)) continue;
        await writeShare(new URL(input instanceof Request ? input.url : input), init, share);
        this.pass(point);
      }
      const response = await inner(input, init);
      this.pass("C7");
      return response;
    };
  }
}

const PAYMENT_HEADERS = ["X-PAYMENT", "PAYMENT-SIGNATURE", "Authorization"];

/** Writes that share of a request, and resolves when the system has taken it. */
function writeShare({ hostname, port, host, pathname }: URL, init: RequestInit, share: number) {
  const body = Buffer.from((init.body as Uint8Array | undefined) ?? "");
  const head = [`${init.method ?? "GET"} ${pathname} HTTP/1.1`, `Host: ${host}`];
  for (const [name, value] of new Headers(init.headers)) head.push(`${name}: ${value}`);
  head.push(`Content-Length: ${body.length}`, "", "");
  const bytes = Buffer.concat([Buffer.from(head.join("\r\n")), body]);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(Number(port), hostname).on("error", reject);
  socket.write(bytes.subarray(0, Math.ceil(bytes.length * share)), () => resolve());
  return promise;
}

/** The part itself, with some of its methods replaced. */
function around<T extends object>(part: T, replaced: Partial<T>): T {
  return new Proxy(part, {
    get(target, name) {
      if (Object.hasOwn(replaced, name)) return Reflect.get(replaced, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  throw new Error("outlived SIGKILL");
}
