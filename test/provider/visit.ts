/** A visitor who can say any `Host`, which fetch does not allow. */
import { request } from "node:http";

export interface Visit {
  status: number;
  text: string;
}

export async function visit(
  port: number,
  { host = `127.0.0.1:${port}`, path = "/", headers = {} }: VisitOptions = {},
): Promise<Visit> {
  const { promise, resolve, reject } = Promise.withResolvers<Visit>();
  const options = { host: "127.0.0.1", port, path, agent: false, headers: { host, ...headers } };
  request(options, (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
    response.once("error", reject);
  })
    .once("error", reject)
    .end();
  return promise;
}

export interface VisitOptions {
  host?: string;
  path?: string;
  headers?: Record<string, string>;
}
