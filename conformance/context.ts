/**
 * What a case works with: the endpoint, a way to send it anything, the first unpaid answer and what it asks for. Whatever is sent
 * through it is recorded as the case's evidence.
 */
import type { Address, Hex, PublicClient } from "viem";
import { type Case, type Profile, Unassessable, unclear } from "./case.ts";
import { type ReadChallenge, readChallenge } from "./read/challenge.ts";
import type { Harness } from "./harness/harness.ts";
import type { Target } from "./target.ts";
import type { PayerSide } from "./pay/payer-side.ts";
import type { Exchange, HeaderLine, WireAnswer } from "./wire/exchange.ts";
import type { SendOptions } from "./wire/wire-client.ts";

/** What the user knows about the endpoint and the tester cannot. */
export interface Expectations {
  readonly payTo?: string | undefined;
  /** Atomic units. */
  readonly maxPrice?: bigint | undefined;
  /** A text that only the paid answer holds. */
  readonly marker?: string | undefined;
  /** The path of another paid route of the same server. */
  readonly sibling?: string | undefined;
  /** A body that costs more than the endpoint's own. */
  readonly otherBody?: string | undefined;
  /** What a catalog lists: the items of a discovery answer (x402 v2, section 8). */
  readonly listed?: readonly unknown[] | undefined;
}

/** How a request differs from the endpoint's own. */
export interface RequestChange {
  readonly method?: string;
  readonly path?: string;
  /** Put after the endpoint's own; `null` takes one away. */
  readonly headers?: readonly (readonly [string, string | null])[];
  readonly body?: string | undefined;
  /** Changes the request's text, for what no HTTP library would write. It is sent on a connection of its own. */
  readonly raw?: ((head: string) => string) | undefined;
}

export interface AskOptions extends SendOptions {
  /** Sends it to the server's other address (`--also-url`). */
  readonly elsewhere?: boolean;
  /** Over HTTP/2, where the server offers it. */
  readonly http2?: boolean;
}

/** A payment that was signed with the payer's own key, whatever became of it. */
export interface SignedPayment {
  readonly header: string;
  readonly from: Address;
  readonly nonce: Hex;
  readonly value: bigint;
  /** False where the signature was changed, so that it must not settle as it is. */
  readonly asSigned: boolean;
  /** It was sent to the chain by the tester, before the endpoint saw it. */
  settledByTester?: true;
}

export interface Run {
  readonly target: Target;
  readonly expect: Expectations;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A number from 0 to below `limit`, from the run's seed. */
  readonly randomInt: (limit: number) => number;
  readonly payer: PayerSide;
  /** Reads the chain that the endpoint is paid on, where somebody said which. */
  readonly reader: PublicClient | undefined;
  /** Another address of the same server (`--also-url`). */
  readonly also: Target | undefined;
  /** The chain's newest block when the run began; 0 where nobody pays. */
  readonly fromBlock: bigint;
  /** Every payment of the run that could have settled. */
  readonly signed: SignedPayment[];
  /** What ring 3 hosts. */
  readonly harness: Harness | undefined;
  /** How long a flood of requests lasts, in the cases of that. */
  readonly floodMs: number;
  /** What cases share within a run. */
  readonly memo: Map<string, unknown>;
  readonly send: (change: RequestChange, caseId: string, options?: AskOptions) => Promise<Exchange>;
  /** The first unpaid exchange, made once for the whole run. */
  readonly unpaid: () => Promise<Exchange>;
  /** Every exchange so far, of all cases. */
  readonly exchanges: readonly Exchange[];
}

export interface Context extends Run {
  readonly profile: Profile;
  readonly evidence: readonly number[];
  /** Makes an earlier exchange part of the evidence. */
  readonly cite: (index: number) => void;
  /** Sends the endpoint's request with a change. */
  readonly ask: (change?: RequestChange, options?: AskOptions) => Promise<Exchange>;
  /** The first unpaid answer. */
  readonly first: () => Promise<WireAnswer>;
  /** What the first unpaid answer asks for, in this profile; ends the case where it cannot be read. */
  readonly challenge: () => Promise<ReadChallenge>;
}

export function contextFor(run: Run, { id }: Pick<Case, "id">, profile: Profile): Context {
  const evidence = new Set<number>();
  const unpaid = async () => {
    const exchange = await run.unpaid();
    evidence.add(exchange.index);
    return exchange;
  };
  const first = async () => answerOf(await unpaid());
  return {
    ...run,
    profile,
    unpaid,
    first,
    cite: (index) => void evidence.add(index),
    get evidence() {
      return [...evidence];
    },
    async ask(change = {}, options) {
      const exchange = await run.send(change, id, options);
      if (exchange.index >= 0) evidence.add(exchange.index);
      return exchange;
    },
    challenge: async () => {
      const read = readChallenge(await first(), profile);
      if (read.challenge) return read.challenge;
      throw new Unassessable(unclear(`The ${profile} challenge cannot be read: ${read.problem}`));
    },
  };
}

/** The answer of an exchange, or the end of the case. */
export function answerOf({ answer, failure, request }: Exchange): WireAnswer {
  if (answer) return answer;
  throw new Unassessable(
    unclear(`${request.method} got no answer (${failure ?? "no reason known"}).`),
  );
}

/** The endpoint's own request, changed. */
export function buildRequest(
  target: Target,
  { method, path, headers = [], raw: _raw, ...rest }: RequestChange,
) {
  const body = "body" in rest ? rest.body : target.body;
  const changed = new Set(headers.map(([name]) => name.toLowerCase()));
  const lines: HeaderLine[] = [
    ["Host", target.authority],
    ["User-Agent", "purser-check"],
    ["Accept", "*/*"],
    ...target.headers,
  ].filter(([name = ""]) => !changed.has(name.toLowerCase())) as HeaderLine[];
  const given = headers.filter((line): line is HeaderLine => line[1] !== null);
  const length: HeaderLine[] =
    body === undefined ? [] : [["Content-Length", String(Buffer.byteLength(body))]];
  return {
    method: method ?? target.method,
    path: path ?? target.path,
    headers: dropDoubles([...lines, ...length]).concat(given),
    body,
  };
}

/** The user's own line replaces ours. */
function dropDoubles(lines: readonly HeaderLine[]): HeaderLine[] {
  const ours = ["user-agent", "accept", "host"];
  return lines.filter(
    ([name], at) =>
      !ours.includes(name.toLowerCase()) ||
      !lines.slice(at + 1).some(([later]) => later.toLowerCase() === name.toLowerCase()),
  );
}
