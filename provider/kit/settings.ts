/** A provider's few single values, such as its port and its signing key, so that it reopens as it was. */
import { type Database, migrate } from "../../store/index.ts";

export interface Settings {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  /** The value, made and kept at the first call. */
  once(name: string, make: () => string): string;
}

export function openSettings(database: Database): Settings {
  migrate(database, "settings", [
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
  ]);
  const select = database.query<{ value: string }>("SELECT value FROM setting WHERE name = ?");
  const get = (name: string) => select.get(name)?.value;
  const set = (name: string, value: string) => {
    database.run("INSERT OR REPLACE INTO setting VALUES (?, ?)", name, value);
  };
  const once = (name: string, make: () => string) =>
    database.transaction(() => {
      const known = get(name);
      if (known !== undefined) return known;
      const value = make();
      set(name, value);
      return value;
    });
  return { get, set, once };
}
