/** `/accounts/:account/storage/kv/namespaces`: the namespaces, and the values in them. Mounted below the account. */
import express, { type Request, Router } from "express";
import { z } from "zod";
import { connectionOf, param } from "./account-scope.ts";
import { endpoint, success } from "./envelope.ts";
import { CloudflareError } from "./error.ts";
import { readInput } from "./input.ts";
import type { KvNamespace, KvNamespaces } from "./kv-namespaces.ts";
import type { KvStore, Lease } from "./runtime/instance.ts";

export interface KvApiOptions {
  namespaces: KvNamespaces;
  lease: (namespace: string) => Promise<Lease>;
  newId: () => string;
}

const Title = z.looseObject({ title: z.string().min(1).max(512) });

export function kvApi({ namespaces, lease, newId }: KvApiOptions): Router {
  const router = Router({ mergeParams: true });
  const raw = express.raw({ type: () => true, limit: "25mb" });

  router.post(
    "/namespaces",
    express.json(),
    endpoint((request) => {
      const { accountId } = connectionOf(request);
      const { title } = readInput(Title, request.body);
      const namespace = { id: newId().replaceAll("-", ""), accountId, title };
      if (!namespaces.add(namespace)) throw titleTaken(title);
      return describe(namespace);
    }),
  );
  router.get("/namespaces", (request, response) => {
    const list = namespaces.list(connectionOf(request).accountId).map(describe);
    const info = { page: 1, per_page: list.length, count: list.length, total_count: list.length };
    // There is one page; whoever asks for the next one gets none.
    response.json(success(Number(request.query["page"] ?? 1) > 1 ? [] : list, info));
  });
  router.get(
    "/namespaces/:namespace",
    endpoint((request) => describe(own(request, namespaces))),
  );
  router.delete(
    "/namespaces/:namespace",
    endpoint((request) => {
      namespaces.remove(own(request, namespaces).id);
      return {};
    }),
  );
  const onStore = async <T>(request: Request, work: (store: KvStore) => Promise<T>) => {
    const { id } = own(request, namespaces);
    using leased = await lease(id);
    return await work(await leased.kv(id));
  };
  router.get("/namespaces/:namespace/keys", (request, response) =>
    onStore(request, async (store) => {
      const { prefix, cursor, limit } = readInput(ListQuery, request.query);
      const list = await store.list({
        limit,
        ...(prefix === undefined ? {} : { prefix }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      const next = list.list_complete ? "" : (list.cursor ?? "");
      response.json(success(list.keys, { count: list.keys.length, cursor: next }));
    }),
  );
  router.get("/namespaces/:namespace/values/:key", (request, response) =>
    onStore(request, async (store) => {
      const value = await store.get(keyOf(request), "arrayBuffer");
      if (value === null) throw keyNotFound();
      response.type("application/octet-stream").send(Buffer.from(value));
    }),
  );
  router.put(
    "/namespaces/:namespace/values/:key",
    raw,
    endpoint((request) =>
      onStore(request, async (store) => {
        const { expiration, expiration_ttl: expirationTtl } = readInput(PutQuery, request.query);
        await store.put(keyOf(request), await readValue(request), {
          ...(expiration === undefined ? {} : { expiration }),
          ...(expirationTtl === undefined ? {} : { expirationTtl }),
        });
        return {};
      }),
    ),
  );
  router.delete(
    "/namespaces/:namespace/values/:key",
    endpoint((request) =>
      onStore(request, async (store) => {
        await store.delete(keyOf(request));
        return {};
      }),
    ),
  );
  return router;
}

const seconds = z.coerce.number().int().positive().optional();
const PutQuery = z.looseObject({ expiration: seconds, expiration_ttl: seconds });
const ListQuery = z.looseObject({
  prefix: z.string().max(512).optional(),
  cursor: z.string().max(2000).optional(),
  limit: z.coerce.number().int().min(10).max(1000).default(1000),
});

/** wrangler sends a value with metadata as a form, and one without as it is. */
async function readValue(request: Request): Promise<ArrayBuffer> {
  const body: unknown = request.body;
  const bytes = new Uint8Array(Buffer.isBuffer(body) ? body : Buffer.alloc(0));
  const type = request.get("content-type") ?? "";
  if (!type.startsWith("multipart/form-data")) return bytes.buffer;
  const form = await new Response(bytes, { headers: { "content-type": type } }).formData();
  const value = form.get("value");
  if (value === null) {
    throw new CloudflareError("BODY_INVALID", {
      problem: 'The form has no part "value".',
      nextStep: "Send the value as the body, or as that part.",
    });
  }
  return typeof value === "string"
    ? new Uint8Array(Buffer.from(value)).buffer
    : value.arrayBuffer();
}

function keyOf(request: Request): string {
  const key = param(request, "key");
  if (Buffer.byteLength(key) <= 512 && key !== "." && key !== "..") return key;
  throw new CloudflareError("KEY_INVALID", {
    problem: "A key has at most 512 bytes, and is not a dot or two.",
    nextStep: "Use a shorter key.",
  });
}

function own(request: Request, namespaces: KvNamespaces): KvNamespace {
  const namespace = namespaces.find(param(request, "namespace"));
  // Another account's namespace is not there at all.
  if (namespace?.accountId === connectionOf(request).accountId) return namespace;
  throw namespaceNotFound();
}

export function namespaceNotFound(): CloudflareError {
  return new CloudflareError("NAMESPACE_NOT_FOUND", {
    problem: "The account has no such KV namespace.",
    nextStep: "List the account's namespaces.",
  });
}

function titleTaken(title: string): CloudflareError {
  return new CloudflareError("NAMESPACE_TITLE_TAKEN", {
    problem: `The account has a namespace with the title "${title.slice(0, 100)}" already.`,
    nextStep: "Use that one, or choose another title.",
  });
}

function keyNotFound(): CloudflareError {
  return new CloudflareError("KEY_NOT_FOUND", {
    problem: "The namespace has no such key.",
    nextStep: "List its keys.",
  });
}

function describe({ id, title }: KvNamespace): object {
  return { id, title, supports_url_encoding: true };
}
