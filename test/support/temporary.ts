/** A folder that is gone when the test is over. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryFolder extends Disposable {
  path: string;
}

export function temporaryFolder(): TemporaryFolder {
  const path = newFolder("test");
  return {
    path,
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** One that somebody else removes, at the latest the suite with its own (`suite-folder.ts`). */
export function newFolder(name: string): string {
  return realpathSync(mkdtempSync(join(tmpdir(), `purser-${name}-`)));
}
