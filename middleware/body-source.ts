/**
 * The body of a response that was made here, as it comes from its socket. Whoever wants the whole of it takes it from there; a web
 * stream, which costs more than all the rest of a small answer, is made only for those who read one.
 */
import type { Readable } from "node:stream";
import { withUrl } from "./with-url.ts";

/** A response whose body is this stream. */
export function responseOf(source: Readable, init: ResponseInit): Response {
  // It may break off before anybody reads it; whoever does is told then.
  source.on("error", () => undefined);
  return new SourceResponse(source, init);
}

/** Hands on each piece of a body that nobody has begun to read, until its end; what `take` throws ends it. */
export async function readPieces(
  response: Response,
  take: (piece: Uint8Array) => void,
): Promise<void> {
  if (response instanceof SourceResponse) await readSource(response.source, take);
  else for await (const piece of response.body ?? []) take(piece);
}

/** As its own iterator would, which asks a good deal more of a small answer. */
function readSource(source: Readable, take: (piece: Uint8Array) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(error);
    };
    const brokenOff = () => end(source.errored ?? new Error("the answer broke off"));
    if (source.closed) return brokenOff();
    source.once("end", end).once("error", end).once("close", brokenOff);
    source.on("data", (piece: Uint8Array) => {
      try {
        take(piece);
      } catch (error) {
        end(error);
        source.destroy();
      }
    });
  });
}

/** Made without a body, which is half of what making one costs; whoever asks for it meets the same response with its web stream. */
class SourceResponse extends Response {
  readonly source: Readable;
  streamed: Response | undefined;

  constructor(source: Readable, init: ResponseInit) {
    super(null, init);
    this.source = source;
  }
}

function streamedOf(response: SourceResponse): Response {
  const { source, url } = response;
  return (response.streamed ??= withUrl(new Response(toStream(source), response), url));
}

// TypeScript knows these as properties, so that a class cannot override them as what they are.
for (const name of ["arrayBuffer", "blob", "bytes", "formData", "json", "text"]) {
  const read = Reflect.get(Response.prototype, name) as (this: Response) => unknown;
  override(name, { value: takingThis((response) => read.call(streamedOf(response))) });
}
const clone = (response: SourceResponse) => withUrl(streamedOf(response).clone(), response.url);
override("clone", { value: takingThis(clone) });
override("body", { get: takingThis((response) => streamedOf(response).body) });
override("bodyUsed", { get: takingThis(({ streamed }) => streamed?.bodyUsed ?? false) });

function override(name: string, descriptor: PropertyDescriptor): void {
  const how = { configurable: true, enumerable: true } as const;
  Object.defineProperty(SourceResponse.prototype, name, { ...how, ...descriptor });
}

function takingThis<T>(read: (response: SourceResponse) => T): (this: SourceResponse) => T {
  return function () {
    return read(this);
  };
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
