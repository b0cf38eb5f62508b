/**
 * The thinnest HTTP client there is: one connection, one buffer, nothing parsed but where an answer ends. What `fetch` does with three
 * megabytes in the process that also serves them takes longer than serving them.
 */
import { once } from "node:events";
import { connect } from "node:net";

interface ThinAnswer {
  status: number;
  /** As they were sent. */
  head: string;
  /** Of the body. */
  bytes: number;
}

export interface ThinClient extends Disposable {
  get(path: string, headers: Readonly<Record<string, string>>): Promise<ThinAnswer>;
}

export async function openThinClient(url: string): Promise<ThinClient> {
  const { hostname: host, port } = new URL(url);
  let head = "";
  let bytes = 0;
  let length = -1;
  let resolve: (answer: ThinAnswer) => void = () => {};
  const buffer = Buffer.alloc(1 << 20);
  const take = (size: number) => {
    let start = 0;
    if (length < 0) {
      const text = buffer.toString("latin1", 0, size);
      const end = text.indexOf("\r\n\r\n");
      head += end < 0 ? text : text.slice(0, end);
      if (end < 0) return true;
      start = end + 4;
      length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    }
    bytes += size - start;
    if (bytes >= length) resolve({ status: Number(head.split(" ")[1]), head, bytes });
    return true;
  };
  const socket = connect({
    host,
    port: Number(port),
    onread: { buffer, callback: take },
  });
  await once(socket, "connect");
  return {
    get: (path, headers) => {
      [head, bytes, length] = ["", 0, -1];
      const lines = Object.entries({ host, ...headers }).map(
        ([name, value]) => `${name}: ${value}`,
      );
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
      return new Promise((answer) => (resolve = answer));
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
