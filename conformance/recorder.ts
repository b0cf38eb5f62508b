/** Sends every request of a run, keeps each exchange as evidence, and holds the run to its rate. */
import { performance } from "node:perf_hooks";
import { type AskOptions, buildRequest, type RequestChange, type Run } from "./context.ts";
import type { Target } from "./target.ts";
import type { Exchange } from "./wire/exchange.ts";
import { sendRaw, writeHead } from "./wire/raw-client.ts";
import { sendHttp2 } from "./wire/http2-client.ts";
import { openWireClient, type WireClient } from "./wire/wire-client.ts";

/** More exchanges of one case are no better evidence: those of a flood would fill a report. */
const KEPT_OF_A_CASE = 1000;

export interface RecorderOptions {
  readonly target: Target;
  /** Another address of the same server. */
  readonly also: Target | undefined;
  readonly now: () => number;
  readonly deadlineMs: number;
  /** Requests a second; unlimited on loopback. */
  readonly rate: number;
  readonly signal: AbortSignal | undefined;
}

export interface Recorder extends Disposable, Pick<Run, "send" | "unpaid" | "exchanges"> {}

export function openRecorder(options: RecorderOptions): Recorder {
  const { target, also = target, now, deadlineMs, rate, signal } = options;
  const [client, other] = [target, also].map(({ origin, host }) =>
    openWireClient({ origin, host, deadlineMs }),
  ) as [WireClient, WireClient];
  const exchanges: Exchange[] = [];
  const kept = new Map<string, number>();
  let turn = performance.now();
  const wait = async () => {
    signal?.throwIfAborted();
    if (target.host.kind === "loopback" && also.host.kind === "loopback") return;
    const at = Math.max(turn, performance.now());
    turn = at + 1000 / rate;
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, Math.max(0, at - performance.now()));
    await promise;
  };
  const send = async (change: RequestChange, caseId: string, given: AskOptions = {}) => {
    await wait();
    const there = given.elsewhere === true ? also : target;
    const request = buildRequest(there, change);
    const startedAt = now();
    const began = performance.now();
    const plain = there === target ? client : other;
    const result = change.raw
      ? await sendRaw({ ...there, deadlineMs }, change.raw(writeHead(request)))
      : given.http2 === true
        ? await sendHttp2({ ...there, deadlineMs }, request)
        : await plain.send(request, given);
    const exchange: Exchange = {
      index: exchanges.length,
      origin: there.origin,
      request,
      startedAt,
      ms: performance.now() - began,
      answer: "answer" in result ? result.answer : undefined,
      failure: "failure" in result ? result.failure : undefined,
    };
    const count = kept.get(caseId) ?? 0;
    if (count >= KEPT_OF_A_CASE) return { ...exchange, index: -1 };
    kept.set(caseId, count + 1);
    exchanges.push(exchange);
    return exchange;
  };
  let first: Promise<Exchange> | undefined;
  return {
    exchanges,
    send,
    unpaid: () => (first ??= send({}, "unpaid")),
    [Symbol.dispose]: () => {
      client[Symbol.dispose]();
      other[Symbol.dispose]();
    },
  };
}
