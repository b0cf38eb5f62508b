/**
 * The body of a response that was made here: as it comes from its socket, or in memory once it was read whole. Whoever wants all of
 * it takes it from there; a web stream, which costs more than all the rest of a small answer, is made only for those who read one.
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
  const source = response instanceof SourceResponse ? response.unread : undefined;
  if (source) await readSource(source, take);
  else for await (const piece of response.body ?? []) take(piece);
}

/** What was read by `readPieces` can be read by the caller of the response again, from these bytes. */
export function withBytes(response: Response, bytes: Uint8Array<ArrayBuffer>): Response {
  if (response instanceof SourceResponse && response.unread) {
    response.content = bytes;
    return response;
  }
  if (response.body === null) return response;
  const { status, statusText, headers, url } = response;
  return withUrl(new Response(bytes, { status, statusText, headers }), url);
}

/** As its own iterator would, which asks a good deal more of a small answer. */
function readSource(source: Readable, take: (piece: Uint8Array) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    // An error that is made in vain costs more than all the rest: the end of a whole body is followed by this too.
    const close = () => {
      if (source.errored || !source.readableEnded) reject(brokenOff(source));
    };
    if (source.closed) return reject(brokenOff(source));
    source.once("end", resolve).once("close", close);
    source.on("data", (piece: Uint8Array) => {
      try {
        take(piece);
      } catch (error) {
        source.destroy(error as Error);
      }
    });
  });
}

function brokenOff(source: Readable): Error {
  return source.errored ?? new Error("the answer broke off");
}

/** Made without a body, which is half of what making one costs; whoever asks for it meets the same response with its web stream. */
class SourceResponse extends Response {
  /** Where the body comes from, and all of it once that was read: then the socket's message is let go. */
  content: Readable | Uint8Array<ArrayBuffer>;
  /** The bytes have been handed out, and are not again: a body is read once. */
  used = false;
  streamed: Response | undefined;

  constructor(source: Readable, init: ResponseInit) {
    super(null, init);
    this.content = source;
  }

  /** The source, where nobody has read it or asked for anything else of the body. */
  get unread(): Readable | undefined {
    const { content, streamed } = this;
    return streamed || content instanceof Uint8Array ? undefined : content;
  }
}

function streamedOf(response: SourceResponse): Response {
  if (response.streamed) return response.streamed;
  const { content, used, url } = response;
  const body = content instanceof Uint8Array ? content : toStream(content);
  const streamed = (response.streamed = withUrl(new Response(body, response), url));
  if (used) void streamed.arrayBuffer();
  return streamed;
}

const decoder = new TextDecoder();
/** What is made of bytes in memory, as `fetch` makes it: never with the memory around them, which is not theirs. */
const FROM_BYTES = {
  arrayBuffer: (bytes: Uint8Array) => new Uint8Array(bytes).buffer,
  bytes: (bytes: Uint8Array) => new Uint8Array(bytes),
  json: (bytes: Uint8Array): unknown => JSON.parse(decoder.decode(bytes)),
  text: (bytes: Uint8Array) => decoder.decode(bytes),
};

// TypeScript knows these as properties, so that a class cannot override them as what they are.
for (const name of ["arrayBuffer", "blob", "bytes", "formData", "json", "text"]) {
  const read = Reflect.get(Response.prototype, name) as (this: Response) => unknown;
  const fromBytes = Reflect.get(FROM_BYTES, name) as ((bytes: Uint8Array) => unknown) | undefined;
  const value = takingThis(async (response) => {
    const { content, used, streamed } = response;
    const inMemory = content instanceof Uint8Array && !used && !streamed;
    if (!fromBytes || !inMemory) return read.call(streamedOf(response));
    response.used = true;
    return fromBytes(content);
  });
  override(name, { value });
}
const clone = (response: SourceResponse) => withUrl(streamedOf(response).clone(), response.url);
override("clone", { value: takingThis(clone) });
override("body", { get: takingThis((response) => streamedOf(response).body) });
override("bodyUsed", { get: takingThis(({ streamed, used }) => streamed?.bodyUsed ?? used) });

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
