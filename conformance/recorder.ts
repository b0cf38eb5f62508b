/** Sends every request of a run, keeps each exchange as evidence, and holds the run to its rate. */
import { performance } from "node:perf_hooks";
import { buildRequest, type RequestChange, type Run } from "./context.ts";
import type { Target } from "./target.ts";
import type { Exchange } from "./wire/exchange.ts";
import { openWireClient, type SendOptions } from "./wire/wire-client.ts";

export interface RecorderOptions {
  readonly target: Target;
  readonly now: () => number;
  readonly deadlineMs: number;
  /** Requests a second; unlimited on loopback. */
  readonly rate: number;
  readonly signal: AbortSignal | undefined;
}

export interface Recorder extends Disposable, Pick<Run, "send" | "unpaid" | "exchanges"> {}

export function openRecorder({ target, now, deadlineMs, rate, signal }: RecorderOptions): Recorder {
  const client = openWireClient({ origin: target.origin, host: target.host, deadlineMs });
  const exchanges: Exchange[] = [];
  let turn = performance.now();
  const wait = async () => {
    signal?.throwIfAborted();
    if (target.host.kind === "loopback") return;
    const at = Math.max(turn, performance.now());
    turn = at + 1000 / rate;
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, at - performance.now());
    await promise;
  };
  const send = async (change: RequestChange, _caseId: string, options?: SendOptions) => {
    await wait();
    const request = buildRequest(target, change);
    const startedAt = now();
    const began = performance.now();
    const result = await client.send(request, options);
    const exchange: Exchange = {
      index: exchanges.length,
      origin: target.origin,
      request,
      startedAt,
      ms: performance.now() - began,
      answer: "answer" in result ? result.answer : undefined,
      failure: "failure" in result ? result.failure : undefined,
    };
    exchanges.push(exchange);
    return exchange;
  };
  let first: Promise<Exchange> | undefined;
  return {
    exchanges,
    send,
    unpaid: () => (first ??= send({}, "unpaid")),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}
