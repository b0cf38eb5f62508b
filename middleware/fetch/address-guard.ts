/**
 * Which addresses a request may reach. A name that a stranger controls may point anywhere, also at this machine or its network,
 * so the address itself is judged, at the moment of connecting, and the connection goes to the address that was judged.
 */
import { lookup as resolveName } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { PaymentError } from "../payment-error.ts";

/** Never global unicast (IANA's special-purpose registry). */
const NEVER = subnets([
  "0.0.0.0/8",
  "169.254.0.0/16",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
]);
const PRIVATE = subnets([
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
]);
/** In a list of its own, because a mapped address of version 4 would match the one above. */
const PRIVATE6 = subnets(["::1/128", "fc00::/7"]);
/** Version 6 is the other way round: this is global, less what carries an address of version 4 or is for documents. */
const GLOBAL6 = subnets(["2000::/3"]);
const NEVER6 = subnets(["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]);

export interface AddressGuard {
  /** For an address that is written in the URL; throws `ADDRESS_NOT_ALLOWED`. */
  checkHost(hostname: string): void;
  /** For a name: resolves it once, and hands out only what was judged. One bad address among them refuses them all. */
  readonly lookup: LookupFunction;
}

export interface AddressGuardOptions {
  /** Also this machine and private networks. */
  readonly local: boolean;
  readonly resolve?: typeof resolveName;
}

export function addressGuard({ local, resolve = resolveName }: AddressGuardOptions): AddressGuard {
  /** The last host that was judged and allowed: most requests go to one host. */
  let allowed: string | undefined;
  return {
    checkHost(hostname) {
      if (hostname === allowed) return;
      const address = hostname.replace(/^\[|\]$/g, "");
      if (isIP(address) !== 0 && !isAllowed(address, local)) throw refused(hostname, address);
      allowed = hostname;
    },
    lookup(hostname, options, callback) {
      resolve(hostname, { family: options.family ?? 0, all: true }, (error, addresses) => {
        const bad = error ? undefined : addresses.find(({ address }) => !isAllowed(address, local));
        const problem = error ?? (bad && refused(hostname, bad.address));
        const [first] = addresses ?? [];
        if (problem || !first) return callback(problem ?? nothing(hostname), "");
        if (options.all === true) return callback(null, addresses);
        callback(null, first.address, first.family);
      });
    },
  };
}

/** Whether a connection to the address may be made. Text that is no address may not. */
export function isAllowed(address: string, local: boolean): boolean {
  const family = isIP(address);
  if (family === 4) {
    return !NEVER.check(address, "ipv4") && (local || !PRIVATE.check(address, "ipv4"));
  }
  if (family !== 6) return false;
  if (local && PRIVATE6.check(address, "ipv6")) return true;
  return GLOBAL6.check(address, "ipv6") && !NEVER6.check(address, "ipv6");
}

function subnets(list: readonly string[]): BlockList {
  const block = new BlockList();
  for (const subnet of list) {
    const [net = "", bits] = subnet.split("/");
    block.addSubnet(net, Number(bits), isIP(net) === 6 ? "ipv6" : "ipv4");
  }
  return block;
}

function refused(hostname: string, address: string): PaymentError {
  return new PaymentError("ADDRESS_NOT_ALLOWED", {
    problem: `${hostname} is at ${address}, which is no public address.`,
    nextStep: "Nothing was sent. For servers of your own, make the policy local.",
  });
}

function nothing(hostname: string): Error {
  return new Error(`${hostname} has no address`);
}
