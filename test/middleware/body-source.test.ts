/** A response that was made here behaves as one of `fetch`, whichever way its body is read. */
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { readPieces, responseOf } from "../../middleware/body-source.ts";
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

async function pieces(response: Response): Promise<Buffer> {
  const read: Uint8Array[] = [];
  await readPieces(response, (piece) => void read.push(piece));
  return Buffer.concat(read);
}

test("it has the status, headers and address that it was made with, and is a Response", () => {
  const response = answer();
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
  ["its pieces", pieces, BYTES],
  ["the pieces of one of fetch's", (response) => pieces(new Response(response.body)), BYTES],
])("its body is read as %s", async (_, read, expected) => {
  expect(await read(answer())).toEqual(expected);
});

test("a form is read from it", async () => {
  const form = await new Response("a=1&b=2", {
    headers: { "content-type": "application/x-www-form-urlencoded" },
  }).formData();
  const source = Readable.from([Buffer.from("a=1&b=2")]);
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  expect([...(await responseOf(source, { headers }).formData())]).toEqual([...form]);
});

test("its body is read once, and it says so", async () => {
  const response = answer();
  await response.text();
  expect(response.bodyUsed).toBe(true);
  await expect(response.text()).rejects.toThrow(TypeError);
});

test("a clone says where it came from, and leaves the first to be read", async () => {
  const response = answer();
  const clone = response.clone();
  expect([clone.url, clone.status, clone.headers.get("x-count")]).toEqual([URL, 201, "1"]);
  expect(await Promise.all([clone.json(), response.json()])).toEqual([
    { sold: true },
    { sold: true },
  ]);
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
