import { randomBytes } from "node:crypto";
import type { OpenedProvider, Provide, ProviderKit, Withdraw } from "../../provider/index.ts";
import { priceOfBox } from "./price.ts";

export function openBoxes({ database, publicUrl }: ProviderKit): OpenedProvider {
  database.exec(`CREATE TABLE IF NOT EXISTS box (id TEXT PRIMARY KEY, key TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS letter (box TEXT NOT NULL, text TEXT NOT NULL)`);
  const byId = database.query<{ key: string }>("SELECT key FROM box WHERE id = ?");
  const letters = database.query<{ text: string }>("SELECT text FROM letter WHERE box = ?");
  const newKey = () => randomBytes(24).toString("base64url");

  // The same id comes again after a crash, and must find what it made.
  const provision: Provide = ({ id }) => {
    database.run("INSERT OR IGNORE INTO box VALUES (?, ?)", id, newKey());
    return { POSTBOX_URL: `${publicUrl}/boxes/${id}`, POSTBOX_KEY: byId.get(id)!.key };
  };
  const deprovision: Withdraw = ({ id }) => {
    database.run("DELETE FROM letter WHERE box = ?", id);
    database.run("DELETE FROM box WHERE id = ?", id);
  };
  const rotate: Provide = (order) => {
    database.run("UPDATE box SET key = ? WHERE id = ?", newKey(), order.id);
    return provision(order);
  };

  return {
    provide: { tray: provision, box: provision },
    withdraw: { tray: deprovision, box: deprovision },
    rotate: { tray: rotate, box: rotate },
    price: { box: priceOfBox },
    // What the key opens: a letter is put in by POST, and all are read by GET.
    api: async (request, response, next) => {
      const [, id = ""] = /^\/boxes\/(\w+)$/.exec(request.path) ?? [];
      const key = byId.get(id)?.key;
      if (key === undefined) return next();
      if (request.get("authorization") !== `Bearer ${key}`) return void response.sendStatus(401);
      if (request.method === "POST") {
        const text = (await request.toArray()).join("").slice(0, 10_000);
        database.run("INSERT INTO letter VALUES (?, ?)", id, text);
      }
      return void response.json(letters.all(id).map(({ text }) => text));
    },
  };
}
