/** One row for each thing that must not be forgotten, on disk when `write` resolves. */
import { CommitQueue } from "../../store/commit-queue.ts";
import { openDatabase } from "../../store/index.ts";

export interface FloorBook {
  write(text: string): Promise<number>;
  close(): void;
}

export function openFloorBook(path: string): FloorBook {
  const db = openDatabase(path);
  db.exec("CREATE TABLE line (text TEXT)");
  const queue = new CommitQueue({ db });
  return {
    write: (text) => queue.commit(() => db.run("INSERT INTO line (text) VALUES (?)", text)),
    close: () => db.close(),
  };
}
