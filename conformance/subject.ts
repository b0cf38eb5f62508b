/** What a report is about, in words: an endpoint, or somebody's client. */
import type { Report } from "./report.ts";

/** Such as `GET http://127.0.0.1:4021/weather`, or the client's command. */
export function subjectOf({ target, client }: Pick<Report, "target" | "client">): string {
  return client ? client.command : `${target.method} ${target.url}`;
}

/** How far the test went. */
export function scopeOf({ ring, client }: Pick<Report, "ring" | "client">): string {
  if (client) return `${client.mode}, signed ${client.signed} and lost ${client.lost} atomic units`;
  return ring === 0 ? "ring 0" : `rings 0 to ${ring}`;
}
