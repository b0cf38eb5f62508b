/**
 * The providers that the human has added, in their order, and what was pinned of each when it was first read: its id, its
 * payees and its assets. What is pinned never changes by a provider's word alone, because payments are checked against it.
 */
import type { ProviderProfile } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import { OrchestratorError } from "./error.ts";
import { PlainProvider } from "./plain-catalog.ts";

type Payment = ProviderProfile["payment"];

export interface AddedProvider {
  baseUrl: string;
  /** Undefined until it was read for the first time. */
  id: string | undefined;
}

export class ProviderRegistry {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #plain = new Map<string, PlainProvider | null>();

  constructor({ db, now }: { db: Database; now: () => number }) {
    this.#db = db;
    this.#now = now;
  }

  /** Adds a provider by its base URL, once, and answers the URL as it is kept; throws `PROVIDER_URL_INVALID`. */
  add(url: string): string {
    const baseUrl = normalise(url);
    this.#db.run(
      "INSERT INTO provider (base_url, position, added_at) SELECT ?, coalesce(max(position), 0) + 1, ? FROM provider WHERE true ON CONFLICT (base_url) DO NOTHING",
      baseUrl,
      this.#now(),
    );
    return baseUrl;
  }

  /**
   * Adds a provider that speaks the protocol as it is published, and answers the URL as it is kept. Its profile is the human's word, and
   * never the provider's.
   */
  addPlain(url: string, plain: PlainProvider): string {
    const baseUrl = this.add(url);
    const text = JSON.stringify(PlainProvider.parse(plain));
    // What was pinned of it follows from the human's word.
    const sql = "UPDATE provider SET plain = ?, id = NULL, payment = NULL WHERE base_url = ?";
    this.#db.run(sql, text, baseUrl);
    this.#plain.delete(baseUrl);
    return baseUrl;
  }

  /** What the human said of it; undefined for one of our own profile. */
  plain(baseUrl: string): PlainProvider | undefined {
    let plain = this.#plain.get(baseUrl);
    if (plain === undefined) {
      const row = this.#db
        .query<{ plain: string | null }>("SELECT plain FROM provider WHERE base_url = ?")
        .get(baseUrl);
      plain = row?.plain == null ? null : PlainProvider.parse(JSON.parse(row.plain));
      this.#plain.set(baseUrl, plain);
    }
    return plain ?? undefined;
  }

  isPlainId(id: string): boolean {
    const added = this.list().find((one) => one.id === id);
    return added !== undefined && this.plain(added.baseUrl) !== undefined;
  }

  /** The base URL that a URL is below. */
  baseOf(url: string): string | undefined {
    return this.list().find(({ baseUrl }) => url.startsWith(`${baseUrl}/`))?.baseUrl;
  }

  /** What a project has there stays known; the id is free for whoever is added next under it. */
  remove(url: string): void {
    const baseUrl = normalise(url);
    this.#db.run("DELETE FROM provider WHERE base_url = ?", baseUrl);
    this.#plain.delete(baseUrl);
  }

  list(): AddedProvider[] {
    return this.#db
      .query<{ baseUrl: string; id: string | null }>(
        "SELECT base_url AS baseUrl, id FROM provider ORDER BY position",
      )
      .all()
      .map(({ baseUrl, id }) => ({ baseUrl, id: id ?? undefined }));
  }

  /**
   * Pins a profile at first sight, or compares it with what was pinned. Answers what is wrong, or undefined when the profile
   * may be used.
   */
  pin(baseUrl: string, profile: ProviderProfile): string | undefined {
    const payment = canonical(profile.payment);
    return this.#db.transaction(() => {
      const owner = this.#db
        .query<{ base_url: string }>("SELECT base_url FROM provider WHERE id = ?")
        .get(profile.id);
      if (owner && owner.base_url !== baseUrl) {
        return `its id "${profile.id}" belongs to ${owner.base_url}`;
      }
      const row = this.#db
        .query<{ id: string | null; payment: string | null }>(
          "SELECT id, payment FROM provider WHERE base_url = ?",
        )
        .get(baseUrl);
      if (!row) return "it was never added";
      if (row.id === null) {
        this.#db.run(
          "UPDATE provider SET id = ?, payment = ? WHERE base_url = ?",
          profile.id,
          payment,
          baseUrl,
        );
        return undefined;
      }
      if (row.id !== profile.id) return `it was "${row.id}" and now calls itself "${profile.id}"`;
      return row.payment === payment ? undefined : "it changed whom or in what it wants to be paid";
    });
  }

  /** The human accepts what the provider says now: the next reading pins it anew. */
  forgetPayees(provider: string): void {
    const row = this.#db
      .query<{ base_url: string }>("SELECT base_url FROM provider WHERE id = ?")
      .get(provider);
    if (!row) {
      throw new OrchestratorError("PROVIDER_UNKNOWN", {
        problem: `No provider "${provider.slice(0, 100)}" has been read yet.`,
        nextStep: "Add it with addProvider.",
      });
    }
    this.#db.run("UPDATE provider SET id = NULL, payment = NULL WHERE id = ?", provider);
  }
}

/** The base URL without a trailing slash: every path of the provider is appended to it. */
function normalise(text: string): string {
  const url = URL.parse(text);
  const fits =
    url !== null &&
    ["http:", "https:"].includes(url.protocol) &&
    url.username === "" &&
    url.password === "" &&
    url.search === "" &&
    url.hash === "";
  if (fits) return url.href.replace(/\/+$/, "");
  throw new OrchestratorError("PROVIDER_URL_INVALID", {
    problem: `"${text.slice(0, 200)}" is not the base URL of a provider.`,
    nextStep:
      "Write it as http://host:port or https://host/path, without a user, query or fragment.",
  });
}

/** The same text for the same payees and assets, in whatever order and letter case they are written. */
function canonical({ pay_to, assets }: Payment): string {
  const names = assets.map(({ network, address }) => `${network}/${address}`.toLowerCase());
  const lists = [pay_to.map((address) => address.toLowerCase()), names];
  return JSON.stringify(lists.map((list) => [...new Set(list)].toSorted()));
}
