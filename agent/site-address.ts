/** Where a URL leads: to the internet, to this machine, or to a network that nobody may be led into. */
import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { AgentError } from "./agent-error.ts";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Not the public internet: RFC 6890 and its successors, with the IPv6 forms that wrap an IPv4 address. */
const PRIVATE = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  PRIVATE.addSubnet(net, bits, "ipv4");
}
for (const [net, bits] of [
  ["::", 96],
  ["::ffff:0:0", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const) {
  PRIVATE.addSubnet(net, bits, "ipv6");
}

/** The address to connect to, or `URL_REFUSED` where it is neither public nor an allowed loopback. */
export async function addressOf(url: URL, allowLoopback: boolean): Promise<string> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const found =
    isIP(host) === 0
      ? await lookup(host).catch((cause: unknown) => {
          throw new AgentError("SITE_UNREACHABLE", {
            problem: `The name ${host} does not resolve.`,
            nextStep: "Verify again later; a new name takes a while to be known.",
            cause,
          });
        })
      : { address: host, family: isIP(host) };
  const kind = found.family === 6 ? "ipv6" : "ipv4";
  const loopback = LOOPBACK.check(found.address, kind);
  if (loopback ? allowLoopback : !PRIVATE.check(found.address, kind)) return found.address;
  throw new AgentError("URL_REFUSED", {
    problem: `${host} is not an address on the internet.`,
    nextStep: "Finish and say that the provider gave an unusable URL.",
  });
}

/** Whether a base URL is on this machine. */
export function isLoopback(baseUrl: string): boolean {
  const { hostname } = new URL(baseUrl);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  return isIP(host) !== 0 && LOOPBACK.check(host, isIP(host) === 6 ? "ipv6" : "ipv4");
}
