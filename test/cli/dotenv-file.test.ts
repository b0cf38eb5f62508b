/** The editing of a `.env`: nothing of the person's changes, and every reader sees the value that was set. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { parseEnv } from "node:util";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { DotenvFile } from "../../cli/project/dotenv-file.ts";
import { temporaryFolder } from "../support/temporary.ts";

const OWN = `# the person's own
export  PORT = 3000   # not quoted
KEY='two
DATABASE_URL=inside a quoted value, and no variable
lines'

SPACED = "a  b"
BROKEN='never closed
LAST=1`;

function set(text: string, name: string, value: string): string {
  const file = new DotenvFile(text);
  file.set(name, value);
  return file.toString();
}

test("a new variable comes at the end, and every other byte stays", () => {
  const text = set(OWN, "DATABASE_URL", "postgres://a:b@127.0.0.1/db?x=1&y=2");
  expect(text.startsWith(OWN)).toBe(true);
  expect(text.slice(OWN.length)).toBe("\nDATABASE_URL='postgres://a:b@127.0.0.1/db?x=1&y=2'\n");
});

test("a variable that is there changes in its place", () => {
  expect(set(OWN, "SPACED", "c")).toBe(OWN.replace('SPACED = "a  b"', "SPACED=c"));
  expect(set(OWN, "KEY", "c")).toBe(OWN.replace(/KEY='[^']*'/, "KEY=c"));
});

test("line ends stay as the person has them", () => {
  expect(set("A=1\r\nB=2\r\n", "A", "3")).toBe("A=3\r\nB=2\r\n");
  expect(set("A=1\r\n", "C", "3")).toBe("A=1\r\nC=3\r\n");
});

test("removing takes the variable's lines and no others", () => {
  const file = new DotenvFile(OWN);
  file.remove("KEY");
  expect(file.toString()).toBe(OWN.replace(/KEY='[^']*'\n/, ""));
});

const anyText = fc.string({ unit: "binary", maxLength: 60 }).filter((text) => !text.includes("\0"));

test("whatever is written is read again as it was, and setting it twice changes nothing", () => {
  fc.assert(
    fc.property(anyText, (value) => {
      const file = new DotenvFile("A=1\nB='x'\n");
      try {
        file.set("SET", value);
      } catch (error) {
        // Only what no quotes can carry is refused.
        expect(error).toMatchObject({ code: "ENV_VALUE_UNWRITABLE" });
        expect(value).toMatch(/['\r]/);
        return;
      }
      const text = file.toString();
      expect(parseEnv(text)).toEqual({ A: "1", B: "x", SET: value });
      expect(set(text, "SET", value)).toBe(text);
    }),
  );
});

test("a stranger's value runs nothing in a shell that reads the file", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, ".env");
  for (const value of ["$(echo no)", "`echo no`", "a; echo no", "$HOME", 'it"s', "two\nlines"]) {
    writeFileSync(path, set("", "SET", value));
    const read = execFileSync("sh", ["-c", `. "${path}"; printf %s "$SET"`], { encoding: "utf8" });
    expect(read).toBe(value);
  }
});
