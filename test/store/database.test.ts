import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { migrate, openDatabase } from "../../store/index.ts";

const folder = () => mkdtempSync(join(tmpdir(), "purser-store-"));

test("a new file and its write-ahead log are readable by their owner alone", () => {
  const path = join(folder(), "deep", "store.sqlite");
  using db = openDatabase(path);
  db.exec("CREATE TABLE t (a)");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
});

test("every commit is synced to disk", () => {
  using db = openDatabase(join(folder(), "store.sqlite"));
  expect(db.query("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
  expect(db.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
});

test("a commit that need not be synced is seen by every connection at once, and the next one is synced again", () => {
  const path = join(folder(), "store.sqlite");
  using db = openDatabase(path);
  using other = openDatabase(path);
  db.exec("CREATE TABLE t (a)");
  const insert = () => {
    db.run("INSERT INTO t VALUES (1)");
    return db.query("PRAGMA synchronous").get();
  };
  expect(db.transaction(insert, { sync: false })).toEqual({ synchronous: 1 });
  expect(other.query("SELECT a FROM t").all()).toEqual([{ a: 1 }]);
  expect(db.transaction(insert)).toEqual({ synchronous: 2 });
  const fail = () => {
    throw new Error("stop");
  };
  expect(() => db.transaction(fail, { sync: false })).toThrow("stop");
  expect(insert()).toEqual({ synchronous: 2 });
});

test.each([{ alone: false }, { alone: true }])(
  "what was committed unsynced is brought to the disk when it is asked for ($alone)",
  async (options) => {
    using db = openDatabase(join(folder(), "store.sqlite"));
    db.exec("CREATE TABLE t (a)");
    db.transaction(() => db.run("INSERT INTO t VALUES (1)"), { sync: false });
    expect(await Promise.all([db.sync(options), db.sync(options)])).toEqual([undefined, undefined]);
  },
);

test.each([{ alone: false }, { alone: true }])(
  "a log that cannot be brought to the disk is damage from then on ($alone)",
  async (options) => {
    const path = join(folder(), "store.sqlite");
    using db = openDatabase(path);
    db.exec("CREATE TABLE t (a)");
    rmSync(`${path}-wal`);
    const damage = { code: "DATABASE_UNREADABLE" };
    await expect(db.sync(options)).rejects.toMatchObject(damage);
    writeFileSync(`${path}-wal`, "");
    await expect(db.sync({ alone: false })).rejects.toMatchObject(damage);
    await expect(db.sync({ alone: true })).rejects.toMatchObject(damage);
    expect(() => db.run("INSERT INTO t VALUES (1)")).toThrow(expect.objectContaining(damage));
  },
);

test("what a sync has brought to the disk is not synced again", async () => {
  using db = openDatabase(join(folder(), "store.sqlite"));
  db.exec("CREATE TABLE t (a)");
  const before = db.moment();
  await db.sync({ alone: true });
  const between = db.moment();
  await db.sync();
  const after = db.moment();
  // A log that is closed cannot be synced any more.
  db.close();
  await expect(db.sync({ upTo: before })).resolves.toBeUndefined();
  await expect(db.sync({ upTo: between })).resolves.toBeUndefined();
  await expect(db.sync({ upTo: after })).rejects.toMatchObject({ code: "DATABASE_UNREADABLE" });
});

test.each([{ alone: false }, { alone: true }])(
  "a sync that has begun already counts for nothing that is committed meanwhile ($alone)",
  async ({ alone }) => {
    using db = openDatabase(join(folder(), "store.sqlite"));
    db.exec("CREATE TABLE t (a)");
    const begun = db.sync({ alone });
    await Promise.resolve();
    db.transaction(() => db.run("INSERT INTO t VALUES (1)"), { sync: false });
    const upTo = db.moment();
    await begun;
    db.close();
    await expect(db.sync({ upTo })).rejects.toMatchObject({ code: "DATABASE_UNREADABLE" });
  },
);

test("once a sync has failed, nothing counts as being on the disk", async () => {
  const path = join(folder(), "store.sqlite");
  using db = openDatabase(path);
  db.exec("CREATE TABLE t (a)");
  rmSync(`${path}-wal`);
  const upTo = db.moment();
  const damage = { code: "DATABASE_UNREADABLE" };
  await expect(db.sync()).rejects.toMatchObject(damage);
  writeFileSync(`${path}-wal`, "");
  await expect(db.sync({ upTo })).rejects.toMatchObject(damage);
});

test("a database in memory has no log to sync", async () => {
  using db = openDatabase(":memory:");
  await expect(db.sync()).resolves.toBeUndefined();
});

test("a question cannot write: it would not be synced", () => {
  using db = openDatabase(":memory:");
  db.exec("CREATE TABLE t (a)");
  expect(() => db.query("INSERT INTO t VALUES (1) RETURNING a")).toThrow("what writes is run");
});

test("a transaction that throws leaves nothing behind, and the next one works", () => {
  using db = openDatabase(":memory:");
  db.exec("CREATE TABLE t (a)");
  expect(() =>
    db.transaction(() => {
      db.run("INSERT INTO t VALUES (1)");
      throw new Error("stop");
    }),
  ).toThrow("stop");
  db.transaction(() => db.run("INSERT INTO t VALUES (2)"));
  expect(db.query("SELECT a FROM t").all()).toEqual([{ a: 2 }]);
});

test("an inner transaction that fails undoes itself alone", () => {
  using db = openDatabase(":memory:");
  db.exec("CREATE TABLE t (a)");
  db.transaction(() => {
    db.run("INSERT INTO t VALUES (1)");
    expect(() =>
      db.transaction(() => {
        db.run("INSERT INTO t VALUES (2)");
        throw new Error("inner");
      }),
    ).toThrow("inner");
  });
  expect(db.query("SELECT a FROM t").all()).toEqual([{ a: 1 }]);
});

test("an asynchronous transaction is refused and undone", () => {
  using db = openDatabase(":memory:");
  db.exec("CREATE TABLE t (a)");
  expect(() =>
    db.transaction(() => {
      db.run("INSERT INTO t VALUES (1)");
      return Promise.resolve();
    }),
  ).toThrow("synchronous");
  expect(db.query("SELECT a FROM t").all()).toEqual([]);
});

test("each migration step runs once, and a newer file is refused", () => {
  const path = join(folder(), "store.sqlite");
  const first = "CREATE TABLE t (a)";
  const second = "ALTER TABLE t ADD COLUMN b DEFAULT 7";
  {
    using db = openDatabase(path);
    migrate(db, "shop", [first]);
    db.run("INSERT INTO t VALUES (1)");
  }
  using db = openDatabase(path);
  migrate(db, "shop", [first, second]);
  migrate(db, "shop", [first, second]);
  expect(db.query("SELECT a, b FROM t").all()).toEqual([{ a: 1, b: 7 }]);
  expect(() => migrate(db, "shop", [first])).toThrow(
    expect.objectContaining({ code: "DATABASE_TOO_NEW" }),
  );
});

test("a failing step leaves the file as it was", () => {
  using db = openDatabase(":memory:");
  expect(() => migrate(db, "shop", ["CREATE TABLE t (a)", "NONSENSE"])).toThrow("syntax");
  expect(() => db.query("SELECT * FROM t").all()).toThrow("no such table");
});

test("a file that is no database is refused, and stays as it is", () => {
  const path = join(folder(), "store.sqlite");
  writeFileSync(path, "these are not the bytes you are looking for".repeat(100));
  expect(() => openDatabase(path)).toThrow(
    expect.objectContaining({ code: "DATABASE_UNREADABLE" }),
  );
});

test("what was committed is there after the process was killed", async () => {
  const path = join(folder(), "store.sqlite");
  const script = `
    import { openDatabase } from ${JSON.stringify(new URL("../../store/index.ts", import.meta.url).href)};
    const db = openDatabase(${JSON.stringify(path)});
    db.exec("CREATE TABLE t (a)");
    db.transaction(() => db.run("INSERT INTO t VALUES (1)"));
    db.exec("BEGIN"); db.run("INSERT INTO t VALUES (2)");
    process.kill(process.pid, "SIGKILL");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  await once(child, "exit");
  using db = openDatabase(path);
  expect(db.query("SELECT a FROM t").all()).toEqual([{ a: 1 }]);
});
