/** Stands between a client and the chain, passes everything on, and notices whether the client asks of a payment. */
import { openLoopback } from "./loopback.ts";

export interface RpcTap extends AsyncDisposable {
  readonly url: string;
  /** Forgets what was asked so far. */
  forget(): void;
  /** Whether one of these texts, such as a nonce, was part of a question. */
  asked(texts: readonly string[]): boolean;
}

export async function openRpcTap(rpcUrl: string): Promise<RpcTap> {
  let questions: string[] = [];
  const server = await openLoopback(async (_, body) => {
    questions.push(body.toLowerCase());
    const headers = { "content-type": "application/json" };
    const answer = await fetch(rpcUrl, { method: "POST", headers, body });
    return { status: answer.status, headers, body: await answer.text() };
  });
  return {
    url: server.url,
    forget: () => void (questions = []),
    asked: (texts) =>
      texts.some((text) =>
        questions.some((question) => question.includes(text.toLowerCase().replace(/^0x/, ""))),
      ),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
