/**
 * The body of a response that was made here, as it comes from its socket. Whoever wants the whole of it takes it from there; a web
 * stream, which costs more than all the rest of a small answer, is made only for those who read one.
 */
import type { Readable } from "node:stream";

const sources = new WeakMap<Response, Readable>();

/** A response whose body is this stream. */
export function responseOf(source: Readable, init: ResponseInit): Response {
  // It may break off before anybody reads it; whoever does is told then.
  source.on("error", () => undefined);
  const response = new Response(toStream(source), init);
  sources.set(response, source);
  return response;
}

/** The bytes of a body that nobody has begun to read. */
export function bodyOf(response: Response): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  return sources.get(response) ?? response.body ?? [];
}

function toStream(source: Readable): ReadableStream<Uint8Array<ArrayBuffer>> {
  let chunks: AsyncIterator<Uint8Array<ArrayBuffer>> | undefined;
  return new ReadableStream(
    {
      async pull(controller) {
        chunks ??= source[Symbol.asyncIterator]();
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => void source.destroy(),
    },
    { highWaterMark: 0 },
  );
}
