/** A response that was made here behaves as one of `fetch`, whichever way its body is read. */
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { readPieces, responseOf, withBytes } from "../../middleware/body-source.ts";
import { withUrl } from "../../middleware/with-url.ts";

const URL = "http://shop.example/a";
const TEXT = '{"sold":true}';
const BYTES = Buffer.from(TEXT);

function answer(type = "application/json") {
  const headers = { "content-type": type, "x-count": "1" };
  const init = { status: 201, statusText: "Made", headers };
  const source = Readable.from([BYTES.subarray(0, 5), BYTES.subarray(5)]);
  return withUrl(responseOf(source, init), URL);
}

/** TypeScript does not know it yet. */
function bytesOf(response: Response): Promise<Uint8Array> {
  return (response as unknown as { bytes(): Promise<Uint8Array> }).bytes();
}

/** One that was read whole, and can be read again. */
async function readAnswer(type?: string) {
  const response = answer(type);
  return withBytes(response, Buffer.from(await pieces(response)));
}

const MAKERS: [string, (type?: string) => Response | Promise<Response>][] = [
  ["a source", answer],
  ["bytes in memory", readAnswer],
];

async function pieces(response: Response): Promise<Buffer> {
  const read: Uint8Array[] = [];
  await readPieces(response, (piece) => void read.push(piece));
  return Buffer.concat(read);
}

describe.each(MAKERS)("a response of %s", (_, make) => {
  test("it has the status, headers and address that it was made with, and is a Response", async () => {
    const response = await make();
    expect(response).toBeInstanceOf(Response);
    const { status, statusText, ok, url, type, redirected, bodyUsed } = response;
    expect({ status, statusText, ok, url, type, redirected, bodyUsed }).toEqual({
      status: 201,
      statusText: "Made",
      ok: true,
      url: URL,
      type: "default",
      redirected: false,
      bodyUsed: false,
    });
    expect(response.headers.get("x-count")).toBe("1");
  });

  test.each<[string, (response: Response) => Promise<unknown>, unknown]>([
    ["text", (response) => response.text(), TEXT],
    ["json", (response) => response.json(), { sold: true }],
    ["bytes", async (response) => Buffer.from(await response.arrayBuffer()), BYTES],
    ["bytes of their own", async (response) => Buffer.from(await bytesOf(response)), BYTES],
    ["a blob", async (response) => (await response.blob()).text(), TEXT],
    [
      "a stream",
      (response) =>
        Readable.fromWeb(response.body as never)
          .toArray()
          .then((pieces) => Buffer.concat(pieces)),
      BYTES,
    ],
    ["another response", (response) => new Response(response.body, response).text(), TEXT],
    ["a clone", (response) => response.clone().text(), TEXT],
    ["what is left to a clone", (response) => (response.clone(), response.text()), TEXT],
    ["its pieces", pieces, BYTES],
    ["the pieces of one of fetch's", (response) => pieces(new Response(response.body)), BYTES],
  ])("its body is read as %s", async (_name, read, expected) => {
    expect(await read(await make())).toEqual(expected);
  });

  test("a form is read from it", async () => {
    const type = "application/x-www-form-urlencoded";
    const form = await (await make(type)).formData();
    expect([...form]).toEqual([[TEXT, ""]]);
  });

  test("a blob of it has its type", async () => {
    expect((await (await make()).blob()).type).toBe("application/json");
  });

  test.each(["text", "json", "arrayBuffer", "blob"] as const)(
    "its body is read once by %s, and it says so",
    async (name) => {
      const response = await make();
      expect(response.bodyUsed).toBe(false);
      const reading = response[name]();
      expect(response.bodyUsed).toBe(true);
      await reading;
      await expect(response[name]()).rejects.toThrow(TypeError);
      await expect(response.text()).rejects.toThrow(TypeError);
      expect(() => response.clone()).toThrow(TypeError);
      expect(response.body?.locked).toBe(true);
      await expect(pieces(response)).rejects.toThrow(TypeError);
      expect(response.bodyUsed).toBe(true);
    },
  );

  test("one whose stream somebody reads is not read by anybody else", async () => {
    const response = await make();
    response.body?.getReader();
    await expect(response.text()).rejects.toThrow(TypeError);
  });

  test("a clone says where it came from, and leaves the first to be read", async () => {
    const response = await make();
    const clone = response.clone();
    expect([clone.url, clone.status, clone.headers.get("x-count")]).toEqual([URL, 201, "1"]);
    expect(await Promise.all([clone.json(), response.json()])).toEqual([
      { sold: true },
      { sold: true },
    ]);
  });
});

test("what is no JSON is told as fetch tells it, and is used", async () => {
  const made = () => responseOf(Readable.from([Buffer.from("{")]), {});
  const ours = withBytes(made(), Buffer.from("{"));
  const theirs: unknown = await made()
    .json()
    .catch((error: unknown) => error);
  await expect(ours.json()).rejects.toEqual(theirs);
  expect(ours.bodyUsed).toBe(true);
});

test.each([
  ["a mark of its byte order", "\uFEFF{}"],
  ["no UTF-8", Buffer.from([0xff, 0x61])],
])("text of bytes with %s is what fetch makes of it", async (_, text) => {
  const bytes = Buffer.from(text as string);
  const response = withBytes(responseOf(Readable.from([bytes]), {}), bytes);
  expect(await response.text()).toBe(await new Response(bytes).text());
});

test("bytes are handed out without the memory around them", async () => {
  expect((await bytesOf(await readAnswer())).buffer.byteLength).toBe(BYTES.length);
  expect((await (await readAnswer()).arrayBuffer()).byteLength).toBe(BYTES.length);
});

test("one of fetch's that was read can be read again", async () => {
  const theirs = withUrl(new Response(BYTES, { status: 201 }), URL);
  const ours = withBytes(theirs, Buffer.from(await pieces(theirs)));
  expect([ours.status, ours.url, await ours.text()]).toEqual([201, URL, TEXT]);
});

test("a body that breaks off fails its reader, and nobody else", async () => {
  const source = new Readable({ read() {} });
  const response = responseOf(source, {});
  source.push("half");
  source.destroy(new Error("reset"));
  await expect(response.text()).rejects.toThrow("reset");
});

test.each([
  ["while it is read", (source: Readable) => void setImmediate(() => source.destroy())],
  ["before anybody reads it", (source: Readable) => void source.destroy()],
  ["with an error", (source: Readable) => void source.destroy(new Error("reset"))],
])("pieces of a body that breaks off %s are none", async (_, breakOff) => {
  const source = new Readable({ read() {} });
  const response = responseOf(source, {});
  source.push("half");
  breakOff(source);
  if (source.destroyed) await new Promise<void>((resolve) => source.once("close", resolve));
  await expect(pieces(response)).rejects.toThrow();
});

test("what a reader of pieces will not take ends the body", async () => {
  const source = new Readable({ read() {} });
  source.push("too much");
  const refuse = () => {
    throw new Error("no more");
  };
  await expect(readPieces(responseOf(source, {}), refuse)).rejects.toThrow("no more");
  expect(source.destroyed).toBe(true);
});

test("one that is not wanted ends its source", async () => {
  const source = new Readable({ read() {} });
  await responseOf(source, {}).body?.cancel();
  expect(source.destroyed).toBe(true);
});
